"""Tests of reading lines, and of what is canonical."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.canonical import canonical_json
from gateway.audit.verification.lines import LINE_LIMIT_BYTES, Lines, is_canonical

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(max_codepoint=0xD7FF), max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(max_codepoint=0xD7FF), max_size=5), _VALUES, max_size=4))
def test_what_is_written_is_canonical(value: dict[str, object]) -> None:
    """Whatever the product writes is taken."""
    assert is_canonical(canonical_json(value))


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"[]",
        b"1",
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1.5}',
        b'{"a":1e+22}',
        b'{"a":[-0.5]}',
        b'{"a":-0}',
        b'{"a":9007199254740993}',
        b'{"a":"\\u0061"}',
        b'{"a":"\xff"}',
        '{"\U00010000":1,"\ue000":2}'.encode(),
    ],
)
def test_other_forms_are_not(entry: bytes) -> None:
    """Another order, white space, floats, large integers, other escapes, keys that sort in two ways."""
    assert not is_canonical(entry)


@pytest.mark.parametrize("entry", [b'{"a":"x:1.5"}', '{"a":"禁词"}'.encode(), b'{"a":"[2e3"}'])
def test_strings_that_look_like_floats_are_fine(entry: bytes) -> None:
    """The quick look is not the last word."""
    assert is_canonical(entry)


@given(st.lists(st.integers(0, 400_000), max_size=8), st.integers(0, 10))
def test_lines_and_places_come_out(sizes: list[int], rest: int) -> None:
    """Whatever pieces a file is read in, its lines are whole and their offsets right."""
    data = b"".join(b"x" * size + b"\n" for size in sizes) + b"y" * rest
    lines = Lines(io.BytesIO(data))
    found = []
    for start, piece in lines.pieces():
        assert data[start:].startswith(b"\n".join(piece) + b"\n")
        found += piece
    assert [len(line) for line in found] == sizes
    assert (lines.rest, lines.end, lines.overlong) == (b"y" * rest, len(data) - rest, False)


def test_endless_line_ends_the_reading() -> None:
    """A file without line feeds is not read into memory."""
    lines = Lines(io.BytesIO(b"x" * (LINE_LIMIT_BYTES * 20)))
    assert list(lines.pieces()) == []
    assert lines.overlong
    assert len(lines.rest) < LINE_LIMIT_BYTES * 4
