"""Boxes of the ISO base media file format, as still pictures use them (ISO/IEC 14496-12 4.2, 8.11).

Numbers in these tables have widths that the table itself states; `Cursor` reads them and never beyond its end.
"""

from collections.abc import Iterator
from typing import IO, NamedTuple

from gateway.labelling.members import LabelError
from gateway.labelling.streams import read_exactly

_MOST_BOXES = 10_000


class FileBox(NamedTuple):
    """A box of a file.

    Attributes:
        kind: its four letters.
        start: where it begins.
        head_bytes: length of its head.
        size: its length with the head.
        open_ended: whether it says that it goes to the end of the file.
    """

    kind: bytes
    start: int
    head_bytes: int
    size: int
    open_ended: bool


class Box(NamedTuple):
    """A box in memory: its four letters, and what it holds."""

    kind: bytes
    body: bytes

    def encoded(self) -> bytes:
        """Return the box as bytes."""
        return (len(self.body) + 8).to_bytes(4) + self.kind + self.body


class Cursor:
    """Reads numbers of a table one after the other.

    Args:
        data: the table.
        at: where to begin.
    """

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at

    def number(self, size: int) -> int:
        """Return the next number of so many bytes; zero for none."""
        return int.from_bytes(self.take(size))

    def take(self, size: int) -> bytes:
        """Return the next bytes.

        Raises:
            LabelError: the table ends before.
        """
        end = self.at + size
        if end > len(self._data):
            raise LabelError("the file is damaged: a table in it ends before its last entry")
        taken, self.at = self._data[self.at : end], end
        return taken

    @property
    def rest(self) -> bytes:
        """What is left."""
        return self._data[self.at :]


def file_boxes(file: IO[bytes]) -> Iterator[FileBox]:
    """Yield the boxes of a file.

    Raises:
        LabelError: a box is longer than the file, or there are too many.
    """
    file.seek(0, 2)
    end, at = file.tell(), 0
    for _ in range(_MOST_BOXES):
        if at == end:
            return
        file.seek(at)
        head = read_exactly(file, 8)
        size, head_bytes = int.from_bytes(head[:4]), 8
        open_ended = size == 0
        if size == 1:
            size, head_bytes = int.from_bytes(read_exactly(file, 8)), 16
        if open_ended:
            size = end - at
        if size < head_bytes or at + size > end:
            raise LabelError("the file is damaged: a box is longer than the file")
        yield FileBox(head[4:], at, head_bytes, size, open_ended)
        at += size
    raise LabelError(f"the file has more than {_MOST_BOXES} boxes; no more are read")


def boxes(data: bytes) -> list[Box]:
    """Return the boxes in a box's body.

    Raises:
        LabelError: one is longer than what it stands in, or there are too many.
    """
    found: list[Box] = []
    cursor = Cursor(data)
    while cursor.rest:
        size, kind = cursor.number(4), cursor.take(4)
        body = cursor.number(8) - 16 if size == 1 else size - 8 if size else len(data) - cursor.at
        if body < 0 or len(found) >= _MOST_BOXES:
            raise LabelError("the file is damaged: its boxes have no end")
        found.append(Box(kind, cursor.take(body)))
    return found
