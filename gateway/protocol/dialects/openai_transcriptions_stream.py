"""Streams of OpenAI transcriptions: pieces of the text, segments with their speakers, the whole text at the end."""

from collections.abc import Mapping

from gateway.errors import ErrorCode
from gateway.protocol.dialects.base import Carrier, ChannelKey, Document, FrameView, Segment, Spelling, Wait
from gateway.protocol.dialects.openai_chat_stream import error_shape
from gateway.protocol.texts import find_texts

_DELTA = "transcript.text.delta"
_SEGMENT = "transcript.text.segment"
_DONE = "transcript.text.done"
_TEXT: ChannelKey = (0, "text")
# Which member of an event is followed from event to event, and as which running text.
_FOLLOWED: dict[str, tuple[str, ChannelKey]] = {_DELTA: ("delta", _TEXT), _SEGMENT: ("text", (0, "segments"))}


class OpenAITranscriptionsStream:
    """One streamed reply of ``POST /v1/audio/transcriptions``."""

    terminator = b""  # its last event says that it is the last
    typed = True
    repeats = True
    sequence = ""

    def __init__(self) -> None:
        # The latest segment, which lends its speaker and its times to what was held of it.
        self._segment: Document = {"type": _SEGMENT, "id": "", "speaker": "", "start": 0.0, "end": 0.0}

    def view(self, document: Document) -> FrameView:
        """Read an event.

        Raises:
            ValueError: it is none of those this format has: what it brings could be a piece of a text.
        """
        if not isinstance(document, dict):
            raise ValueError("an event must be a JSON object")  # noqa: TRY004 one error for all that is malformed
        kind = document.get("type")
        if kind == "error" or "error" in document:
            return FrameView([], _texts(document), [], [], Wait.LAST, end=True)
        name, channel = ("text", _TEXT) if kind == _DONE else _FOLLOWED.get(str(kind), ("", ()))
        if not isinstance(document.get(name), str):
            raise ValueError("an event of this format brings a text")  # noqa: TRY004 the same
        place = Segment(channel, Carrier.HIDDEN, document, name, document[name])
        others = {key: value for key, value in document.items() if key not in (name, "logprobs")}
        spellings = _spellings(document, channel)
        if kind == _DONE:
            return FrameView([], _texts(others), spellings, [(0,)], Wait.LAST, repeats=[place], end=True)
        return FrameView([place], _texts(others), spellings, [])

    def sent(self, document: Document) -> None:
        """Take note of an event: a segment lends its speaker and its times."""
        if document.get("type") == _SEGMENT:
            self._segment = document

    def unfinish(self, document: Document) -> bool:
        """Tell whether an event at which the stream is stopped has anything to say: the end has not."""
        return document.get("type") != _DONE

    def pieces(self, channel: ChannelKey, text: str) -> list[Document]:
        """Build the event that brings a piece of the text, or of the segments."""
        if channel == _TEXT:
            return [{"type": _DELTA, "delta": text}]
        return [self._segment | {"text": text}]

    def ending(self, texts: Mapping[int, str], *, filtered: bool) -> list[Document]:  # noqa: ARG002 the format has no word for it
        """Build the events that end the text; what it says as a whole is written when they leave."""
        deltas = [event for text in texts.values() if text for event in self.pieces(_TEXT, text)]
        return [*deltas, {"type": _DONE, "text": ""}]

    def failure(self, code: ErrorCode, message: str) -> list[Document]:
        """Build OpenAI's error shape, which clients look for in every event."""
        return [{"type": "error"} | error_shape(code, message)]

    def mark(self, document: Document, members: Document) -> None:
        """Write members at the top of the event."""
        document.update(members)


def drop_probabilities(document: Document) -> None:
    """Drop token probabilities: they spell the text as it was."""
    if document.get("logprobs") is not None:
        document["logprobs"] = None


def said_in(entries: object, name: str) -> list[str]:
    """Return the strings that a list of objects has under a name, in order."""
    rows = entries if isinstance(entries, list) else []
    said = [row.get(name) for row in rows if isinstance(row, dict)]
    return [each for each in said if isinstance(each, str)]


def _spellings(document: Document, channel: ChannelKey) -> list[Spelling]:
    if not document.get("logprobs"):
        return []
    # The end spells all of the text once more, so it is read on its own.
    own = (*channel, "whole") if document["type"] == _DONE else channel
    return [
        Spelling(own, "".join(said_in(document["logprobs"], "token")), _texts({"logprobs": document["logprobs"]}))
    ]


def _texts(document: Document) -> list[str]:
    return [group.text for group in find_texts(document)]
