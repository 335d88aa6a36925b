"""Frames of MP3 files: their heads, the index LAME puts in front of them, and frames put at start and end.

Sources: ISO/IEC 11172-3 section 2.4.1.3 and 13818-3 (heads), the Xing header and the LAME tag behind it (what all
players read for length, seeking and the samples to leave out). Frames that are there stay as they are, byte for byte.
"""

import struct
from dataclasses import dataclass

from gateway.labelling.members import LabelError

HEAD_BYTES = 4
MOST_SEARCHED_BYTES = 64 * 1024
"""How far behind the tags the first frame may begin: some programs pad there."""
_KILOBITS_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KILOBITS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_MPEG_1, _LAYER_III, _MONO = 3, 1, 3
_SIDE_BYTES = {(True, False): 32, (True, True): 17, (False, False): 17, (False, True): 9}
# Version, layer and rate: the frame with an index often has another mode than the sound.
_SAME = 0xFFFE0C00
_FRAMES, _BYTES, _PLACES, _QUALITY = 1, 2, 4, 8
_TABLE_BYTES = 100
_ENCODERS = (b"LAME", b"Lavf", b"Lavc", b"GOGO", b"L3.9")
_LENGTH_AT, _MUSIC_CRC_AT, _TAG_CRC_AT = 28, 32, 34
_POLYNOMIAL = 0xA001


@dataclass(frozen=True, slots=True)
class FrameHead:
    """The head of one frame.

    Attributes:
        word: its four bytes.
        rate: samples a second.
        kilobits: a second.
        mono: True for one channel.
        samples: of each channel.
        size: bytes with the head.
        side: byte of the frame at which its side information ends, where an index begins.
    """

    word: int
    rate: int
    kilobits: int
    mono: bool
    samples: int
    size: int
    side: int


def frame_head(data: bytes, at: int = 0) -> FrameHead | None:
    """Return the head of a frame that begins at a place; None where none does."""
    word = int.from_bytes(data[at : at + HEAD_BYTES]) if at + HEAD_BYTES <= len(data) else 0
    version, layer = word >> 19 & 3, word >> 17 & 3
    bit_rate, rate, padding = word >> 12 & 15, word >> 10 & 3, word >> 9 & 1
    if word >> 21 != 0x7FF or version == 1 or layer != _LAYER_III or bit_rate in (0, 15) or rate == 3:  # noqa: PLR2004 as the standard has them
        return None
    first, mono = version == _MPEG_1, word >> 6 & 3 == _MONO
    kilobits, hertz = (_KILOBITS_1 if first else _KILOBITS_2)[bit_rate - 1], _RATES[version][rate]
    samples = 1152 if first else 576
    return FrameHead(
        word,
        hertz,
        kilobits,
        mono,
        samples,
        samples * 125 * kilobits // hertz + padding,
        HEAD_BYTES + _SIDE_BYTES[first, mono],
    )


def first_frame(data: bytes, ends: bool) -> tuple[int, FrameHead]:  # noqa: FBT001 said of the data
    """Return where the first frame begins, and its head.

    Args:
        data: what stands behind the tags, or its beginning.
        ends: True when nothing stands behind it.

    Raises:
        LabelError: there is none.
    """
    at = data.find(b"\xff")
    while 0 <= at < MOST_SEARCHED_BYTES:
        head = frame_head(data, at)
        if head is not None:
            behind = frame_head(data, at + head.size)
            # Two in a row: one alone is easily found in a picture, too.
            if (behind and not (behind.word ^ head.word) & _SAME) or (ends and at + head.size >= len(data) - 160):
                return at, head
        at = data.find(b"\xff", at + 1)
    raise LabelError("no MP3 frames were found behind the tags")


def reaches_back(data: bytes, at: int, head: FrameHead) -> bool:
    """Tell whether a frame takes bytes from frames before it, as one from the middle of a file does."""
    start = at + HEAD_BYTES + (0 if head.word >> 16 & 1 else 2)
    bits = 9 if head.word >> 19 & 3 == _MPEG_1 else 8
    return bool(int.from_bytes(data[start : start + 2]) >> 16 - bits)


def alike(frame: bytes, head: FrameHead) -> bytes:
    """Return a frame of two plain channels, or one, under the marks of another frame's head.

    Players that look for the next frame hold these marks against each other.
    """
    # The mode's extension stays zero: joint stereo without either kind of joining is plain stereo.
    return frame[:3] + bytes([head.word & 0xCF]) + frame[4:]


def index_at(frame: bytes, head: FrameHead) -> int | None:
    """Return where the index in a frame begins; None for a frame of sound.

    Raises:
        LabelError: it has an index of another kind.
    """
    if frame[HEAD_BYTES + 32 : HEAD_BYTES + 36] == b"VBRI":
        raise LabelError(
            "the MP3 file has an index of the kind VBRI, which is not rewritten here; copy the file anew"
        )
    # A frame with a checksum has its side information two bytes later, and LAME does not count them.
    return next((at for at in (head.side, head.side + 2) if frame[at : at + 4] in (b"Xing", b"Info")), None)


def grown_index(frame: bytes, at: int, before: list[bytes], after: list[bytes]) -> bytes:
    """Return the frame with an index when frames are put at start and end.

    Args:
        frame: the frame so far.
        at: where the index begins in it.
        before: frames behind this one.
        after: frames behind all others.

    Raises:
        LabelError: the index is longer than its frame.
    """
    new = bytearray(frame)
    flags, place = int.from_bytes(new[at + 4 : at + 8]), at + 8
    sizes = {_FRAMES: 4, _BYTES: 4, _PLACES: _TABLE_BYTES, _QUALITY: 4}
    if place + sum(size for flag, size in sizes.items() if flags & flag) > len(new):
        raise LabelError("the MP3 is damaged: its index is longer than the frame it stands in")
    added, counts = before + after, {}
    for flag, more in ((_FRAMES, len(added)), (_BYTES, sum(map(len, added)))):
        if flags & flag:
            counts[flag] = int.from_bytes(new[place : place + 4])
            new[place : place + 4] = min(counts[flag] + more, 0xFFFFFFFF).to_bytes(4)
            place += 4
    if flags & _PLACES:
        if len(counts) == 2 and all(counts.values()):  # noqa: PLR2004 both
            new[place : place + _TABLE_BYTES] = _places(
                bytes(new[place : place + _TABLE_BYTES]), counts, before, after
            )
        place += _TABLE_BYTES
    place += 4 if flags & _QUALITY else 0
    if new[place : place + 4] in _ENCODERS and place + _TAG_CRC_AT + 2 <= len(new):
        _grow_tag(new, place, len(frame), before, after)
    return bytes(new)


def _places(old: bytes, counts: dict[int, int], before: list[bytes], after: list[bytes]) -> bytes:
    """Return the table of places, each a share of 256 of the bytes at a hundredth of the time."""
    ahead, behind = sum(map(len, before)), sum(map(len, after))
    frames, size = counts[_FRAMES], counts[_BYTES]
    total, whole = frames + len(before) + len(after), size + ahead + behind
    table = bytearray()
    for hundredth in range(_TABLE_BYTES):
        frame = hundredth * total / _TABLE_BYTES
        if frame < len(before):
            place = ahead * frame / len(before)
        elif frame < len(before) + frames:
            share = (frame - len(before)) / frames
            place = ahead + size * old[min(int(share * _TABLE_BYTES), _TABLE_BYTES - 1)] / 256
        else:
            place = whole - behind + behind * (frame - len(before) - frames) / len(after)
        table.append(min(255, int(256 * place / whole)))
    return bytes(table)


def _grow_tag(new: bytearray, at: int, own: int, before: list[bytes], after: list[bytes]) -> None:
    length, checksum = struct.unpack_from(">IH", new, at + _LENGTH_AT)
    if length:
        old = max(0, length - own)
        ahead, behind = b"".join(before), b"".join(after)
        # The sum of a whole follows from those of its parts, so the file is not read for it.
        checksum = _advanced(_advanced(crc16(ahead), old) ^ checksum, len(behind)) ^ crc16(behind)
        struct.pack_into(">IH", new, at + _LENGTH_AT, min(length + len(ahead) + len(behind), 0xFFFFFFFF), checksum)
    struct.pack_into(">H", new, at + _TAG_CRC_AT, crc16(bytes(new[: at + _TAG_CRC_AT])))


def crc16(data: bytes, value: int = 0) -> int:
    """Return the checksum LAME uses: polynomial 0x8005, mirrored."""
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value


def _advanced(value: int, count: int) -> int:
    """Return a checksum after as many zero bytes."""
    power = _TABLE_POWERS
    for bit in range(count.bit_length()):
        if count >> bit & 1:
            value = _applied(power[bit], value)
    return value


def _applied(columns: tuple[int, ...], value: int) -> int:
    result = 0
    for bit, column in enumerate(columns):
        if value >> bit & 1:
            result ^= column
    return result


def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)  # noqa: PLW2901 the register
        table.append(value)
    return tuple(table)


_TABLE = _table()


def _powers() -> tuple[tuple[int, ...], ...]:
    """Return what one zero byte does to each bit of a checksum, then two, four, eight, as matrices over one bit."""
    powers = [tuple(crc16(b"\0", 1 << bit) for bit in range(16))]
    for _ in range(63):
        powers.append(tuple(_applied(powers[-1], column) for column in powers[-1]))
    return tuple(powers)


_TABLE_POWERS = _powers()
