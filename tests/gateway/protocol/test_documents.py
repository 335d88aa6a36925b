"""JSON as it is read here."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocol.documents import read_document, reads_one_way, reported_model

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers(-9, 9) | st.text('a": ,{}\\é', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('a": ,', max_size=4), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"NaN", b"[1e999]", b'"\xff"', b'"\\ud83d"', b"\xef\xbb\xbf{}", b"[" * 2000]
)
def test_what_is_not_json_is_refused(data: bytes) -> None:
    """Not JSON, not UTF-8, or no number: one kind of error for all."""
    with pytest.raises(ValueError, match=r".+"):
        read_document(data)


@pytest.mark.parametrize("levels", [255, 300, 1000])
def test_what_cannot_be_written_again_is_refused(levels: int) -> None:
    """A document the writer would fail on is refused when it is read."""
    with pytest.raises(ValueError, match="nested"):
        read_document(b'{"a":' * levels + b"1" + b"}" * levels)


def test_wide_documents_are_no_deep_ones() -> None:
    """Many objects side by side are fine, and the deepest that can be written is taken."""
    assert len(read_document(b"[" + b"{}," * 999 + b"{}]")) == 1000
    assert orjson.dumps(read_document(b"[" * 254 + b"]" * 254)) == b"[" * 254 + b"]" * 254


STYLES = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 0, 2]),
        "ensure_ascii": st.booleans(),
        "separators": st.sampled_from([(",", ":"), (", ", ": ")]),
    }
)


@given(VALUES, STYLES)
@settings(max_examples=500, deadline=None)
def test_a_document_without_doubles_reads_one_way(value: object, style: dict[str, Any]) -> None:
    """However it is written."""
    data = json.dumps(value, **style).encode()
    assert reads_one_way(data, read_document(data))


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"a": 1, "a": 1}',
        b'{"a":1,"\\u0061":1}',
        b'[{"b":{"a":1,"a":1}}]',
        b'{"a":{"a":1},"a":{"a":1}}',
        b'{"a": ": ", "a": ": "}',
    ],
)
def test_a_name_said_twice_is_noticed(data: bytes) -> None:
    """At any depth and in any spelling."""
    assert not reads_one_way(data, read_document(data))


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"model": "m"}, "m"),
        ({"type": "message_start", "message": {"model": "m"}}, "m"),
        ({"type": "response.created", "response": {"model": "m"}}, "m"),
        ({"model": 5, "message": "text", "response": None}, ""),
        ({}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_the_model_a_reply_names_is_found_in_every_format(document: object, name: str) -> None:
    """At its top, or in what a typed frame begins."""
    assert reported_model(document) == name
