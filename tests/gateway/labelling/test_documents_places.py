"""Places of elements, in bytes."""

import pytest

from gateway.labelling.documents_places import places_of
from gateway.labelling.members import LabelError

_XML = (
    '<a:r xmlns:a="u" xmlns:b="v">你<a:x q=">" id="1" b:id="r1">t</a:x ><!-- <a:x> --><x/><![CDATA[<a:x>]]></a:r>'
).encode()


def test_elements_are_found_where_they_are() -> None:
    """With namespaces, quotes that hold what ends a tag, and text that only looks like an element."""
    first, second = places_of(_XML, frozenset({"x"}))
    assert _XML[first.start : first.body] == b'<a:x q=">" id="1" b:id="r1">'
    assert _XML[first.body : first.close] == b"t"
    assert _XML[first.close : first.end] == b"</a:x >"
    assert (first.namespace, first.depth, first.attributes["id"], first.closed_at_once) == ("u", 1, "r1", False)
    assert (_XML[second.start : second.end], second.namespace, second.closed_at_once) == (b"<x/>", "", True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<a>", "not well-formed"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        ("<a/>".encode("utf-16"), "UTF-16"),
        (b"<a>" * 1000, "nested deeper"),
        (b"<r>" + b"<a/>" * 200_001 + b"</r>", "more than 200000"),
    ],
)
def test_what_is_not_taken_in_says_why(data: bytes, reason: str) -> None:
    """Nothing is put into what cannot be understood."""
    with pytest.raises(LabelError, match=reason):
        places_of(data, frozenset({"a"}))
