"""OpenAI text completions: requests, whole replies and errors; its streams are in `openai_completions_stream`."""

from gateway.errors import ErrorCode
from gateway.protocol.asides import Aside
from gateway.protocol.carriage import NO_HEAD, Carriage, RequestHead
from gateway.protocol.dialects.base import Answer, Document, Ending, Identity, ParsedRequest
from gateway.protocol.dialects.openai_chat import asks_for_json
from gateway.protocol.dialects.openai_chat_stream import FINISH_REASONS, choices_of, error_shape
from gateway.protocol.dialects.openai_completions_stream import OpenAICompletionsStream, completion_metadata, spelling
from gateway.protocol.dialects.openai_prompts import read_prompts, unread_prompts
from gateway.protocol.dialects.requests import read_request


def spelled_probabilities(document: Document) -> list[Aside]:
    """Return the token probabilities of a whole reply: they spell each choice's text."""
    asides = []
    for choice in choices_of(document):
        if isinstance(choice.get("logprobs"), dict):
            joined, texts = spelling(choice["logprobs"])
            asides.append(Aside(choice, "logprobs", choice["logprobs"], None, spelling=True, texts=(joined, *texts)))
    return asides


class OpenAICompletions:
    """The dialect of ``POST /v1/completions``."""

    name = "openai.completions"
    upstream_path = "/completions"
    forwarded_headers: tuple[bytes, ...] = ()
    generates = True
    carriage = Carriage(asides=spelled_probabilities)

    def parse_request(self, body: bytes, _head: RequestHead = NO_HEAD) -> ParsedRequest:
        """Read a request body.

        Raises:
            RequestError: it is not JSON, or lacks what every such request has; the message names the member.
        """
        document = read_request(body)
        # Without a prompt the model begins a new document.
        prompts = [""] if document.get("prompt") is None else read_prompts(document, "prompt")
        return ParsedRequest(
            document,
            document["model"],
            bool(document.get("stream")),
            # What goes between a prompt and its suffix is mostly code, and a sentence inside would break it.
            structured=asks_for_json(document),
            verbatim=bool(document.get("suffix")),
            language_hint=prompts[-1] if prompts else "",
            unread=unread_prompts(document, "prompt"),
        )

    def answers(self, document: Document) -> list[Answer]:
        """Return the visible answers of a whole reply; with ``echo`` the prompt is part of them.

        Raises:
            ValueError: its choices are not what the format says.
        """
        choices = choices_of(document)
        return [
            Answer([(choice, "text")], structured=False) for choice in choices if isinstance(choice.get("text"), str)
        ]

    def withhold(self, document: Document) -> None:
        """Drop token probabilities: they spell the text as it was."""
        for choice in choices_of(document):
            if choice.get("logprobs") is not None:
                choice["logprobs"] = None

    def refusal(self, identity: Identity, text: str, why: Ending = Ending.FILTERED) -> Document:
        """Build a whole reply that says the text."""
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": FINISH_REASONS[why]}
        return completion_metadata(identity) | {
            "choices": [choice],
            # Present though nothing was counted: client libraries add the numbers up unasked.
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        }

    def error(self, code: ErrorCode, message: str) -> Document:
        """Build OpenAI's error shape."""
        return error_shape(code, message)

    def stream(self, identity: Identity) -> OpenAICompletionsStream:
        """Begin a streamed reply."""
        return OpenAICompletionsStream(identity)
