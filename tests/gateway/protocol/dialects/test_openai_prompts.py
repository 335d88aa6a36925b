"""Prompts that are no chat: what can be read, what cannot, and what is neither."""

from typing import Any

import pytest

from gateway.errors import RequestError
from gateway.protocol.dialects.openai_prompts import read_prompts, unread_prompts


@pytest.mark.parametrize(
    ("value", "prompts"), [("a", ["a"]), (["a", "b"], ["a", "b"]), ([1, 2], []), ([[1], [2, 3]], []), ("", [""])]
)
def test_strings_are_read_and_tokens_are_not(value: Any, prompts: list[str]) -> None:  # noqa: ANN401 any JSON value
    """Numbers stand for a text that nobody here knows; that is told, and never passed over."""
    document = {"input": value}
    assert read_prompts(document, "input") == prompts
    unread = unread_prompts(document, "input")
    assert (unread is None) is bool(prompts)
    assert unread is None or (unread.reason == "token_array" and "'input'" in unread.message)


@pytest.mark.parametrize(
    "value", [None, 1, {}, [], ["a", 1], [1, "a"], [[1], "a"], [[]], [[1], 2], [True], [{}], [["a"]]]
)
def test_anything_else_is_refused_by_name(value: Any) -> None:  # noqa: ANN401 the same
    """Also a mixture: one server reads the strings of it, the next one the numbers."""
    with pytest.raises(RequestError, match="'prompt'"):
        read_prompts({"prompt": value}, "prompt")


def test_a_prompt_in_tensors_is_not_read_either() -> None:
    """It stands beside the prompt, and the model reads it."""
    unread = unread_prompts({"prompt": "fine", "prompt_embeds": "AAAA"}, "prompt")
    assert unread is not None
    assert "'prompt_embeds'" in unread.message
