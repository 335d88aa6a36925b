"""Boxes and tables end where they say, and not behind what holds them."""

import io

import pytest

from gateway.labelling.images.boxes import Box, Cursor, boxes, file_boxes
from gateway.labelling.members import LabelError


def test_boxes_are_read_as_written() -> None:
    """In memory and in a file; a size of zero is the rest."""
    data = Box(b"ftyp", b"abc").encoded() + Box(b"free", b"").encoded()
    assert boxes(data) == [Box(b"ftyp", b"abc"), Box(b"free", b"")]
    wide = (1).to_bytes(4) + b"mdat" + (19).to_bytes(8) + b"xyz"
    assert boxes(data + wide)[2] == Box(b"mdat", b"xyz")
    found = list(file_boxes(io.BytesIO(data + wide + bytes(4) + b"mdatrest")))
    assert [(each.kind, each.size, each.open_ended) for each in found] == [
        (b"ftyp", 11, False),
        (b"free", 8, False),
        (b"mdat", 19, False),
        (b"mdat", 12, True),
    ]


@pytest.mark.parametrize("data", [b"\0\0\0\7free", b"\0\0\0\x09free", b"\0\0\0\1free" + bytes(8), b"\0\0"])
def test_wrong_sizes_are_damage(data: bytes) -> None:
    """Shorter than its own head, longer than the file, cut."""
    with pytest.raises(LabelError):
        list(file_boxes(io.BytesIO(data)))
    with pytest.raises(LabelError):
        boxes(data)


def test_number_of_boxes_is_bounded() -> None:
    """A file of empty ones is an attack on the reader's time."""
    many = Box(b"free", b"").encoded() * 10_001
    with pytest.raises(LabelError):
        list(file_boxes(io.BytesIO(many)))
    with pytest.raises(LabelError):
        boxes(many)


def test_cursor_stops_at_the_end() -> None:
    """A table that promises more than it has is damaged."""
    cursor = Cursor(b"\0\1\2")
    assert (cursor.number(2), cursor.number(0), cursor.rest) == (1, 0, b"\2")
    with pytest.raises(LabelError):
        cursor.take(2)
