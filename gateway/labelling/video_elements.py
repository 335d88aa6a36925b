"""Elements of Matroska and WebM files: taken apart and put together.

Source: RFC 8794 (EBML). An element is an id, a length of one to eight bytes, and content; a length of ones alone says
that nobody knew it when the file was written, as live streams do.
"""

from typing import BinaryIO, NamedTuple

from gateway.labelling.members import LabelError
from gateway.labelling.splice import read_at, size_of

_MOST_HEAD_BYTES = 12
_MOST_CHILDREN = 1_000_000
VOID = b"\xec"
CHECKSUM = b"\xbf"


class Element(NamedTuple):
    """Where one element stands.

    Attributes:
        name: its id, with the bits that mark its length.
        start: first byte of its head.
        body: first byte of its content.
        end: byte behind it; None when nobody knew.
    """

    name: bytes
    start: int
    body: int
    end: int | None


def element_at(file: BinaryIO, at: int) -> Element:
    """Return the element that begins somewhere in a file; its end is not checked.

    Raises:
        LabelError: none does.
    """
    head = read_at(file, at, min(_MOST_HEAD_BYTES, size_of(file) - at))
    name, body, size = _head(head, 0, at)
    return Element(name, at, at + body, None if size is None else at + body + size)


def children(data: bytes, at: int = 0, end: int | None = None) -> list[Element]:
    """Return the elements inside some bytes.

    Raises:
        LabelError: a length leads out of them.
    """
    end = len(data) if end is None else end
    found: list[Element] = []
    while at < end:
        name, body, size = _head(data, at, at)
        if size is None or body + size > end or len(found) >= _MOST_CHILDREN:
            raise LabelError(f"the element at byte {at} of its parent is damaged: its length leads nowhere")
        found.append(Element(name, at, body, body + size))
        at = body + size
    return found


def _head(data: bytes, at: int, shown: int) -> tuple[bytes, int, int | None]:
    """Return an element's id, where its content begins in the data, and its length."""
    name_bytes = _width(data, at, 4, shown)
    size_bytes = _width(data, at + name_bytes, 8, shown)
    body = at + name_bytes + size_bytes
    if body > len(data):
        raise LabelError(f"there is no element at byte {shown}, where one should begin")
    bits = 7 * size_bytes
    size = int.from_bytes(data[at + name_bytes : body]) & ((1 << bits) - 1)
    return data[at : at + name_bytes], body, None if size == (1 << bits) - 1 else size


def _width(data: bytes, at: int, most: int, shown: int) -> int:
    if at >= len(data) or not data[at] >> 8 - most:
        raise LabelError(f"there is no element at byte {shown}, where one should begin")
    return 9 - data[at].bit_length()


def size_field(size: int, width: int = 8) -> bytes:
    """Return a length as so many bytes."""
    return (size | 1 << 7 * width).to_bytes(width)


def make_element(name: bytes, *parts: bytes) -> bytes:
    """Return an element of some content."""
    size = sum(map(len, parts))
    width = next(each for each in range(1, 9) if size < (1 << 7 * each) - 1)
    return name + size_field(size, width) + b"".join(parts)
