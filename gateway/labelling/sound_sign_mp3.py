"""The label to be heard in MP3 files: frames of its own at start and end; no frame of the file is encoded again.

The frames are encoded with the rate and channels of the file, each without bytes of another (no bit reservoir), and
begin and end in silence, so that the file's own sound decodes to the very samples it had. Source: GB 45438-2025 5.3.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from gateway.labelling import media
from gateway.labelling.members import LabelError
from gateway.labelling.sound_id3 import tags_of
from gateway.labelling.sound_mp3 import (
    MOST_SEARCHED_BYTES,
    FrameHead,
    alike,
    first_frame,
    frame_head,
    grown_index,
    index_at,
    reaches_back,
)
from gateway.labelling.sound_tone import missing, sign_wave, silence
from gateway.labelling.splice import Kept, Piece, read_at, size_of, write_spliced
from gateway.protocol.labels import Position

_MOST_HEAD_BYTES = MOST_SEARCHED_BYTES + 8192  # behind the tags, these tell all there is to know
_ID3V1_BYTES, _APE_BYTES = 128, 32
# Decoders leave out some samples at the file's ends, up to 4095 (LAME tag); these must not be the label's.
_EDGE_SECONDS = 0.1


def write_mp3_sign(source: Path, target: Path, position: Position | None = None, prompt: Path | None = None) -> None:
    """Write an MP3 file with a label to be heard, where it has none yet.

    Args:
        source: the file without it.
        target: the file with it; overwritten.
        position: start, end or both; None for the start.
        prompt: sound file of any kind to be heard instead of the rhythm; None for the rhythm.

    Raises:
        LabelError: the file has no frames, or begins in the middle of a sound; or the prompt cannot be used.
        OSError: a file cannot be read or written.
    """
    wanted = missing(source, position or Position.START, prompt)
    write_spliced(source, target, b"", lambda file, _: _pieces(file, wanted, prompt))


class _Sound(NamedTuple):
    """Where the frames are."""

    start: int
    head: FrameHead
    first: bytes
    index_place: int | None
    end: int


def _pieces(file: BinaryIO, position: Position | None, prompt: Path | None) -> Iterator[Piece]:
    size = size_of(file)
    if position is None:
        yield Kept(0, size)
        return
    sound = _sound(file, size)
    before = _frames(sound.head, Position.START, prompt) if position is not Position.END else []
    after = _frames(sound.head, Position.END, prompt) if position is not Position.START else []
    behind = sound.start
    yield Kept(0, sound.start)
    if sound.index_place is not None:
        behind += len(sound.first)
        yield grown_index(sound.first, sound.index_place, before, after)
    yield from before
    yield Kept(behind, sound.end)
    yield from after
    yield Kept(sound.end, size)


def _sound(file: BinaryIO, size: int) -> _Sound:
    tags = tags_of(file)
    start = tags[-1].end if tags else 0
    data = read_at(file, start, min(_MOST_HEAD_BYTES, max(0, size - start)))
    at, head = first_frame(data, start + len(data) >= size)
    first = data[at : at + head.size]
    index = index_at(first, head)
    sounding = at if index is None else at + head.size
    # Bits a second are those of the sound: the frame with an index has its own.
    head = frame_head(data, sounding) or head
    if reaches_back(data, sounding, head):
        raise LabelError("the MP3 file begins in the middle of a sound, of which a label would become part")
    return _Sound(start + at, head, first, index, _end(file, size))


def _end(file: BinaryIO, size: int) -> int:
    """Return where the frames end: tags of other kinds stand behind them."""
    end = size
    if end >= _ID3V1_BYTES and read_at(file, end - _ID3V1_BYTES, 3) == b"TAG":
        end -= _ID3V1_BYTES
    if end >= _APE_BYTES and (foot := read_at(file, end - _APE_BYTES, _APE_BYTES))[:8] == b"APETAGEX":
        head_bytes = _APE_BYTES if foot[23] & 0x80 else 0
        end = max(0, end - int.from_bytes(foot[12:16], "little") - head_bytes)
    return end


def _frames(head: FrameHead, edge: Position, prompt: Path | None) -> list[bytes]:
    frames = _encoded(head.rate, head.kilobits, head.mono, edge, prompt, prompt.stat().st_mtime_ns if prompt else 0)
    return [alike(each, head) for each in frames]


@lru_cache(maxsize=64)
def _encoded(rate: int, kilobits: int, mono: bool, edge: Position, prompt: Path | None, _: int) -> tuple[bytes, ...]:  # noqa: FBT001 a key
    short, long = silence(rate, _EDGE_SECONDS), silence(rate)
    parts = (
        (short, sign_wave(rate, prompt), long) if edge is Position.START else (long, sign_wave(rate, prompt), short)
    )
    options = {"b": str(kilobits * 1000), "reservoir": "0", "joint_stereo": "0"}
    return tuple(media.encoded(np.concatenate(parts), "libmp3lame", rate, 1 if mono else 2, options))
