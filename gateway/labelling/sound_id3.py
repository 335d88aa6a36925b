"""MP3 files: the label in an ID3v2 frame `TXXX` described as `AIGC` (TC260-PG-202510A).

Source: the ID3v2 standards 2.2, 2.3 and 2.4. The frames that are there stay as they are, in the version they are in;
only an extended header goes, since the checksum in it would be wrong, and the padding, since frames follow anew.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.labelling.container import Format
from gateway.labelling.members import LabelError
from gateway.labelling.splice import Kept, Piece, kept_bytes, read_at, size_of, write_spliced

_HEAD_BYTES = 10
_UNSYNCHRONISED, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
# Per frame of version 2.4: the length comes in front, the bytes are unsynchronised, compressed or encrypted.
_FRAME_LENGTH, _FRAME_UNSYNCHRONISED, _FRAME_OPAQUE = 0x01, 0x02, 0x0C
_OPAQUE_3 = 0xC0
_KEY = "AIGC"
_MOST_TAGS = 8
# For the next program that adds a frame; some readers also take a tag without any for a damaged one.
_PADDING = bytes(1024)
_ENCODINGS = ("latin-1", "utf-16", "utf-16-be", "utf-8")
_V2, _V3, _V4 = 2, 3, 4
# The head of an audio frame (ISO/IEC 11172-3 section 2.4.1.3): all ones, or none, is no value of these fields.
_FRAME_HEAD_BYTES = 4
_SYNC, _VERSION, _NO_VERSION = 0xFFE00000, 0x00180000, 0x00080000
_LAYER, _LAYER_III, _BIT_RATE, _RATE = 0x00060000, 0x00020000, 0x0000F000, 0x00000C00
_SAME_IN_BOTH = 0x80
_NAME = re.compile(rb"[0-9A-Z]+")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a tag.

    Attributes:
        name: three characters in version 2.2, else four.
        raw: head and content as they stand in the file, after unsynchronisation of the whole tag is undone.
        text: content as text would be stored; empty where it is compressed or encrypted.
    """

    name: bytes
    raw: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class Tag:
    """One ID3v2 tag.

    Attributes:
        version: 2, 3 or 4.
        flags: those that still hold for the frames below.
        frames: in the file's order.
        end: byte behind it.
    """

    version: int
    flags: int
    frames: tuple[Frame, ...]
    end: int


def is_mp3(head: bytes) -> bool:
    """Tell an MP3 file by its first bytes: a tag, or the head of an audio frame of layer III."""
    if head[:3] == b"ID3":
        return True
    word = int.from_bytes(head[:4]) if len(head) >= _FRAME_HEAD_BYTES else 0
    if word & _SYNC != _SYNC or word & _LAYER != _LAYER_III:
        return False
    return word & _VERSION != _NO_VERSION and word & _BIT_RATE not in (0, _BIT_RATE) and word & _RATE != _RATE


def tags_of(file: BinaryIO) -> list[Tag]:
    """Return the tags a file begins with.

    Raises:
        LabelError: one cannot be taken apart.
    """
    tags: list[Tag] = []
    at = 0
    while (size_of(file) - at) >= _HEAD_BYTES and read_at(file, at, 3) == b"ID3":
        tags.append(_tag_at(file, at))
        at = tags[-1].end
        if len(tags) > _MOST_TAGS:
            raise LabelError("the file has more ID3 tags in a row than any program writes")
    return tags


def _tag_at(file: BinaryIO, at: int) -> Tag:
    head = read_at(file, at, _HEAD_BYTES)
    version, flags, size = head[3], head[5], _syncsafe(head[6:10])
    if version not in (_V2, _V3, _V4):
        raise LabelError(f"the ID3 tag is of version 2.{version}, which nobody knows")
    body = read_at(file, at + _HEAD_BYTES, size)
    end = at + _HEAD_BYTES + size + (_HEAD_BYTES if version == _V4 and flags & _FOOTER else 0)
    if version == _V2 and flags & _EXTENDED:
        raise LabelError("the ID3 tag is compressed in a way that was never defined")
    if version < _V4 and flags & _UNSYNCHRONISED:
        body = _synchronised(body)
    if flags & _EXTENDED:
        body = body[_extended_bytes(body, version) :]
    # Undone for the tag as a whole above; in 2.4 the flag speaks of each frame, and those stay as they are.
    kept = flags & _UNSYNCHRONISED if version == _V4 else 0
    return Tag(version, kept, tuple(_frames(body, version, bool(kept))), end)


def _extended_bytes(body: bytes, version: int) -> int:
    # 2.3 does not count the size's own four bytes, 2.4 does.
    return int.from_bytes(body[:4]) + 4 if version == _V3 else _syncsafe(body[:4])


def _frames(body: bytes, version: int, unsynchronised: bool) -> Iterator[Frame]:  # noqa: FBT001 a flag of the tag
    head_bytes = 6 if version == _V2 else 10
    # Up to the padding; asked once, since a tag may have half a million frames.
    used_bytes = len(body.rstrip(b"\0"))
    at = 0
    while at + head_bytes <= len(body) and body[at]:
        name = body[at : at + (3 if version == _V2 else 4)]
        size = _frame_size(body, at, version, used_bytes)
        end = at + head_bytes + size
        if not _is_name(name) or end > len(body):
            raise LabelError(f"the ID3 tag is damaged at byte {at}")
        raw = body[at:end]
        yield Frame(name, raw, _text_of(raw, version, unsynchronised))
        at = end
    # What a reader would take for padding and a writer would drop: frames behind a size that is wrong.
    if body[at:].strip(b"\0"):
        raise LabelError(f"the ID3 tag is damaged at byte {at}")


def _frame_size(body: bytes, at: int, version: int, used_bytes: int) -> int:
    if version == _V2:
        return int.from_bytes(body[at + 3 : at + 6])
    field = body[at + 4 : at + 8]
    plain = int.from_bytes(field)
    if version == _V3 or plain < _SAME_IN_BOTH:
        return plain
    # Some programs write plain sizes into 2.4; the one that leads to another frame, or the end, is meant.
    for size in (_syncsafe(field), plain):
        behind = at + 10 + size
        if _is_name(body[behind : behind + 4]) or behind >= used_bytes:
            return size
    return _syncsafe(field)


def _is_name(name: bytes) -> bool:
    return bool(_NAME.fullmatch(name))


def _text_of(raw: bytes, version: int, unsynchronised: bool) -> bytes:  # noqa: FBT001 a flag of the tag
    if version == _V2:
        return raw[6:]
    text, flags = raw[10:], raw[9]
    if flags & (_OPAQUE_3 if version == _V3 else _FRAME_OPAQUE):
        return b""
    if version == _V4 and flags & _FRAME_LENGTH:
        text = text[4:]
    return _synchronised(text) if version == _V4 and (unsynchronised or flags & _FRAME_UNSYNCHRONISED) else text


def _label_in(frame: Frame) -> bytes | None:
    if frame.name not in (b"TXXX", b"TXX") or not frame.text or frame.text[0] >= len(_ENCODINGS):
        return None
    shown = frame.text[1:].decode(_ENCODINGS[frame.text[0]], "replace")
    key, separator, value = shown.partition("\0")
    if key.lstrip("\ufeff").upper() != _KEY or not separator:
        return None
    return value.strip("\0\ufeff").encode()


def _frame(version: int, label: bytes) -> bytes:
    # A label is ASCII, so it is the same in Latin-1 as in UTF-8, and no byte of it wants unsynchronisation.
    content = b"\0" + _KEY.encode() + b"\0" + label
    size = len(content)
    if version == _V2:
        return b"TXX" + size.to_bytes(3) + content
    return b"TXXX" + (_as_syncsafe(size) if version == _V4 else size.to_bytes(4)) + bytes(2) + content


def mp3_pieces(file: BinaryIO, label: bytes) -> Iterator[Piece]:
    """Give what a labelled MP3 file is made of.

    Args:
        file: the file without the label, or with an earlier one.
        label: JSON text of the label.

    Raises:
        LabelError: the tag is damaged, or would be too long.
    """
    tags = tags_of(file) or [Tag(_V3, 0, (), 0)]
    size = size_of(file)
    if not is_mp3(read_at(file, tags[-1].end, min(4, size - tags[-1].end)).ljust(4, b"\0")):
        # Bytes between tag and audio are common; other formats behind a tag are told apart by their first ones.
        _refuse_other(read_at(file, tags[-1].end, min(4, size - tags[-1].end)))
    for place, tag in enumerate(tags):
        frames = b"".join(frame.raw for frame in tag.frames if _label_in(frame) is None)
        yield _tag(tag, frames + (_frame(tag.version, label) if place == 0 else b""))
    yield Kept(tags[-1].end, size)


def _refuse_other(head: bytes) -> None:
    if head in (b"fLaC", b"OggS", b"RIFF"):
        raise LabelError("an ID3 tag stands in front of another format; give the file that format's extension")


def _tag(tag: Tag, frames: bytes) -> bytes:
    if len(frames) + len(_PADDING) >= 1 << 28:
        raise LabelError("the ID3 tag would be longer than one can be")
    size = _as_syncsafe(len(frames) + len(_PADDING))
    return b"ID3" + bytes([tag.version, 0, tag.flags]) + size + frames + _PADDING


def _syncsafe(field: bytes) -> int:
    value = 0
    for each in field:
        value = value << 7 | each & 0x7F
    return value


def _as_syncsafe(value: int) -> bytes:
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))


def _synchronised(data: bytes) -> bytes:
    return data.replace(b"\xff\x00", b"\xff")


def _write(source: Path, target: Path, label: bytes) -> None:
    write_spliced(source, target, label, mp3_pieces)


def _read(source: Path) -> list[bytes]:
    with source.open("rb") as file:
        labels = [_label_in(frame) for tag in tags_of(file) for frame in tag.frames]
    return [label for label in labels if label is not None]


def _content(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        tags = tags_of(file)
        yield from kept_bytes(file, Kept(tags[-1].end if tags else 0, size_of(file)))


MP3 = Format("MP3", (".mp3",), is_mp3, _write, _read, _content)
