"""Tests of the canonical form."""

import datetime as dt
import decimal
import enum
import uuid

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Phase
from gateway.audit.canonical import canonical_json

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_KEYS = st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=8)
_SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXT
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6)
)


class _Number(enum.Enum):
    HALF = 0.5


@given(_VALUES)
def test_form_is_that_of_rfc_8785(value: object) -> None:
    """An independent implementation of RFC 8785 gives the same bytes."""
    assert canonical_json(value) == rfc8785.dumps(value)  # type: ignore[arg-type]  # its recursive type is its own


@given(st.dictionaries(_KEYS, _SCALARS))
def test_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    """Two dicts that are equal have the same bytes."""
    assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)


def test_tuple_is_an_array() -> None:
    """A tuple is written as a list is."""
    assert canonical_json({"a": (1, ["x"], ())}) == b'{"a":[1,["x"],[]]}'


def test_form_has_no_raw_line_feed() -> None:
    """Control characters are escaped, so a form is one line."""
    assert canonical_json("a\nb\r\u2028\x00") == '"a\\nb\\r\u2028\\u0000"'.encode()


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        float("nan"),
        b"bytes",
        {1, 2},
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        uuid.UUID(int=0),
        decimal.Decimal(1),
        _Number.HALF,
        Phase.REQUEST,
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize(
    "wrap", [lambda v: v, lambda v: [v], lambda v: {"k": {"k": (v,)}}], ids=["bare", "list", "deep"]
)
def test_type_without_agreed_form_is_refused(value: object, wrap: object) -> None:
    """A type whose form is not agreed on raises, however deep it lies, and is not quoted."""
    with pytest.raises(TypeError, match=f"no form for {type(value).__name__}"):
        canonical_json(wrap(value))  # type: ignore[operator]  # parametrised


@pytest.mark.parametrize("value", [2**53, -(2**53), 10**30, "\ud800", {"\udfff": 1}], ids=repr)
def test_value_outside_the_domain_is_refused(value: object) -> None:
    """Integers beyond 2^53 - 1 and lone surrogates raise."""
    with pytest.raises(ValueError, match=r"2\^53 - 1|lone surrogates"):
        canonical_json(value)


def test_key_where_orders_differ_is_refused() -> None:
    """A key beyond U+FFFF, which UTF-16 sorts before U+E000 and UTF-8 after it, raises."""
    with pytest.raises(ValueError, match="key orders differ"):
        canonical_json({"\U00010000": 1, "\ue000": 2})


def test_key_that_is_no_string_is_refused() -> None:
    """An integer key raises rather than becoming a string."""
    with pytest.raises(TypeError, match="strings as keys"):
        canonical_json({1: "x"})


def test_deep_nesting_is_refused() -> None:
    """A value nested without end raises an error of ours, not of the interpreter's stack."""
    value: list[object] = []
    value.append(value)
    with pytest.raises(ValueError, match="nested"):
        canonical_json(value)
