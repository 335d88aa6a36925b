"""Streams of OpenAI chat completions: every choice, content as string or parts, reasoning, refusals, tool calls.

Running texts are found by their path in ``choices[].delta``, not by a list of names, so a field that a server adds
tomorrow is scanned as well.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.errors import ErrorCode
from gateway.protocol.dialects.base import (
    Carrier,
    ChannelKey,
    Document,
    Ending,
    FrameView,
    Identity,
    Segment,
    Spelling,
    Wait,
)
from gateway.protocol.texts import KNOWN_NAMES, PLAIN, find_texts

FINISH_REASONS = {Ending.FILTERED: "content_filter", Ending.ANSWERED: "stop", Ending.UNSAID: None}
"""The format's words for why an answer ended."""
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


class OpenAIChatStream:
    """One streamed reply of ``POST /v1/chat/completions``.

    Args:
        identity: names frames that are made before the model sent any.
    """

    terminator = b"data: [DONE]\n\n"
    typed = False
    repeats = False
    sequence = ""

    def __init__(self, identity: Identity) -> None:
        # The model's latest frame lends its metadata; until one came, these are our own.
        self._like = own_metadata(identity, "chat.completion.chunk")
        self._begun = False

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
        choices = choices_of(document)
        frame = FrameView([], texts, [], [], Wait.NOT if choices else Wait.LAST)
        for choice in choices:
            _view_choice(choice, frame)
        # Whether a usage frame follows an end is not known yet.
        return frame._replace(wait=Wait.LAST) if frame.finished else frame

    def sent(self, document: Document) -> None:
        """Take note of a frame: it lends its metadata to those made here."""
        self._like = document
        self._begun = True

    def unfinish(self, document: Document) -> bool:
        """Drop the finish reasons and the usage count; the frame still has its texts."""
        # It counts tokens that the client is not shown.
        document.pop("usage", None)
        for choice in choices_of(document):
            choice["finish_reason"] = None
        return True

    def pieces(self, channel: ChannelKey, text: str) -> list[Document]:
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
        return [self._frame([_choice(int(channel[0]), delta)])]

    def ending(self, texts: Mapping[int, str], why: Ending) -> list[Document]:
        """Build a frame that ends the choices, each with its text."""
        reason = FINISH_REASONS[why]
        frames = []
        # Nothing was sent yet: clients take the role from the first frame.
        if not self._begun and any(texts.values()):
            roles = [{"role": "assistant", "content": text} for text in texts.values()]
            frames.append(self._frame([_choice(index, role) for index, role in zip(texts, roles, strict=True)]))
            texts = dict.fromkeys(texts, "")
        ends = [_choice(index, {"content": text} if text else {}, reason) for index, text in texts.items()]
        return [*frames, self._frame(ends)]

    def failure(self, code: ErrorCode, message: str) -> list[Document]:
        """Build OpenAI's error shape, which clients look for in every frame."""
        return [error_shape(code, message)]

    def mark(self, document: Document, members: Document) -> None:
        """Write members at the top of the frame."""
        document.update(members)

    def _frame(self, choices: list[Document]) -> Document:
        return {name: self._like[name] for name in _METADATA if name in self._like} | {"choices": choices}


def own_metadata(identity: Identity, kind: str) -> Document:
    """Return the members that name a reply or a frame made here."""
    return {
        # The id a user reports from the answer is the one the audit entry has.
        "id": f"chatcmpl-{identity.request_id}",
        "object": kind,
        "created": identity.created,
        "model": identity.model,
    }


def error_shape(code: ErrorCode, message: str) -> Document:
    """Return OpenAI's error shape."""
    # A type of its own: whoever reads it must see that the gateway answered and not the model server.
    return {"error": {"message": message, "type": "sluice_error", "param": None, "code": code}}


def choices_of(document: Document) -> list[Document]:
    """Return the choices of a reply or frame.

    Raises:
        ValueError: they are not what the format says.
    """
    # Usage and error frames may come with null or without the member.
    choices = document.get("choices") or []
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise ValueError("'choices' must be an array of objects")
    return choices


def _choice(index: int, delta: Document, reason: str | None = None) -> Document:
    return {"index": index, "delta": delta, "finish_reason": reason}


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
            frame.spellings.append(Spelling((index,), "".join(_tokens(value)), texts))
        elif isinstance(value, str):
            frame.texts.append(value)
        elif isinstance(value, dict | list):
            frame.texts.extend(group.text for group in find_texts(value))
    # Some servers send an empty reason with every frame that ends nothing.
    if choice.get("finish_reason"):
        frame.finished.append((index,))


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
