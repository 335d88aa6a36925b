"""Streams of OpenAI transcriptions: pieces of the text, segments with their speakers, the whole text at the end.

Some servers (vLLM) stream transcripts in chunks like those of a chat; the first frame says which of the two it is.
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
from gateway.protocol.dialects.openai_chat_stream import OpenAIChatStream, choices_of, error_shape
from gateway.protocol.texts import find_texts

_DELTA = "transcript.text.delta"
_SEGMENT = "transcript.text.segment"
_DONE = "transcript.text.done"
_TEXT: ChannelKey = (0, "text")
# Which member of an event is followed from event to event, and as which running text.
_FOLLOWED: dict[str, tuple[str, ChannelKey]] = {_DELTA: ("delta", _TEXT), _SEGMENT: ("text", (0, "segments"))}


class OpenAITranscriptionsStream:
    """One streamed reply of ``POST /v1/audio/transcriptions``.

    Args:
        identity: names chunks that are made here.
    """

    terminator = b"data: [DONE]\n\n"  # of chunks; the last event is an end by itself
    repeats = True
    sequence = ""

    def __init__(self, identity: Identity) -> None:
        self.typed = True  # chunks have no type
        self._chunks = OpenAIChatStream(identity)
        self._chunked: bool | None = None  # until the first frame came
        # The latest segment, which lends its speaker and its times to what was held of it.
        self._segment: Document = {"type": _SEGMENT, "id": "", "speaker": "", "start": 0.0, "end": 0.0}

    def view(self, document: Document) -> FrameView:
        """Read a frame.

        Raises:
            ValueError: it is none of those this format has: what it brings could be a piece of a text.
        """
        if not isinstance(document, dict):
            raise ValueError("a frame must be a JSON object")  # noqa: TRY004 one error for all that is malformed
        chunked = "choices" in document
        if not chunked and "error" in document:
            return FrameView([], _texts(document), [], [], Wait.LAST, end=self.typed)
        # In the other form the text would go on as another one to the scan, and as the same one to a reader.
        if self._chunked not in (None, chunked):
            raise ValueError("a stream has one form from its beginning to its end")
        self._chunked, self.typed = chunked, not chunked
        return _hidden(self._chunks.view(document)) if chunked else _view_event(document)

    def sent(self, document: Document) -> None:
        """Take note of a frame: a segment lends its speaker and its times, a chunk its metadata."""
        if self._chunked:
            self._chunks.sent(document)
        elif document.get("type") == _SEGMENT:
            self._segment = document

    def unfinish(self, document: Document) -> bool:
        """Take the end marks out of a frame; False for the last event, which says nothing else."""
        return self._chunks.unfinish(document) if self._chunked else document.get("type") != _DONE

    def pieces(self, channel: ChannelKey, text: str) -> list[Document]:
        """Build the frame that brings a piece of the text, or of the segments."""
        if self._chunked:
            return self._chunks.pieces(channel, text)
        return [_delta(text) if channel == _TEXT else self._segment | {"text": text}]

    def ending(self, texts: Mapping[int, str], why: Ending) -> list[Document]:
        """Build the frames that end the text; events have no word for the filter, and say all of it once more."""
        if self._chunked:
            return self._chunks.ending(texts, why)
        deltas = [_delta(text) for text in texts.values() if text]
        # What the text says as a whole is written when the event leaves.
        return [*deltas, {"type": _DONE, "text": ""}]

    def failure(self, code: ErrorCode, message: str) -> list[Document]:
        """Build OpenAI's error shape, which clients look for in every frame."""
        return [({"type": "error"} if self.typed else {}) | error_shape(code, message)]

    def mark(self, document: Document, members: Document) -> None:
        """Write members at the top of the frame."""
        document.update(members)


def drop_probabilities(document: Document) -> None:
    """Drop token probabilities: they spell the text as it was."""
    for place in (document, *choices_of(document)):
        if place.get("logprobs") is not None:
            place["logprobs"] = None


def said_in(entries: object, name: str) -> list[str]:
    """Return the strings that a list of objects has under a name, in order."""
    rows = entries if isinstance(entries, list) else []
    said = [row.get(name) for row in rows if isinstance(row, dict)]
    return [each for each in said if isinstance(each, str)]


def _delta(text: str) -> Document:
    return {"type": _DELTA, "delta": text}


def _hidden(view: FrameView) -> FrameView:
    """Return the view of a chunk whose texts bear no label: people said them."""
    return view._replace(segments=[segment._replace(carrier=Carrier.HIDDEN) for segment in view.segments])


def _view_event(document: Document) -> FrameView:
    kind = document.get("type")
    name, channel = ("text", _TEXT) if kind == _DONE else _FOLLOWED.get(str(kind), ("", ()))
    if not isinstance(document.get(name), str):
        raise ValueError("an event of this format brings a text")  # noqa: TRY004 the same
    place = Segment(channel, Carrier.HIDDEN, document, name, document[name])
    others = {key: value for key, value in document.items() if key not in (name, "logprobs")}
    spellings = _spellings(document, channel)
    if kind == _DONE:
        return FrameView([], _texts(others), spellings, [(0,)], Wait.LAST, repeats=[place], end=True)
    return FrameView([place], _texts(others), spellings, [])


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
