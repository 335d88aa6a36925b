"""Boxes of MP4 and QuickTime files: taken apart and put together.

Source: ISO/IEC 14496-12 section 4.2. A box has a size of 32 bits, or of 64 behind a 1, or runs to the end behind a 0.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from gateway.labelling.members import LabelError
from gateway.labelling.splice import MOST_PARTS, read_at, size_of

_SHORT_HEAD, _LONG_HEAD = 8, 16
_MOST_CHILDREN = 100_000


class Box(NamedTuple):
    """Where one box stands.

    Attributes:
        kind: its four characters.
        start: first byte of its head.
        body: first byte of its content.
        end: byte behind it.
    """

    kind: bytes
    start: int
    body: int
    end: int


def boxes_of(file: BinaryIO) -> Iterator[Box]:
    """Give the outermost boxes of a file.

    Raises:
        LabelError: a size leads nowhere.
    """
    at, size = 0, size_of(file)
    for _ in range(MOST_PARTS):
        if at + _SHORT_HEAD > size:
            if at < size:
                raise LabelError("the file ends in the middle of a box")
            return
        box = _box(read_at(file, at, min(_LONG_HEAD, size - at)), 0, at, size)
        yield box
        at = box.end
    raise LabelError("the file has more boxes than any program writes")


def children(data: bytes, start: int = 0, end: int | None = None) -> list[Box]:
    """Return the boxes inside some bytes.

    Args:
        data: the bytes.
        start: where the first box begins.
        end: byte behind the last one; the end of the data if None.

    Raises:
        LabelError: a size leads out of them.
    """
    end = len(data) if end is None else end
    found: list[Box] = []
    # QuickTime closes a list of user data with four bytes of zero, which are no box.
    while start + _SHORT_HEAD <= end:
        box = _box(data, start, start, end)
        found.append(box)
        start = box.end
        if len(found) > _MOST_CHILDREN:
            raise LabelError("a box has more boxes inside than any program writes")
    return found


def _box(data: bytes, offset: int, at: int, end: int) -> Box:
    size, kind = struct.unpack_from(">I4s", data, offset)
    head = _SHORT_HEAD
    if size == 1 and len(data) >= offset + _LONG_HEAD:
        size, head = struct.unpack_from(">Q", data, offset + _SHORT_HEAD)[0], _LONG_HEAD
    elif size == 0:
        size = end - at
    if size < head or at + size > end:
        raise LabelError(f"the box at byte {at} is damaged: it has a size that leads nowhere")
    return Box(kind, at, at + head, at + size)


def make_box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box of some content.

    Raises:
        LabelError: it is too long.
    """
    size = _SHORT_HEAD + sum(map(len, parts))
    if size >> 32:
        raise LabelError("a box would be longer than 4 GiB")
    return struct.pack(">I4s", size, kind) + b"".join(parts)
