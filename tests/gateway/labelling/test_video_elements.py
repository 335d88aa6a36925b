"""Matroska's elements are walked, and lengths that lead nowhere are errors."""

import io

import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.video_elements import children, element_at, make_element


@pytest.mark.parametrize("size", [0, 1, 126, 127, 16_382, 16_383, 2_097_151])
def test_what_is_made_is_read_back(size: int) -> None:
    """In the shortest form that is not the one for an unknown length."""
    data = make_element(b"\x67\xc8", bytes(size))
    (found,) = children(data)
    assert (found.name, data[found.body : found.end]) == (b"\x67\xc8", bytes(size))
    assert element_at(io.BytesIO(data), 0) == found


def test_an_unknown_length_is_told() -> None:
    """At the outside it is for the reader to find the end; inside of something it is damage."""
    assert element_at(io.BytesIO(b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7), 0).end is None
    with pytest.raises(LabelError):
        children(b"\xe7\xff")


@pytest.mark.parametrize("data", [b"\0\0", b"\x67", b"\x67\xc8", b"\x67\xc8\0", b"\x67\xc8\x85abc", b"\x08aaaaaaa"])
def test_damage_is_an_error(data: bytes) -> None:
    """No id, no length, or less content than there should be."""
    with pytest.raises(LabelError):
        children(data)
