"""Tests of the file that says which part of a log an export holds."""

import pytest

from gateway.audit.export_files import range_file, read_range
from gateway.audit.tree import leaf_hash

_EDGE = [leaf_hash(b"1"), leaf_hash(b"2")]


def test_range_comes_back() -> None:
    """First sequence and edge are those that were written."""
    tree = read_range(range_file(3, _EDGE))
    assert (tree.size, tree.edge) == (3, _EDGE)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", range_file(3, _EDGE)[:-1], range_file(3, _EDGE).replace(b":3", b":1"), b'{"first_sequence":"3"}'],
)
def test_other_content_is_refused(content: bytes) -> None:
    """There is one form."""
    with pytest.raises(ValueError, match=r"does not say|not canonical"):
        read_range(content)
