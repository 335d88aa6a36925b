"""The settings of labels keep to GB 45438-2025."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.protocol.labels import Position
from gateway.settings.labels import ExplicitText, Labels

# Visible ASCII without space, double quote and backslash (Annex E j).
ALLOWED = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"\\')


def test_no_producer_is_made_up() -> None:
    """A wrong code names a wrong legal entity, so there is no default."""
    assert Labels().content_producer is None


@given(st.text(ALLOWED, min_size=1, max_size=1024))
def test_a_producer_of_allowed_characters_is_taken_as_it_is(producer: str) -> None:
    """Codes and ASCII names pass unchanged."""
    assert Labels(content_producer=producer).content_producer == producer


@given(st.text(min_size=1).filter(lambda text: not set(text) <= set(ALLOWED)))
def test_a_producer_with_any_other_character_is_refused(producer: str) -> None:
    """Annex E j allows visible ASCII without space, double quote and backslash."""
    with pytest.raises(ValidationError):
        Labels(content_producer=producer)


@pytest.mark.parametrize("producer", ["", "x" * 1025, "name\n"])
def test_a_producer_out_of_bounds_is_refused(producer: str) -> None:
    """Nothing, more than 1024 characters, and a trailing line end are no name."""
    with pytest.raises(ValidationError):
        Labels(content_producer=producer)


@pytest.mark.parametrize("text", ["AI生成", "由人工智能合成", "内容由AI生成 · AI-generated"])
def test_a_text_with_both_elements_is_a_label(text: str) -> None:
    """Either word of each element will do."""
    assert ExplicitText(zh=text, en=text).zh == text


@pytest.mark.parametrize(
    ("text", "lacks"),
    [("AI-generated content", "生成 or 合成"), ("智能助手生成", "人工智能 or AI"), ("", "人工智能 or AI")],
)
def test_a_text_without_an_element_is_no_label(text: str, lacks: str) -> None:
    """Chapter 5 asks for both elements; English alone has one."""
    with pytest.raises(ValidationError, match=lacks):
        ExplicitText(en=text)


def test_the_default_stands_at_the_end() -> None:
    """Labels are written once, at the end of a reply, unless told otherwise."""
    assert Labels().position is Position.END
