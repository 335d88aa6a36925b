"""The audible label in compressed sound: in front of an MP3 file's own frames, or of samples that are encoded again.

Sources: GB 45438-2025 5.3; ISO/IEC 11172-3 2.4.2.3 and 13818-3 (the head of a frame). Frames of MP3 stand for
themselves where no bits are kept in a reservoir, so the sign's go in front and the file's own stay as they are. FLAC
loses nothing by being encoded again, Opus a little. Formats are named and never guessed: a library that guesses would
follow the addresses in a playlist.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from gateway.labelling.members import LabelError
from gateway.labelling.sound_sign import Form, rhythm

MOST_SECONDS = 2 * 3600
"""Longest sound that is encoded again, or heard as a prompt: silence packs into next to nothing."""

_SILENCE_SECONDS = 0.4
_ID3_BYTES = 10
_HEAD_BYTES = 4
# ISO/IEC 11172-3 2.4.2.3: kbit/s of layer III by index, of MPEG-1 and of the lower rates; 0 is no rate.
_KILOBITS = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_LAYER_3, _MONO = 1, 3
_SEARCHED_BYTES = 64 * 1024
# What files are encoded with again, by their format and codec.
_ENCODERS = {("FLAC", "flac"): "flac", ("OGG", "opus"): "libopus", ("OGG", "libopus"): "libopus"}
_FRAME_SAMPLES = 4096
_OPUS_BITS_A_SECOND = 96_000


@dataclass(frozen=True, slots=True)
class Mp3Frame:
    """What the head of a frame says.

    Attributes:
        at: where it begins in the file.
        size: how many bytes it has.
        rate: samples a second.
        channels: one or two.
        bits_a_second: of the compressed sound.
        first: True for MPEG-1.
    """

    at: int
    size: int
    rate: int
    channels: int
    bits_a_second: int
    first: bool


def write_sign(source: Path, target: Path, kind: str, prompt: Path | None = None) -> None:
    """Write a compressed sound with a label to be heard at its start.

    Args:
        source: the file without it.
        target: the file with it; overwritten.
        kind: name of its format: ``MP3``, ``FLAC`` or ``OGG``.
        prompt: WAV file to be heard instead of the rhythm; None for the rhythm.

    Raises:
        LabelError: it cannot be put there; the message says why.
        OSError: a file cannot be read or written.
    """
    try:
        if kind == "MP3":
            target.write_bytes(_with_frames(source.read_bytes(), prompt))
        else:
            _encode_again(source, target, kind, prompt)
    except (av.FFmpegError, ValueError, struct.error, IndexError) as exc:
        raise LabelError("the sound is damaged or of a rare kind; it gets no label to be heard") from exc


def first_frame(data: bytes, at: int = 0) -> Mp3Frame:
    """Return the first frame of an MP3 file.

    Args:
        data: the file.
        at: where to begin to look.

    Raises:
        LabelError: there is none.
    """
    for place in range(at, min(at + _SEARCHED_BYTES, len(data) - _HEAD_BYTES)):
        if data[place] == 0xFF and (found := _frame_at(data, place)):  # noqa: PLR2004 eleven bits are set
            return found
    raise LabelError("the MP3 file has no frame of sound")


def _frame_at(data: bytes, at: int) -> Mp3Frame | None:
    _, kind, rates, mode = data[at : at + _HEAD_BYTES]
    version, layer = kind >> 3 & 3, kind >> 1 & 3
    if kind >> 5 != 7 or layer != _LAYER_3 or version not in _RATES or rates >> 2 & 3 == 3:  # noqa: PLR2004 reserved
        return None
    rate, first = _RATES[version][rates >> 2 & 3], version == 3  # noqa: PLR2004 MPEG-1
    bits = _KILOBITS[first][rates >> 4] * 1000
    if not bits:
        return None
    size = (144 if first else 72) * bits // rate + (rates >> 1 & 1)
    return Mp3Frame(at, size, rate, 1 if mode >> 6 == _MONO else 2, bits, first)


def _with_frames(data: bytes, prompt: Path | None) -> bytes:
    at = 0
    if data[:3] == b"ID3":
        size = 0
        for each in data[6:_ID3_BYTES]:
            size = size << 7 | each & 0x7F
        at = _ID3_BYTES + size
    frame = first_frame(data, at)
    encoder = av.CodecContext.create("libmp3lame", "w")
    assert isinstance(encoder, AudioCodecContext)  # noqa: S101 what this codec is
    encoder.format = "s16p"
    encoder.rate, encoder.layout = frame.rate, _layout(frame.channels)
    encoder.bit_rate = frame.bits_a_second
    encoder.options = {"reservoir": "0"}  # each frame by itself: none of the file's own follows from ours
    sign = b"".join(map(bytes, _packets(encoder, _sign_frames(frame.channels, frame.rate, prompt))))
    own = frame.at
    # It says how many frames there are, and where; it would be wrong now, and holds no sound.
    if _is_index(data, frame):
        own += frame.size
    return data[: frame.at] + sign + data[own:]


def _is_index(data: bytes, frame: Mp3Frame) -> bool:
    side = (17 if frame.channels == 1 else 32) if frame.first else (9 if frame.channels == 1 else 17)
    start = frame.at + _HEAD_BYTES + side
    return data[start : start + 4] in (b"Xing", b"Info")


def _encode_again(source: Path, target: Path, kind: str, prompt: Path | None) -> None:
    name = kind.lower()
    with av.open(str(source), format=name) as old, av.open(str(target), "w", format=name) as new:
        stream = next(iter(old.streams.audio), None)
        encoder_name = stream and _ENCODERS.get((kind, stream.codec_context.name))
        if stream is None or not encoder_name:
            raise LabelError("the sound is compressed in a way not written here; it gets no label to be heard")
        rate = 48_000 if encoder_name == "libopus" else stream.rate
        written = new.add_stream(encoder_name, rate=rate, layout=stream.layout.name)
        assert isinstance(written.codec_context, AudioCodecContext)  # noqa: S101 the same
        encoder = written.codec_context
        if encoder_name == "libopus":
            encoder.bit_rate = _OPUS_BITS_A_SECOND * len(stream.layout.channels)
            encoder.format = "s16"
        else:
            encoder.format = "s32" if stream.format.bytes > 2 else "s16"  # noqa: PLR2004 bytes of a sample
        new.metadata.update({**old.metadata, **stream.metadata})
        sign = _sign_frames(len(stream.layout.channels), rate, prompt)
        for packet in _packets(encoder, chain(sign, [_bounded(old.decode(stream), stream.rate)])):
            packet.stream = written
            new.mux(packet)


def _bounded(frames: Iterable[AudioFrame], rate: int) -> Iterator[AudioFrame]:
    heard = 0
    for frame in frames:
        heard += frame.samples
        if heard > MOST_SECONDS * rate:
            raise LabelError(f"the sound is longer than {MOST_SECONDS} seconds; no more are encoded again")
        yield frame


def _packets(encoder: AudioCodecContext, sources: Iterable[Iterable[AudioFrame]]) -> "Iterator[av.Packet[Any]]":
    """Encode sounds one behind the other, whatever their frames say of times, rates and channels."""
    encoder.open()
    # Encoders that name a size of frame take no other but for the last; a resampler takes one kind of frame.
    waiting = AudioFifo()
    for frames in sources:
        resampler = AudioResampler(encoder.format, encoder.layout, encoder.rate)
        for frame in chain(frames, (None,)):
            for each in resampler.resample(frame):
                each.pts = None
                waiting.write(each)
            for whole in waiting.read_many(encoder.frame_size or _FRAME_SAMPLES):
                yield from encoder.encode(whole)
    if (rest := waiting.read()) is not None:
        yield from encoder.encode(rest)
    yield from encoder.encode(None)


def _sign_frames(channels: int, rate: int, prompt: Path | None) -> Iterator[Iterable[AudioFrame]]:
    """Give the sign, and the silence behind it."""
    if prompt is None:
        yield [_frame(rhythm(Form(1, channels, rate, 16)), channels, rate)]
    else:
        yield _heard(prompt)
    yield [_frame(bytes(round(_SILENCE_SECONDS * rate) * channels * 2), channels, rate)]


def _heard(prompt: Path) -> Iterator[AudioFrame]:
    with av.open(str(prompt), format="wav") as file:
        stream = file.streams.audio[0]
        yield from _bounded(file.decode(stream), stream.rate)


def _frame(samples: bytes, channels: int, rate: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.frombuffer(samples, "<i2").reshape(1, -1), "s16", _layout(channels))
    frame.sample_rate = rate
    return frame


def _layout(channels: int) -> str:
    return "mono" if channels == 1 else "stereo"
