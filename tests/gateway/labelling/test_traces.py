"""A label in free text is what names itself as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.labelling.traces import blanked, labels_in


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (b'AIGC{"Label":"1"}', b'{"Label":"1"}'),
        (b'x AIGC: {"Label":"1"} y', b'{"Label":"1"}'),
        (b'{"AIGC":{"Label":"1"}}', b'{"Label":"1"}'),
        (b'AIGC\0{"Label":"1"}', b'{"Label":"1"}'),
        (b'{"Label":"1","ContentProducer":"}"} z', b'{"Label":"1","ContentProducer":"}"}'),
        (b'{"Label":"1","ProduceID":"\\"}"} z', b'{"Label":"1","ProduceID":"\\"}"}'),
        (b'{"ServiceProvider":"x"}', b'{"ServiceProvider":"x"}'),
        (b'AIGC{"Label":', b'{"Label":'),
    ],
)
def test_what_names_itself_is_a_label(text: bytes, label: bytes) -> None:
    """From its brace to the one that closes it."""
    assert labels_in(text) == [label]


@pytest.mark.parametrize(
    "text", [b"", b"AIGC", b"a picture about AIGC", b'{"prompt":"a cat"}', b"{}", b'{"Label":"1"}']
)
def test_other_text_is_none(text: bytes) -> None:
    """A caption, a prompt, JSON of something else."""
    assert labels_in(text) == []


@pytest.mark.parametrize(
    "text", [b"{" * 60000, b'{"' * 30000, b"AIGC" * 15000, b"AIGC" + b" " * 60000, b'AIGC{"' * 9000]
)
def test_hostile_text_is_read_without_hanging(text: bytes) -> None:
    """Quadratic work on these would outlast the limit of every test."""
    assert all(label in text * 100 for label in labels_in(text * 100))


@given(st.binary(max_size=500))
def test_any_bytes_are_read(data: bytes) -> None:
    """What comes out was in."""
    text = b"AIGC{" + data
    assert all(label in text for label in labels_in(text))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (b'x AIGC: {"Label":"1"} y', b"x  y"),
        (b'ASCII\0\0\0{"AIGC": {"Label":"1"} }', b"ASCII\0\0\0"),
        (b'{"AIGC":{"Label":"1"},"kept":1}', b'{,"kept":1}'),
        (b'{"ServiceProvider":"x"}\0', b"\0"),
        (b'a caption, {"ProduceID":"x"} and more', b"a caption,  and more"),
    ],
)
def test_what_is_written_elsewhere_is_blanked(text: bytes, left: bytes) -> None:
    """Label, name and the object around them; nothing moves, and what else stands there stays."""
    after = blanked(text, labels_in(text))
    assert len(after) == len(text)
    assert after.replace(b" ", b"") == left.replace(b" ", b"")
    assert labels_in(after) == []


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_blanking_moves_nothing(before: bytes, behind: bytes) -> None:
    """Whatever stands around a label."""
    data = before + b'AIGC{"Label":"1"}' + behind
    assert len(blanked(data, labels_in(data))) == len(data)
