"""The label to be heard in M4A files: packets of its own in front of the file's, which stay as they are.

Source: ISO/IEC 14496-3 (AAC): packets of one rate and number of channels follow each other whoever made them; they
overlap by half, and silence stands at the seam. The file is put together anew; all its packets, titles and pictures
go along. Only AAC of the low-complexity profile, in one or two channels, and only at the start: at the end, the
file says how many samples to leave out.
"""

from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from gateway.labelling import media
from gateway.labelling.members import LabelError
from gateway.labelling.sound_tone import missing, sign_wave, silence
from gateway.labelling.splice import Kept, size_of, write_spliced
from gateway.protocol.labels import Position

_BITS = 96_000
_PACKET_SAMPLES = 1024
_LOW_COMPLEXITY = 2
_EDGE_SECONDS = 0.1
_OF_THE_FILE = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})


def write_m4a_sign(source: Path, target: Path, position: Position | None = None, prompt: Path | None = None) -> None:
    """Write an M4A file with a label to be heard at its start, where it has none yet.

    Args:
        source: the file without it.
        target: the file with it; overwritten.
        position: start; None for the same.
        prompt: sound file of any kind to be heard instead of the rhythm; None for the rhythm.

    Raises:
        LabelError: the sound is not AAC as described above, or the label is wanted elsewhere.
        OSError: a file cannot be read or written.
    """
    if position not in (None, Position.START):
        raise LabelError("in an M4A file the label to be heard stands at the start")
    av = media.library()
    with media.translated("the sound"):
        with closing(media.opened(source)) as old:
            rate, channels = _checked(old)
        if missing(source, Position.START, prompt) is None:
            write_spliced(source, target, b"", lambda file, _: [Kept(0, size_of(file))])
            return
        sign = _encoded(rate, channels, prompt, prompt.stat().st_mtime_ns if prompt else 0)
        with (
            closing(media.opened(source)) as old,
            closing(av.open(str(target.absolute()), "w", format="ipod")) as new,
        ):
            streams = {stream.index: new.add_stream_from_template(stream, opaque=True) for stream in old.streams}
            for index, stream in streams.items():
                stream.disposition = old.streams[index].disposition
            new.metadata.update({name: value for name, value in old.metadata.items() if name not in _OF_THE_FILE})
            new.set_chapters(_moved(old.chapters(), len(sign) * _PACKET_SAMPLES / rate))
            for packet in _packets(av, old, sign):
                packet.stream = streams[packet.stream_index]
                new.mux(packet)


def _checked(container: Any) -> tuple[int, int]:  # noqa: ANN401 of the library
    if len(container.streams.audio) != 1:
        raise LabelError("the M4A file has no sound that is decoded here, or several")
    context = container.streams.audio[0].codec_context
    head = bytes(context.extradata or b"")
    channels = context.layout.nb_channels
    if context.name != "aac" or not head or head[0] >> 3 != _LOW_COMPLEXITY or channels not in (1, 2):
        raise LabelError(
            "the M4A file's sound is not AAC of the usual kind in one or two channels, and would have to be encoded"
            " again; put the label to be heard in before compressing"
        )
    return int(context.sample_rate), int(channels)


@lru_cache(maxsize=16)
def _encoded(rate: int, channels: int, prompt: Path | None, _: int) -> tuple[bytes, ...]:
    parts = (silence(rate, _EDGE_SECONDS), sign_wave(rate, prompt), silence(rate))
    return tuple(media.encoded(np.concatenate(parts), "aac", rate, channels, {"b": str(_BITS)}))


def _packets(av: Any, old: Any, sign: tuple[bytes, ...]) -> Iterator[Any]:  # noqa: ANN401 of the library
    stream, shift = old.streams.audio[0], None
    for packet in old.demux():
        if not packet.size:
            continue
        if packet.stream_index == stream.index:
            if shift is None:
                first = packet.pts
                shift = round(len(sign) * _PACKET_SAMPLES / (stream.codec_context.sample_rate * stream.time_base))
                yield from _own(av, stream, sign, first)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
        yield packet


def _own(av: Any, stream: Any, sign: tuple[bytes, ...], first: int) -> Iterator[Any]:  # noqa: ANN401 of the library
    ticks = _PACKET_SAMPLES / (stream.codec_context.sample_rate * stream.time_base)
    for number, data in enumerate(sign):
        packet = av.Packet(data)
        packet.pts = packet.dts = first + round(number * ticks)
        packet.duration, packet.time_base, packet.is_keyframe = round(ticks), stream.time_base, True
        packet.stream = stream
        yield packet


def _moved(chapters: list[Any], seconds: float) -> list[Any]:
    for each in chapters:
        shift = round(seconds / each["time_base"])
        each["start"], each["end"] = each["start"] + shift if each["start"] else 0, each["end"] + shift
    return chapters
