"""Reading and copying parts of files whose lengths somebody else wrote down."""

from collections.abc import Iterator
from typing import IO

from gateway.labelling.members import LabelError

_PIECE_BYTES = 1024 * 1024


def read_exactly(file: IO[bytes], count: int) -> bytes:
    """Return the next bytes of a file.

    Args:
        file: open at the place.
        count: how many; the caller has held them against a bound.

    Raises:
        LabelError: the file ends before.
    """
    data = file.read(count)
    if len(data) != count:
        raise truncated()
    return data


def go_to(file: IO[bytes], offset: int) -> None:
    """Move to a place that a file names.

    Args:
        file: what is read.
        offset: from its beginning.

    Raises:
        LabelError: no file of this system is that long.
    """
    try:
        file.seek(offset)
    except (OSError, ValueError, OverflowError) as exc:
        raise LabelError("the file is damaged: an offset in it lies behind its end") from exc


def pieces(file: IO[bytes], count: int | None) -> Iterator[bytes]:
    """Yield the next bytes of a file, a bounded piece at a time.

    Args:
        file: open at the place.
        count: how many; None for all that are left.

    Raises:
        LabelError: the file ends before.
    """
    left = count
    while left is None or left > 0:
        piece = file.read(_PIECE_BYTES if left is None else min(left, _PIECE_BYTES))
        if not piece:
            if left is None:
                return
            raise truncated()
        yield piece
        if left is not None:
            left -= len(piece)


def copy(source: IO[bytes], target: IO[bytes], count: int | None = None) -> None:
    """Copy the next bytes of a file.

    Args:
        source: open at the place.
        target: what is written.
        count: how many; None for all that are left.

    Raises:
        LabelError: the source ends before.
    """
    for piece in pieces(source, count):
        target.write(piece)


def truncated() -> LabelError:
    """Return the error for a file that ends in the middle of something."""
    return LabelError("the file is damaged: it ends before a part of it does")
