"""Streams of OpenAI text completions: every choice of every prompt, and whatever text stands beside it.

A string of a choice is followed from frame to frame, also under a name that a server adds tomorrow; only the words
of the format (why it ended) stand for themselves.
"""

from collections.abc import Mapping

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
from gateway.protocol.dialects.openai_chat_stream import FINISH_REASONS, choices_of, error_shape, own_metadata
from gateway.protocol.texts import KNOWN_NAMES, find_texts

# Lent to frames made here; anything more of a frame, such as its usage, would be counted twice.
_METADATA = ("id", "object", "created", "model", "system_fingerprint")
# Bounds what is kept for each choice of a stream: as many as 8 prompts with 128 answers each have.
_MOST_CHOICES = 1024
# Said once for a choice, and by the server: why it ended, and at what.
_WORDS = frozenset({"finish_reason", "stop_reason", "matched_stop"})


class OpenAICompletionsStream:
    """One streamed reply of ``POST /v1/completions``.

    Args:
        identity: names frames that are made before the model sent any.
    """

    terminator = b"data: [DONE]\n\n"
    typed = False
    repeats = False
    sequence = ""

    def __init__(self, identity: Identity) -> None:
        # The model's latest frame lends its metadata; until one came, these are our own.
        self._like = completion_metadata(identity)

    def view(self, document: Document) -> FrameView:
        """Read a frame.

        Raises:
            ValueError: it is no object, or its choices are not what the format says.
        """
        if not isinstance(document, dict):
            raise ValueError("a frame must be a JSON object")  # noqa: TRY004 one error for all that is malformed
        choices = choices_of(document)
        # What stands beside the choices is complete in its frame.
        beside = {name: value for name, value in document.items() if name != "choices"}
        texts = [group.text for group in find_texts(beside)]
        frame = FrameView([], texts, [], [], Wait.NOT if choices else Wait.LAST)
        for choice in choices:
            _view_choice(choice, frame)
        # Whether a usage frame follows an end is not known yet.
        return frame._replace(wait=Wait.LAST) if frame.finished else frame

    def sent(self, document: Document) -> None:
        """Take note of a frame: it lends its metadata to those made here."""
        self._like = document

    def unfinish(self, document: Document) -> bool:
        """Drop the finish reasons and the usage count; the frame still has its texts."""
        # It counts tokens that the client is not shown.
        document.pop("usage", None)
        for choice in choices_of(document):
            choice["finish_reason"] = None
        return True

    def pieces(self, channel: ChannelKey, text: str) -> list[Document]:
        """Build a frame that brings ``text`` in its member of a choice."""
        # Clients take `text` for granted, also where another member brings something.
        return [self._frame([_choice(int(channel[0]), "") | {str(channel[1]): text}])]

    def ending(self, texts: Mapping[int, str], why: Ending) -> list[Document]:
        """Build a frame that ends the choices, each with its text."""
        reason = FINISH_REASONS[why]
        return [self._frame([_choice(index, text, reason) for index, text in texts.items()])]

    def failure(self, code: ErrorCode, message: str) -> list[Document]:
        """Build OpenAI's error shape, which clients look for in every frame."""
        return [error_shape(code, message)]

    def mark(self, document: Document, members: Document) -> None:
        """Write members at the top of the frame."""
        document.update(members)

    def _frame(self, choices: list[Document]) -> Document:
        return {name: self._like[name] for name in _METADATA if name in self._like} | {"choices": choices}


def completion_metadata(identity: Identity) -> Document:
    """Return the members that name a reply or a frame made here."""
    return own_metadata(identity, "text_completion") | {"id": f"cmpl-{identity.request_id}"}


def spelling(logprobs: Document) -> tuple[str, list[str]]:
    """Return what token probabilities say: the chosen tokens joined, and every string in them."""
    tokens = logprobs.get("tokens")
    chosen = [token for token in tokens if isinstance(token, str)] if isinstance(tokens, list) else []
    return "".join(chosen), [group.text for group in find_texts(logprobs)]


def _choice(index: int, text: str, reason: str | None = None) -> Document:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": reason}


def _view_choice(choice: Document, frame: FrameView) -> None:
    index = choice.get("index", 0)
    # A bool is an int to Python, and would be the same choice as 0 or 1.
    if type(index) is not int or not 0 <= index < _MOST_CHOICES:
        raise ValueError("'choices[].index' must be a whole number within the bound")
    for name, value in choice.items():
        if name not in KNOWN_NAMES:
            frame.texts.append(name)
        # Kept from the other texts: they repeat what the text says, and are withheld rather than masked.
        if name == "logprobs" and isinstance(value, dict):
            joined, texts = spelling(value)
            frame.spellings.append(Spelling((index,), joined, texts))
        elif isinstance(value, dict | list):
            frame.texts.extend(group.text for group in find_texts(value))
        elif isinstance(value, str) and name in _WORDS:
            frame.texts.append(value)
        elif isinstance(value, str):
            # Hidden when unknown: scanned like the rest, but a label there might break it.
            carrier = Carrier.VISIBLE if name == "text" else Carrier.HIDDEN
            frame.segments.append(Segment((index, name), carrier, choice, name, value))
    # Some servers send an empty reason with every frame that ends nothing.
    if choice.get("finish_reason"):
        frame.finished.append((index,))
