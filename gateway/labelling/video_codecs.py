"""Encoders of films, and how packets of theirs stand in front of packets of another encoder.

Sources: ISO/IEC 14496-15 (H.264 and H.265 in files: lengths in front of units, parameter sets in the head), ITU-T
H.264 7.3.2.1 (numbers of parameter sets). A film has one head; what both parts need has to be in it, or in the
packets.
"""

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.labelling.members import LabelError


class Encoder(NamedTuple):
    """How a film of a codec is encoded again.

    Attributes:
        name: of the encoder.
        options: near the quality at which nobody sees a difference.
    """

    name: str
    options: dict[str, str]


# Without pictures that refer to later ones: times and order of packets stay those of the pictures.
ENCODERS = {
    "h264": Encoder("libx264", {"crf": "16", "preset": "fast", "bf": "0", "rc-lookahead": "10"}),
    "hevc": Encoder(
        "libx265", {"crf": "18", "preset": "fast", "x265-params": "bframes=0:rc-lookahead=10:log-level=none"}
    ),
    "vp8": Encoder(
        "libvpx", {"crf": "8", "b": "8000000", "auto-alt-ref": "0", "lag-in-frames": "0", "cpu-used": "4"}
    ),
    "vp9": Encoder("libvpx-vp9", {"crf": "20", "b": "0", "lag-in-frames": "0", "cpu-used": "5", "row-mt": "1"}),
    "av1": Encoder("libsvtav1", {"crf": "22", "preset": "9", "svtav1-params": "pred-struct=1"}),
    "mpeg4": Encoder("mpeg4", {"flags": "+qscale", "global_quality": "236"}),
    "mjpeg": Encoder("mjpeg", {"flags": "+qscale", "global_quality": "236"}),
}
_UNITS = {"h264", "hevc"}
_START = b"\0\0\1"
_H264_SETS = {7: "sequence", 8: "picture"}
_MOST_SET_NUMBERS = 32


def joining_options(codec: str, head: bytes) -> dict[str, str]:
    """Return options for packets that stand in front of others.

    Args:
        codec: of both.
        head: parameter sets of the others, as the file has them.
    """
    if codec == "h264":
        # Sets of another number stand beside the file's own in the one head.
        return {"x264-params": f"sps-id={_free_number(head)}"}
    if codec == "hevc":
        return {"x265-params": ENCODERS["hevc"].options["x265-params"] + ":repeat-headers=1"}
    return {}


def joined_head(codec: str, head: bytes, new: bytes) -> bytes:
    """Return the head of a film of which the first packets have been encoded again.

    Args:
        codec: of the film.
        head: so far.
        new: what the encoder says belongs in front of its packets.

    Raises:
        LabelError: there is no room, or the head cannot be taken apart.
    """
    if codec != "h264":
        return head
    sequences, pictures, rest = _avcc(head)
    for unit in _units(new):
        if _H264_SETS.get(unit[0] & 31) == "sequence":
            sequences.append(unit)
        elif _H264_SETS.get(unit[0] & 31) == "picture":
            pictures.append(unit)
    counted = [b"".join(len(each).to_bytes(2) + each for each in sets) for sets in (sequences, pictures)]
    if len(sequences) >= _MOST_SET_NUMBERS or len(pictures) > 255:  # noqa: PLR2004 a byte
        raise LabelError("the film's head has no room for another set of parameters")
    return head[:5] + bytes([0xE0 | len(sequences)]) + counted[0] + bytes([len(pictures)]) + counted[1] + rest


def as_stored(codec: str, head: bytes, packet: bytes) -> bytes:
    """Return an encoder's packet as it is stored behind such a head."""
    if codec not in _UNITS:
        return packet
    width = (head[4] & 3) + 1 if codec == "h264" else (head[21] & 3) + 1
    # Sets that are in the head need not be in the packet.
    kept = [unit for unit in _units(packet) if codec == "hevc" or unit[0] & 31 not in _H264_SETS]
    return b"".join(len(unit).to_bytes(width) + unit for unit in kept)


def reminder(codec: str, head: bytes) -> bytes:
    """Return what has to stand in front of the first of the old packets, whose parameters were replaced."""
    if codec == "mpeg4":
        return head
    if codec == "hevc":
        width, sets = (head[21] & 3) + 1, []
        at, count = 23, head[22]
        for _ in range(count):
            number, at = int.from_bytes(head[at + 1 : at + 3]), at + 3
            for _ in range(number):
                size = int.from_bytes(head[at : at + 2])
                sets.append(head[at + 2 : at + 2 + size])
                at += 2 + size
        return b"".join(len(each).to_bytes(width) + each for each in sets)
    return b""


def _free_number(head: bytes) -> int:
    taken = {_first_number(unit[4:]) for unit in _avcc(head)[0]} | {
        _first_number(unit[1:]) for unit in _avcc(head)[1]
    }
    return next(number for number in range(1, _MOST_SET_NUMBERS + 1) if number not in taken)


def _first_number(data: bytes) -> int:
    """Return the number a parameter set begins with, in Exp-Golomb code."""
    bits = f"{int.from_bytes(data[:4].ljust(4, bytes(1))):032b}"
    zeros = bits.index("1") if "1" in bits else 0
    return int(bits[zeros : 2 * zeros + 1] or "1", 2) - 1


def _avcc(head: bytes) -> tuple[list[bytes], list[bytes], bytes]:
    if len(head) < 7 or head[0] != 1:  # noqa: PLR2004 its fixed part
        raise LabelError("the film's head does not say how its pictures are stored")
    found: list[list[bytes]] = []
    at = 5
    for mask in (31, 255):
        count, at = head[at] & mask if at < len(head) else 0, at + 1
        found.append([])
        for _ in range(count):
            size = int.from_bytes(head[at : at + 2])
            found[-1].append(head[at + 2 : at + 2 + size])
            at += 2 + size
    if at > len(head) or not all(map(len, (*found[0], *found[1]))):
        raise LabelError("the film's head is damaged")
    return found[0], found[1], head[at:]


def _units(packet: bytes) -> Iterator[bytes]:
    """Give the units of a packet with start codes between them."""
    parts = packet.split(_START)
    for number, part in enumerate(parts[1:], 1):
        # A zero in front of a start code belongs to it.
        unit = part.rstrip(b"\0") if number < len(parts) - 1 else part
        if unit:
            yield unit


def open_encoder(av: Any, codec: str, frame: Any, stream: Any, options: dict[str, str]) -> Any:  # noqa: ANN401 of the library
    """Return an encoder for pictures like this one.

    Args:
        av: the library.
        codec: what is wanted.
        frame: a picture of the film.
        stream: of the film; times, rate and colours are taken from it.
        options: beside the usual ones.

    Raises:
        LabelError: nothing here encodes this codec.
    """
    if codec not in ENCODERS:
        raise LabelError(f"the film is encoded as {codec}, which is not encoded here; draw the words when it is made")
    chosen = ENCODERS[codec]
    # The encoder of AV1 prints its settings for whoever has not asked it not to.
    os.environ.setdefault("SVT_LOG", "0")
    context = av.CodecContext.create(chosen.name, "w")
    old = stream.codec_context
    context.width, context.height, context.pix_fmt = frame.width, frame.height, frame.format.name
    context.time_base = stream.time_base
    if stream.guessed_rate:
        context.framerate = stream.guessed_rate
    for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
        setattr(context, name, getattr(old, name))
    if old.sample_aspect_ratio:
        context.sample_aspect_ratio = old.sample_aspect_ratio
    context.thread_count = 2
    context.options = {**chosen.options, **options}
    if codec in _UNITS and options.get("x265-params") is None:
        context.flags |= av.codec.context.Flags.global_header
    context.open()
    return context
