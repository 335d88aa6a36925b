"""OpenAI chat completions: requests, whole replies and errors; its streams are in `openai_chat_stream`."""

from gateway.errors import ErrorCode
from gateway.protocol.carriage import JSON_POST, NO_HEAD, RequestHead
from gateway.protocol.dialects.base import Answer, Document, Ending, Identity, ParsedRequest
from gateway.protocol.dialects.openai_chat_stream import (
    FINISH_REASONS,
    OpenAIChatStream,
    choices_of,
    error_shape,
    own_metadata,
)
from gateway.protocol.dialects.requests import read_messages, read_request
from gateway.protocol.texts import find_texts

_JSON_OUTPUTS = frozenset({"json", "json_object"})


class OpenAIChat:
    """The dialect of ``POST /v1/chat/completions``."""

    name = "openai.chat"
    upstream_path = "/chat/completions"
    forwarded_headers: tuple[bytes, ...] = ()
    generates = True
    carriage = JSON_POST

    def parse_request(self, body: bytes, _head: RequestHead = NO_HEAD) -> ParsedRequest:
        """Read a request body.

        Raises:
            RequestError: it is not JSON, or lacks what every chat request has; the message names the member.
        """
        document = read_request(body)
        # Null is what a message with tool calls alone holds.
        messages = read_messages(document, (str, list, type(None)))
        last = messages[-1].get("content")
        hint = last if isinstance(last, str) else "\n".join(group.text for group in find_texts(last))
        return ParsedRequest(document, document["model"], bool(document.get("stream")), asks_for_json(document), hint)

    def answers(self, document: Document) -> list[Answer]:
        """Return the visible answers of a whole reply.

        Raises:
            ValueError: its choices are not what the format says.
        """
        messages = [choice.get("message") for choice in choices_of(document)]
        return [
            Answer([(message, "content")], bool(message.get("tool_calls") or message.get("function_call")))
            for message in messages
            # Tool calls alone come with null: there is nothing a label could stand behind.
            if isinstance(message, dict) and isinstance(message.get("content"), str)
        ]

    def withhold(self, document: Document) -> None:
        """Drop token probabilities: they spell the text as it was."""
        for choice in choices_of(document):
            if choice.get("logprobs") is not None:
                # Null and not left out: clients that asked for it look the member up.
                choice["logprobs"] = None

    def refusal(self, identity: Identity, text: str, why: Ending = Ending.FILTERED) -> Document:
        """Build a whole reply that says the text."""
        message = {"role": "assistant", "content": text}
        return own_metadata(identity, "chat.completion") | {
            "choices": [{"index": 0, "message": message, "finish_reason": FINISH_REASONS[why]}],
            # Present though nothing was counted: client libraries add the numbers up unasked.
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        }

    def error(self, code: ErrorCode, message: str) -> Document:
        """Build OpenAI's error shape."""
        return error_shape(code, message)

    def stream(self, identity: Identity) -> OpenAIChatStream:
        """Begin a streamed reply."""
        return OpenAIChatStream(identity)


def asks_for_json(document: Document) -> bool:
    """Tell whether the answer to a request must be JSON, as OpenAI's format says it or as vLLM does besides."""
    wanted, more = document.get("response_format"), document.get("structured_outputs")
    if isinstance(wanted, dict) and wanted.get("type") in ("json_object", "json_schema"):
        return True
    return bool(document.get("guided_json")) or (isinstance(more, dict) and bool(more.keys() & _JSON_OUTPUTS))
