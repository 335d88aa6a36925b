"""Prompts of the OpenAI formats that are no chat: a string, an array of them, or tokens that nobody here can read."""

from typing import Any

from gateway.errors import RequestError
from gateway.protocol.dialects.base import Document, Unread

_TOKENS = "token_array"
# What a model is given past its prompt in a form that is no text: vLLM takes tensors so.
_TENSORS = ("prompt_embeds",)


def read_prompts(document: Document, name: str) -> list[str]:
    """Return the prompts of a request; none where they are tokens, which `unread_prompts` tells.

    Args:
        document: the request.
        name: member that holds them.

    Raises:
        RequestError: it holds something else.
    """
    value = document.get(name)
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value:
        raise RequestError(f"'{name}' must be a string or a non-empty array of strings.")
    if all(isinstance(each, str) for each in value):
        return value
    if _is_tokens(value) or all(isinstance(each, list) and each and _is_tokens(each) for each in value):
        return []
    # A mixture is read one way by one server and another way by the next.
    raise RequestError(f"'{name}' must be a string or an array of strings; each of its elements must be a string.")


def unread_prompts(document: Document, name: str) -> Unread | None:
    """Return what of a request's prompts cannot be read here, or None when all of them can."""
    if isinstance(document.get(name), list) and not any(isinstance(each, str) for each in document[name]):
        return Unread(
            _TOKENS, f"'{name}' holds tokens, which this gateway cannot read. Send the text: a string or an array."
        )
    for member in _TENSORS:
        if document.get(member) is not None:
            return Unread(_TOKENS, f"'{member}' holds no text that this gateway could read. Send '{name}' instead.")
    return None


def _is_tokens(value: list[Any]) -> bool:
    return all(type(each) is int for each in value)
