"""Labels in EXIF are read in either byte order; anything else there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.labelling.images.exif import labels_in
from tests.gateway.labelling.vendor_forms import exif, inner, text

_LABEL = text({"AIGC": inner()})


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("prefix", [b"ASCII\0\0\0", bytes(8), b""])
def test_comment_is_read(order: str, prefix: bytes) -> None:
    """With the prefix of its encoding and without."""
    assert labels_in(exif(0x9286, prefix + _LABEL, order)) == [text(inner())]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_unicode_comment_is_read_in_whichever_order(order: str, encoding: str) -> None:
    """Many write the one that the block does not have."""
    comment = b"UNICODE\0" + _LABEL.decode().encode(encoding)
    assert labels_in(exif(0x9286, comment, order)) == [text(inner())]


def test_captions_are_no_labels() -> None:
    """A description is nearly always one."""
    assert labels_in(exif(0x010E, b"A cat, made with AIGC tools\0")) == []
    assert labels_in(exif(0x010E, _LABEL)) == [text(inner())]


@pytest.mark.parametrize(
    "block", [b"", b"II", b"II*\0\xff\xff\xff\xff", b"XX*\0\x08\0\0\0", exif(0x9286, _LABEL)[:40]]
)
def test_damaged_blocks_have_none(block: bytes) -> None:
    """Offsets that lead nowhere are no reason to fail: the picture may be whole."""
    assert labels_in(block) == []


@given(st.binary(max_size=200))
def test_any_block_is_read_without_a_crash(data: bytes) -> None:
    """Whatever it points at."""
    labels_in(b"II*\0\x08\0\0\0" + data)
    labels_in(exif(0x9286, _LABEL)[: len(data)] + data)
