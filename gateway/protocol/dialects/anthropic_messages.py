"""Anthropic Messages: requests, whole replies and errors; its streams are in `anthropic_stream`."""

from typing import Any

from gateway.errors import ErrorCode
from gateway.protocol.carriage import JSON_POST, NO_HEAD, RequestHead
from gateway.protocol.dialects.anthropic_stream import STOP_REASONS, AnthropicStream, error_shape, own_message
from gateway.protocol.dialects.base import Answer, Document, Ending, Identity, ParsedRequest
from gateway.protocol.dialects.requests import read_messages, read_request
from gateway.protocol.texts import find_texts


class AnthropicMessages:
    """The dialect of ``POST /v1/messages``."""

    name = "anthropic.messages"
    upstream_path = "/messages"
    # The version is required, and the betas decide what the model server understands of the request.
    forwarded_headers: tuple[bytes, ...] = (b"anthropic-version", b"anthropic-beta")
    generates = True
    carriage = JSON_POST

    def parse_request(self, body: bytes, _head: RequestHead = NO_HEAD) -> ParsedRequest:
        """Read a request body.

        Raises:
            RequestError: it is not JSON, or lacks what every request has; the message names the member.
        """
        document = read_request(body)
        last = read_messages(document, (str, list))[-1]["content"]
        hint = last if isinstance(last, str) else "\n".join(group.text for group in find_texts(last))
        return ParsedRequest(
            document, document["model"], bool(document.get("stream")), _asks_for_json(document), hint
        )

    def answers(self, document: Document) -> list[Answer]:
        """Return the visible answer of a whole reply: all its text blocks together.

        Raises:
            ValueError: its content is not what the format says.
        """
        # An error has none.
        blocks = document.get("content") or []
        if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
            raise ValueError("'content' must be an array of objects")
        places = [(block, "text") for block in blocks if _is_text(block)]
        # The client's own tools; what the server ran by itself is part of an answer in prose.
        structured = any(block.get("type") == "tool_use" for block in blocks)
        return [Answer(places, structured)] if places else []

    def withhold(self, document: Document) -> None:
        """Do nothing: no member of this format says a text once more."""

    def refusal(self, identity: Identity, text: str, why: Ending = Ending.FILTERED) -> Document:
        """Build a whole reply that says the text."""
        return own_message(identity) | {"content": [{"type": "text", "text": text}], "stop_reason": STOP_REASONS[why]}

    def error(self, code: ErrorCode, message: str) -> Document:
        """Build Anthropic's error shape."""
        return error_shape(code, message)

    def stream(self, identity: Identity) -> AnthropicStream:
        """Begin a streamed reply."""
        return AnthropicStream(identity)


class AnthropicTokenCount(AnthropicMessages):
    """The dialect of ``POST /v1/messages/count_tokens``: the same prompt, and a number for a reply."""

    name = "anthropic.count_tokens"
    upstream_path = "/messages/count_tokens"
    generates = False

    def parse_request(self, body: bytes, _head: RequestHead = NO_HEAD) -> ParsedRequest:
        """Read a request body; there is no stream of one number.

        Raises:
            RequestError: as for a message.
        """
        return super().parse_request(body)._replace(streamed=False)


def _asks_for_json(document: Document) -> bool:
    # `output_format` is the older name.
    config: Any = document.get("output_config")
    wanted = [document.get("output_format"), config.get("format") if isinstance(config, dict) else None]
    return any(isinstance(each, dict) and each.get("type") == "json_schema" for each in wanted)


def _is_text(block: Document) -> bool:
    return block.get("type") == "text" and isinstance(block.get("text"), str)
