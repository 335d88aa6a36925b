"""A new file put together from ranges of an old one and new bytes, without holding either in memory.

Rules: what is kept is copied byte for byte; what is read for deciding is bounded before it is read, since lengths in
files are claims of strangers; a range that the old file does not have is an error and no short read.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.labelling.members import LabelError

MOST_PART_BYTES = 64 * 1024 * 1024
"""Largest part of a file that is held in memory: an index, a table of tags with its cover pictures."""
MOST_PARTS = 2_000_000
"""Most chunks, boxes, pages or elements that are walked through in one file."""
_COPY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """A range of the old file that stays as it is.

    Attributes:
        start: first byte.
        end: byte behind the last.
    """

    start: int
    end: int


Piece = bytes | Kept
Plan = Callable[[BinaryIO, bytes], Iterable[Piece]]


def write_spliced(source: Path, target: Path, label: bytes, plan: Plan) -> None:
    """Write a file from the pieces a plan gives.

    Args:
        source: the old file.
        target: the new file; overwritten.
        label: handed to the plan.
        plan: says what the new file is made of.

    Raises:
        LabelError: the plan refuses, or keeps what the file does not have.
        OSError: a file cannot be read or written.
    """
    with source.open("rb") as old, target.open("wb") as new:
        for piece in plan(old, label):
            # A plan reads where it likes between two pieces, so nothing is left to the position of the old file.
            for part in (piece,) if isinstance(piece, bytes) else kept_bytes(old, piece):
                new.write(part)


def kept_bytes(file: BinaryIO, kept: Kept) -> Iterator[bytes]:
    """Give a range of a file in blocks.

    Raises:
        LabelError: the file ends before.
    """
    at = kept.start
    while at < kept.end:
        file.seek(at)
        block = file.read(min(_COPY_BYTES, kept.end - at))
        if not block:
            raise LabelError("the file ends in the middle")
        at += len(block)
        yield block


def read_at(file: BinaryIO, start: int, size: int, most: int = MOST_PART_BYTES) -> bytes:
    """Read a range of a file.

    Args:
        file: where from.
        start: first byte.
        size: how many bytes.
        most: how many may be asked for.

    Raises:
        LabelError: the file ends before, or more is asked for.
    """
    if size > most:
        raise LabelError(f"a part of {size} bytes would have to be held in memory; no more than {most} are")
    file.seek(start)
    data = file.read(size)
    if len(data) < size:
        raise LabelError("the file ends in the middle of what tells its structure")
    return data


def size_of(file: BinaryIO) -> int:
    """Return how many bytes a file has."""
    return file.seek(0, 2)
