"""OpenAI Responses: requests, whole replies and errors; its streams are in `openai_responses_stream`."""

from typing import Any

from gateway.errors import ErrorCode, RequestError
from gateway.protocol.carriage import JSON_POST, NO_HEAD, RequestHead
from gateway.protocol.dialects.base import Answer, Document, Ending, Identity, ParsedRequest
from gateway.protocol.dialects.openai_chat_stream import error_shape
from gateway.protocol.dialects.openai_responses_stream import OpenAIResponsesStream, own_item, own_response
from gateway.protocol.dialects.openai_responses_view import CLIENT_CALLS, text_parts
from gateway.protocol.dialects.requests import read_request
from gateway.protocol.texts import find_texts

_NO_USAGE = {
    "input_tokens": 0,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 0,
}


class OpenAIResponses:
    """The dialect of ``POST /v1/responses``."""

    name = "openai.responses"
    upstream_path = "/responses"
    forwarded_headers: tuple[bytes, ...] = ()
    generates = True
    carriage = JSON_POST

    def parse_request(self, body: bytes, _head: RequestHead = NO_HEAD) -> ParsedRequest:
        """Read a request body.

        Raises:
            RequestError: it is not JSON, or its input is neither a text nor a list; the message names the member.
        """
        document = read_request(body)
        given = document.get("input")
        # It may be left out where a stored prompt or an earlier response is named.
        if not isinstance(given, str | list | None):
            raise RequestError("'input' must be a string or an array of items.")
        last = given[-1] if isinstance(given, list) and given else given
        hint = last if isinstance(last, str) else "\n".join(group.text for group in find_texts(last))
        return ParsedRequest(
            document, document["model"], bool(document.get("stream")), _asks_for_json(document), hint
        )

    def answers(self, document: Document) -> list[Answer]:
        """Return the visible answer of a whole reply: the texts of all its messages together.

        Raises:
            ValueError: its output is not what the format says.
        """
        # An error has none.
        items = document.get("output") or []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise ValueError("'output' must be an array of objects")
        places = [(part, "text") for item in items for part in _parts(item) if _is_text(part)]
        structured = any(str(item.get("type")) in CLIENT_CALLS for item in items)
        return [Answer(places, structured)] if places else []

    def withhold(self, document: Document) -> None:
        """Drop token probabilities, which spell the text as it was, and what pads frames to hide its length."""
        document.pop("obfuscation", None)
        for part in text_parts(document):
            if part.get("logprobs"):
                # Empty and not left out: clients look the member up.
                part["logprobs"] = []

    def refusal(self, identity: Identity, text: str, why: Ending = Ending.FILTERED) -> Document:
        """Build a whole reply that says the text; one that the content filter stopped is left incomplete."""
        status = "incomplete" if why is Ending.FILTERED else "completed"
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        return own_response(identity) | {
            "status": status,
            "incomplete_details": {"reason": "content_filter"} if why is Ending.FILTERED else None,
            "output": [own_item(identity, status=status) | {"content": [part]}],
            "usage": _NO_USAGE,
        }

    def error(self, code: ErrorCode, message: str) -> Document:
        """Build OpenAI's error shape."""
        return error_shape(code, message)

    def stream(self, identity: Identity) -> OpenAIResponsesStream:
        """Begin a streamed reply."""
        return OpenAIResponsesStream(identity)


def _asks_for_json(document: Document) -> bool:
    text: Any = document.get("text")
    wanted = text.get("format") if isinstance(text, dict) else None
    return isinstance(wanted, dict) and wanted.get("type") in ("json_object", "json_schema")


def _parts(item: Document) -> list[Any]:
    content = item.get("content") if item.get("type") == "message" else None
    return content if isinstance(content, list) else []


def _is_text(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "output_text" and isinstance(part.get("text"), str)
