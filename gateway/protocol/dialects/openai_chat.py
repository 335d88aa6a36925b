"""OpenAI chat completions: every choice, content as string or parts, reasoning, refusals, tool-call arguments.

Running texts are found by their path in ``choices[].delta``, not by a list of names, so a field that a server adds
tomorrow is scanned as well.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.errors import ErrorCode, RequestError
from gateway.protocol.dialects.base import (
    Answer,
    Carrier,
    ChannelKey,
    Document,
    FrameView,
    Identity,
    ParsedRequest,
    Segment,
    Spelling,
)
from gateway.protocol.documents import read_document
from gateway.protocol.texts import KNOWN_NAMES, PLAIN, find_texts

# Lent to frames made here; anything more of a frame, such as its usage, would be counted twice.
_METADATA = ("id", "object", "created", "model", "system_fingerprint", "service_tier")
# `function_call` is the older form of `tool_calls`; servers still speak it.
_CARRIERS = {"content": Carrier.VISIBLE, "tool_calls": Carrier.STRUCTURED, "function_call": Carrier.STRUCTURED}
# What is nested deeper than any known delta is scanned as texts of its own, not followed from frame to frame.
_DEEPEST_PATH = 12
# Bounds what is kept for each choice of a stream; servers offer 128.
_MOST_CHOICES = 1024
_CLOSED_NAMES = frozenset({"role", "type"})  # members whose values are words of the format
# Clients take these from one frame, some join them and some keep the last: a piece held back would break a tool call.
_WHOLE_NAMES = _CLOSED_NAMES | {"id", "name"}


class OpenAIChat:
    """The dialect of ``POST /v1/chat/completions``."""

    name = "openai.chat"
    upstream_path = "/chat/completions"
    forwarded_headers: tuple[bytes, ...] = ()
    terminator = b"data: [DONE]\n\n"
    visible_path: ChannelKey = ("content",)

    def parse_request(self, body: bytes) -> ParsedRequest:
        """Read a request body.

        Raises:
            RequestError: it is not JSON, or lacks what every chat request has; the message names the member.
        """
        try:
            document = read_document(body)
        except ValueError as exc:
            raise RequestError("", ErrorCode.NOT_JSON) from exc
        if not isinstance(document, dict):
            raise RequestError("The body must be a JSON object.")
        # Only what the gateway itself relies on is checked; the rest is the model server's to judge.
        model = document.get("model")
        if not isinstance(model, str) or not model:
            raise RequestError("'model' must be a non-empty string.")
        # A server may take 1 or "true" for a stream while a whole reply is waited for here: both must see the same.
        if not isinstance(document.get("stream") or False, bool):
            raise RequestError("'stream' must be true or false.")
        return ParsedRequest(
            document, model, bool(document.get("stream")), _asks_for_json(document), _last_text(document)
        )

    def answers(self, document: Document) -> list[Answer]:
        """Return the visible answers of a whole reply.

        Raises:
            ValueError: its choices are not what the format says.
        """
        messages = [choice.get("message") for choice in _choices(document)]
        return [
            Answer(message, "content", bool(message.get("tool_calls") or message.get("function_call")))
            for message in messages
            # Tool calls alone come with null: there is nothing a label could stand behind.
            if isinstance(message, dict) and isinstance(message.get("content"), str)
        ]

    def view(self, document: Document) -> FrameView:
        """Read a frame.

        Raises:
            ValueError: it is no object, or its choices are not what the format says.
        """
        if not isinstance(document, dict):
            raise ValueError("a frame must be a JSON object")  # noqa: TRY004 one error for all that is malformed
        texts: list[str] = []
        for name, value in document.items():
            # A name is text as well: unread, it would be a way out for anything.
            if name not in KNOWN_NAMES:
                texts.append(name)
            if isinstance(value, str):
                texts.append(value)
            # Choices are followed from frame to frame below; what stands beside them is complete in its frame.
            elif name != "choices" and isinstance(value, dict | list):
                texts += [group.text for group in find_texts(value)]
        # A usage frame has no choices, and comes last.
        choices = _choices(document)
        frame = FrameView([], texts, [], [], terminal=not choices)
        for choice in choices:
            _view_choice(choice, frame)
        # Whether a usage frame follows an end is not known yet.
        return frame._replace(terminal=True) if frame.finished else frame

    def withhold(self, document: Document) -> None:
        """Drop token probabilities: they spell the text as it was."""
        for choice in _choices(document):
            if choice.get("logprobs") is not None:
                # Null and not left out: clients that asked for it look the member up.
                choice["logprobs"] = None

    def unfinish(self, document: Document) -> None:
        """Drop the finish reasons and the usage count."""
        # It counts tokens that the client is not shown.
        document.pop("usage", None)
        for choice in _choices(document):
            choice["finish_reason"] = None

    def piece(self, like: Document, channel: ChannelKey, text: str) -> Document:
        """Build a frame that brings ``text`` at the channel's path."""
        delta: Any = text
        for step in reversed(channel[1:]):
            if isinstance(step, str):
                delta = {step: delta}
            elif isinstance(delta, dict):
                # What clients join them by: parts of the content their type, parts of a tool call their index.
                delta = [({"type": "text"} if channel[1] == "content" else {"index": step}) | delta]
            else:
                delta = [delta]
        return _metadata(like) | {"choices": [{"index": channel[0], "delta": delta, "finish_reason": None}]}

    def ending(self, like: Document, texts: Mapping[int, str], reason: str | None) -> Document:
        """Build a frame that ends the choices, each with its text."""
        return _metadata(like) | {
            "choices": [
                {"index": index, "delta": {"content": text} if text else {}, "finish_reason": reason}
                for index, text in texts.items()
            ]
        }

    def blank(self, identity: Identity) -> Document:
        """Build a frame without choices, for its metadata: where no frame of the model's can lend its own."""
        return _own_metadata(identity, "chat.completion.chunk") | {"choices": []}

    def refusal(self, identity: Identity, text: str) -> Document:
        """Build a whole reply that says the text, finished by the content filter."""
        message = {"role": "assistant", "content": text}
        return _own_metadata(identity, "chat.completion") | {
            "choices": [{"index": 0, "message": message, "finish_reason": "content_filter"}],
            # Present though nothing was counted: client libraries add the numbers up unasked.
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        }

    def refusal_frames(self, identity: Identity, text: str) -> list[Document]:
        """Build the same as the frames of a stream."""
        blank = self.blank(identity)
        # Role and text at once: clients take the role from the first frame.
        first = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
        return [blank | {"choices": [first]}, self.ending(blank, {0: ""}, "content_filter")]

    def error(self, code: str, message: str) -> Document:
        """Build OpenAI's error shape."""
        # A type of its own: whoever reads it must see that the gateway answered and not the model server.
        return {"error": {"message": message, "type": "sluice_error", "param": None, "code": code}}


def _asks_for_json(document: Document) -> bool:
    wanted = document.get("response_format")
    return isinstance(wanted, dict) and wanted.get("type") in ("json_object", "json_schema")


def _last_text(document: Document) -> str:
    """Check the messages; return the text of the last one, by whose language the client is answered."""
    messages = document.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestError("'messages' must be a non-empty array.")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise RequestError(f"'messages[{number}]' must be an object with a 'role'.")
        # Null is what a message with tool calls alone holds.
        if not isinstance(message.get("content"), str | list | None):
            raise RequestError(f"'messages[{number}].content' must be a string or an array of parts.")
    last = messages[-1].get("content")
    return last if isinstance(last, str) else "\n".join(group.text for group in find_texts(last))


def _choices(document: Document) -> list[Document]:
    # Usage and error frames may come with null or without the member.
    choices = document.get("choices") or []
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise ValueError("'choices' must be an array of objects")
    return choices


def _view_choice(choice: Document, frame: FrameView) -> None:
    index = choice.get("index", 0)
    # A bool is an int to Python, and would be the same choice as 0 or 1.
    if type(index) is not int or not 0 <= index < _MOST_CHOICES:
        raise ValueError("'choices[].index' must be a whole number within the bound")
    for name, value in choice.items():
        if name not in KNOWN_NAMES:
            frame.texts.append(name)
        if name == "delta" and isinstance(value, dict):
            frame.segments.extend(_segments(value, (index,), frame.texts))
        # Kept from the other texts: they repeat what the delta says, and are withheld rather than masked.
        elif name == "logprobs" and isinstance(value, dict):
            texts = [group.text for group in find_texts(value)]
            frame.spellings.append(Spelling(index, "".join(_tokens(value)), texts))
        elif isinstance(value, str):
            frame.texts.append(value)
        elif isinstance(value, dict | list):
            frame.texts.extend(group.text for group in find_texts(value))
    # Some servers send an empty reason with every frame that ends nothing.
    if choice.get("finish_reason"):
        frame.finished.append(index)


def _tokens(logprobs: Document) -> Iterator[str]:
    # Every member and not `content` alone: refusals have probabilities too.
    for entries in logprobs.values():
        for entry in entries if isinstance(entries, list) else ():
            token = entry.get("token") if isinstance(entry, dict) else None
            if isinstance(token, str):
                yield token


def _segments(node: Any, path: ChannelKey, texts: list[str]) -> Iterator[Segment]:  # noqa: ANN401 any JSON value
    """Yield the running texts below a delta; unknown member names go to ``texts``."""
    named = isinstance(node, dict)
    if named:
        texts.extend(name for name in node if name not in KNOWN_NAMES)
    for key, value in node.items() if named else enumerate(node):
        if isinstance(value, str):
            # Only the format's own words are passed over; any other string under these names is scanned.
            if key not in _CLOSED_NAMES or value not in PLAIN:
                here = (*path, key)
                # Hidden when unknown: scanned like the rest, but a label there might break it.
                carrier = _CARRIERS.get(str(here[1]), Carrier.HIDDEN)
                yield Segment(here, carrier, node, key, value, key in _WHOLE_NAMES)
        elif isinstance(value, dict | list):
            if len(path) > _DEEPEST_PATH:
                texts.extend(group.text for group in find_texts(value))
            else:
                step = key if named else _element(path, key, value)
                yield from _segments(value, (*path, step), texts)


def _element(path: ChannelKey, position: int, value: Any) -> int:  # noqa: ANN401 any JSON value
    """Say which running element of an array a value belongs to.

    Parts of one tool call come in many frames; its ``index``, not its place in the array, says which one. Parts of
    the content are one text to the reader, wherever they stand.
    """
    if path[1] == "content":
        return 0
    index = value.get("index") if isinstance(value, dict) else None
    return index if type(index) is int else position


def _metadata(like: Document) -> Document:
    return {name: like[name] for name in _METADATA if name in like}


def _own_metadata(identity: Identity, kind: str) -> Document:
    return {
        # The id a user reports from the answer is the one the audit entry has.
        "id": f"chatcmpl-{identity.request_id}",
        "object": kind,
        "created": identity.created,
        "model": identity.model,
    }
