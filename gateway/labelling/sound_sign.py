"""The label to be heard in WAV files: samples put in front of the file's own or behind, which stay as they are.

Source: GB 45438-2025 5.3: at the start before the content, at the end after it, never on top of it.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gateway.labelling.media import prompt_wave
from gateway.labelling.members import LabelError
from gateway.labelling.sound_tone import missing, rhythm_wave, silence
from gateway.labelling.sound_wav import Chunk, chunks_of, is_wav, wav_pieces
from gateway.labelling.splice import MOST_PART_BYTES, read_at, write_spliced
from gateway.protocol.labels import Position

_LOWEST_RATE, _HIGHEST_RATE = 4_000, 768_000
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_FORM_BYTES = 16
_EXTENSIBLE_BYTES = 26
_WAV_HEAD_BYTES = 12
# These say where something happens in the samples, counted from the first.
_PLACED = (b"cue ", b"smpl", b"plst", b"inst")
_PEAK_24, _MOST_CHANNELS = (1 << 23) - 1, 64


@dataclass(frozen=True, slots=True)
class Form:
    """How a WAV file stores its samples.

    Attributes:
        kind: whole numbers (1) or floating point (3).
        channels: how many.
        rate: samples of each channel in a second.
        bits: of one sample.
    """

    kind: int
    channels: int
    rate: int
    bits: int


def write_sign(source: Path, target: Path, position: Position | None, prompt: Path | None = None) -> None:
    """Write a WAV file with a label to be heard, where it has none yet.

    Args:
        source: the file without it.
        target: the file with it; overwritten.
        position: start, end or both; None for the start, or the end where marks in the file would move.
        prompt: sound file to be heard instead of the rhythm; one of the same form is taken as it is. None for the
            rhythm.

    Raises:
        LabelError: the samples are of a kind that nothing can be put beside, or the prompt cannot be used.
        OSError: a file cannot be read or written.
    """
    with source.open("rb") as file:
        chunks = chunks_of(file)
        form = form_of(file, chunks)
        if position is None:
            position = Position.END if has_marks(chunks) else Position.START
        if position is not Position.END and has_marks(chunks):
            raise LabelError("the WAV file has marks at certain samples, which would move; put the label at its end")
        if any(chunk.size % (form.channels * form.bits // 8) for chunk in chunks if chunk.name == b"data"):
            raise LabelError("the WAV file ends in the middle of a sample")
    wanted = missing(source, position, prompt)
    sign = rhythm(form) if prompt is None else _prompt(prompt, form)
    between = _stored(silence(form.rate), form)
    before = sign + between if wanted in (Position.START, Position.BOTH) else b""
    after = between + sign if wanted in (Position.END, Position.BOTH) else b""
    write_spliced(source, target, b"", lambda file, _: wav_pieces(file, None, before, after))


def has_marks(chunks: list[Chunk]) -> bool:
    """Tell whether a file says that something happens at certain samples."""
    return any(chunk.name in _PLACED for chunk in chunks)


def form_of(file: BinaryIO, chunks: list[Chunk]) -> Form:
    """Return how a file stores its samples.

    Raises:
        LabelError: they are compressed, or stored in a way that is not known here.
    """
    chunk = next((each for each in chunks if each.name == b"fmt " and each.size >= _FORM_BYTES), None)
    if chunk is None:
        raise LabelError("the WAV file does not say how its samples are stored (no fmt chunk)")
    kind, channels, rate, _, block, bits = struct.unpack("<HHIIHH", read_at(file, chunk.body, _FORM_BYTES))
    if kind == _EXTENSIBLE and chunk.size >= _EXTENSIBLE_BYTES:
        (kind,) = struct.unpack("<H", read_at(file, chunk.body + 24, 2))
    form = Form(kind, channels, rate, bits)
    if (kind, bits) not in _STORED:
        raise LabelError(
            f"the WAV file's samples are compressed or of an unknown kind ({kind}, {bits} bits), and nothing can be"
            " put beside them without encoding them again"
        )
    if (
        not 0 < channels <= _MOST_CHANNELS
        or not _LOWEST_RATE <= rate <= _HIGHEST_RATE
        or block != channels * bits // 8
    ):
        raise LabelError("the WAV file's description of its samples makes no sense")
    return form


def rhythm(form: Form) -> bytes:
    """Return the rhythm as samples: short, long; pause; short, short."""
    return _stored(rhythm_wave(form.rate), form)


def _stored(samples: NDArray[np.float64], form: Form) -> bytes:
    """Return samples of one channel as the file stores those of all."""
    return _STORED[form.kind, form.bits](np.repeat(samples, form.channels))


def _whole(samples: NDArray[np.float64], kind: type[np.signedinteger[Any]]) -> bytes:
    return np.round(samples * np.iinfo(kind).max).astype(kind).astype(np.dtype(kind).newbyteorder("<")).tobytes()


def _whole_8(samples: NDArray[np.float64]) -> bytes:
    # Eight bits are the one width without a sign: silence is 128.
    return np.round(samples * 127 + 128).astype(np.uint8).tobytes()


def _whole_24(samples: NDArray[np.float64]) -> bytes:
    wide = np.round(samples * _PEAK_24).astype("<i4")
    return wide.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


_STORED: dict[tuple[int, int], Callable[[NDArray[np.float64]], bytes]] = {
    (_PCM, 8): _whole_8,
    (_PCM, 16): partial(_whole, kind=np.int16),
    (_PCM, 24): _whole_24,
    (_PCM, 32): partial(_whole, kind=np.int32),
    (_FLOAT, 32): lambda samples: samples.astype("<f4").tobytes(),
    (_FLOAT, 64): lambda samples: samples.astype("<f8").tobytes(),
}


def _prompt(prompt: Path, form: Form) -> bytes:
    """Return an operator's prompt as samples: as they are where they fit, else converted."""
    with prompt.open("rb") as file:
        if is_wav(file.read(_WAV_HEAD_BYTES)) and form_of(file, chunks := chunks_of(file)) == form:
            data = b"".join(_samples(file, chunks))
            return data[: len(data) - len(data) % (form.channels * form.bits // 8)]
    return _stored(np.clip(prompt_wave(prompt, form.rate), -1.0, 1.0), form)


def _samples(file: BinaryIO, chunks: list[Chunk]) -> Iterator[bytes]:
    for chunk in chunks:
        if chunk.name == b"data":
            yield read_at(file, chunk.body, chunk.size, MOST_PART_BYTES)
