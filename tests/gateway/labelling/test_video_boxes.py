"""Boxes are walked with every form of size, and sizes that lead nowhere are errors."""

import io
import struct

import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.video_boxes import boxes_of, children, make_box
from tests.media import box


def test_every_form_of_size_is_read() -> None:
    """32 bits, 64 bits, and to the end."""
    long = struct.pack(">I4sQ", 1, b"long", 20) + b"1234"
    data = box(b"ftyp", b"x") + long + struct.pack(">I4s", 0, b"last") + b"to the end"
    found = list(boxes_of(io.BytesIO(data)))
    assert [(each.kind, data[each.body : each.end]) for each in found] == [
        (b"ftyp", b"x"),
        (b"long", b"1234"),
        (b"last", b"to the end"),
    ]
    assert children(data) == found


def test_what_is_made_is_read_back() -> None:
    """Content in several parts is one content."""
    data = make_box(b"meta", b"ab", b"c")
    assert [data[each.body : each.end] for each in children(data)] == [b"abc"]


@pytest.mark.parametrize(
    "data", [b"\0\0\0\x04free", b"\0\0\0\x09free", b"\0\0\0\x01free\0\0\0\0\0\0\0\x08", b"\0\0\0\x08free\0"]
)
def test_a_size_that_leads_nowhere_is_an_error(data: bytes) -> None:
    """Too small for its own head, or larger than what is there."""
    with pytest.raises(LabelError):
        list(boxes_of(io.BytesIO(data)))


def test_the_end_of_a_quicktime_list_is_no_box() -> None:
    """Four bytes of zero close a list of user data."""
    assert len(children(box(b"name", b"x") + bytes(4))) == 1
