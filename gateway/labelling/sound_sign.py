"""The audible label: a rhythm, or a prompt the operator recorded, put in front of a WAV file's samples or behind.

Source: GB 45438-2025 5.3: a rhythm of short-long, short-short, Morse for the letters A and I, clearly audible; at the
start before the content, at the end after it, never on top of it. The file's own samples stay as they are. Formats
that compress would have to be encoded again, the whole of them or at the seam, so they are refused.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gateway.labelling.members import LabelError
from gateway.labelling.sound_wav import Chunk, chunks_of, wav_pieces
from gateway.labelling.splice import MOST_PART_BYTES, read_at, write_spliced
from gateway.protocol.labels import Position

UNIT_SECONDS = 0.1
"""Length of a short sign; a long one is three, as is the pause between letters (ITU-R M.1677)."""
_SIGNS = ((1, 3), (1, 1))
_LONG_UNITS = 3
_TONE_HERTZ = 880.0
_LEVEL = 0.5  # of full scale: 6 dB below it, louder than most speech and far from clipping
_RAMP_SECONDS = 0.008  # without it each sign begins and ends with a click over the whole spectrum
_SILENCE_SECONDS = 0.4
_LOWEST_RATE, _HIGHEST_RATE = 4_000, 768_000
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_FORM_BYTES = 16
_EXTENSIBLE_BYTES = 26
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


def write_sign(source: Path, target: Path, position: Position, prompt: Path | None = None) -> None:
    """Write a WAV file with a label to be heard.

    Args:
        source: the file without it.
        target: the file with it; overwritten.
        position: start, end or both.
        prompt: WAV file of the same form to be heard instead of the rhythm; None for the rhythm.

    Raises:
        LabelError: the samples are of a kind that nothing can be put beside, or the prompt is of another form.
        OSError: a file cannot be read or written.
    """
    if position is Position.INTERFACE:
        raise LabelError("a label in the interface alone is not part of a file; choose start, end or both")
    with source.open("rb") as file:
        chunks = chunks_of(file)
        form = form_of(file, chunks)
        if position is not Position.END and has_marks(chunks):
            raise LabelError("the WAV file has marks at certain samples, which would move; put the label at its end")
        if any(chunk.size % (form.channels * form.bits // 8) for chunk in chunks if chunk.name == b"data"):
            raise LabelError("the WAV file ends in the middle of a sample")
    sign = rhythm(form) if prompt is None else _prompt(prompt, form)
    silence = _stored(np.zeros(round(_SILENCE_SECONDS * form.rate)), form)
    before = sign + silence if position is not Position.END else b""
    after = silence + sign if position is not Position.START else b""
    write_spliced(source, target, b"", lambda file, _: wav_pieces(file, None, before, after))


def show_sign(source: Path, target: Path, _text: str) -> None:
    """Write a WAV file with the rhythm at its start, or at its end where marks in it would move.

    Args:
        source: the file without it.
        target: the file with it; overwritten.
        _text: wording, of which a rhythm has none.

    Raises:
        LabelError: the samples are of a kind that nothing can be put beside.
        OSError: a file cannot be read or written.
    """
    with source.open("rb") as file:
        marked = has_marks(chunks_of(file))
    write_sign(source, target, Position.END if marked else Position.START)


def refuse_sign(_source: Path, _target: Path, _text: str) -> None:
    """Refuse to put a label to be heard into compressed sound.

    Raises:
        LabelError: always.
    """
    raise LabelError(
        "the sound is compressed, and a label to be heard would mean encoding it again; put it in before compressing,"
        " as a WAV file, or show a label where the sound is played"
    )


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
    parts = []
    for number, letter in enumerate(_SIGNS):
        if number:
            parts.append(_pause(form, _LONG_UNITS))
        for place, units in enumerate(letter):
            if place:
                parts.append(_pause(form, 1))
            parts.append(_tone(form, units))
    return _stored(np.concatenate(parts), form)


def _pause(form: Form, units: int) -> NDArray[np.float64]:
    return np.zeros(round(units * UNIT_SECONDS * form.rate))


def _tone(form: Form, units: int) -> NDArray[np.float64]:
    count = round(units * UNIT_SECONDS * form.rate)
    places = np.arange(count) / form.rate
    ramp = np.minimum(1.0, np.minimum(places, places[::-1]) / _RAMP_SECONDS)
    wave: NDArray[np.float64] = _LEVEL * ramp * np.sin(2 * np.pi * _TONE_HERTZ * places)
    return wave


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
    """Return an operator's prompt as samples, which are taken as they are."""
    with prompt.open("rb") as file:
        chunks = chunks_of(file)
        other = form_of(file, chunks)
        if other != form:
            raise LabelError(f"the prompt has {_shown(other)}, and the file has {_shown(form)}; convert the prompt")
        data = b"".join(_samples(file, chunks))
        return data[: len(data) - len(data) % (form.channels * form.bits // 8)]


def _samples(file: BinaryIO, chunks: list[Chunk]) -> Iterator[bytes]:
    for chunk in chunks:
        if chunk.name == b"data":
            yield read_at(file, chunk.body, chunk.size, MOST_PART_BYTES)


def _shown(form: Form) -> str:
    return f"{form.channels} channels of {form.bits} bits at {form.rate} Hz, kind {form.kind}"
