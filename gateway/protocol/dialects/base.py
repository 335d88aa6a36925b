"""What a wire format has to tell the core, and what it has to build for it.

One module per wire format implements `Dialect`. Rules: a view names every string of a frame, either as a segment of a
running text or as a text of its own; documents the core built or changed are the only ones that are encoded again.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple, Protocol

Document = dict[str, Any]
# Choice index, then the path inside its delta; a number stands for the array element with that ``index``.
ChannelKey = tuple[int | str, ...]


class Carrier(Enum):
    """What a running text is to the reader of the answer."""

    VISIBLE = "visible"  # the answer itself: it carries the visible label
    STRUCTURED = "structured"  # tool calls: an answer that has them is not labelled inside
    HIDDEN = "hidden"  # reasoning, refusals and whatever else


class Segment(NamedTuple):
    """The piece of a running text that a frame brings.

    Attributes:
        channel: which running text.
        carrier: what it is to the reader.
        container: object or array it stands in.
        key: member name or position there.
        text: the piece.
        whole: True for names and ids: readers take them from one frame, so they are never held back.
    """

    channel: ChannelKey
    carrier: Carrier
    container: Any
    key: Any
    text: str
    whole: bool = False


class Spelling(NamedTuple):
    """Token probabilities of one frame: they spell a choice's text once more.

    Attributes:
        choice: index of the choice.
        text: the tokens joined.
        texts: every string in them, also the tokens that were not chosen.
    """

    choice: int
    text: str
    texts: list[str]


class FrameView(NamedTuple):
    """What the core has to know of one frame.

    Attributes:
        segments: pieces of running texts.
        texts: every other string and unknown member name, each a text of its own.
        spellings: token probabilities.
        finished: indices of the choices that end with this frame.
        terminal: True when the stream may end behind this frame.
    """

    segments: list[Segment]
    texts: list[str]
    spellings: list[Spelling]
    finished: list[int]
    terminal: bool


class Answer(NamedTuple):
    """One visible answer of a whole reply.

    Attributes:
        container: object its text stands in.
        key: member name there.
        structured: True when a visible label would break it.
    """

    container: Any
    key: str
    structured: bool


class ParsedRequest(NamedTuple):
    """A request body, read.

    Attributes:
        document: the body; masks are written into it.
        model: model name asked for.
        streamed: True when a stream was asked for.
        structured: True when the answer must be JSON.
        language_hint: text by whose language the client is answered.
    """

    document: Document
    model: str
    streamed: bool
    structured: bool
    language_hint: str


class Identity(NamedTuple):
    """What a reply made here is named with.

    Attributes:
        request_id: id of the exchange.
        model: model name asked for.
        created: Unix time in seconds.
    """

    request_id: str
    model: str
    created: int


class Dialect(Protocol):
    """A wire format.

    Attributes:
        forwarded_headers: names, in small letters, of the client's headers that model servers need to see.
    """

    name: str
    upstream_path: str
    forwarded_headers: tuple[bytes, ...]
    terminator: bytes
    visible_path: ChannelKey

    def parse_request(self, body: bytes) -> ParsedRequest:
        """Read a request; raise `gateway.errors.RequestError` saying what is wrong with it."""
        ...

    def answers(self, document: Document) -> list[Answer]:
        """Return the visible answers of a whole reply; raise ValueError when it is not one of this format."""
        ...

    def view(self, document: Document) -> FrameView:
        """Read a frame; raise ValueError when it is not one of this format."""
        ...

    def withhold(self, document: Document) -> None:
        """Take out of a changed reply or frame what would show the text as it was (token probabilities)."""
        ...

    def unfinish(self, document: Document) -> None:
        """Take the end marks out of a frame that is no longer the last of its choice."""
        ...

    def piece(self, like: Document, channel: ChannelKey, text: str) -> Document:
        """Build a frame that brings a piece of a running text, with the metadata of another frame."""
        ...

    def ending(self, like: Document, texts: Mapping[int, str], reason: str | None) -> Document:
        """Build a frame that ends choices, each with a text before its end (it may be empty)."""
        ...

    def blank(self, identity: Identity) -> Document:
        """Build a frame without choices, for its metadata: where no frame of the model's can lend its own."""
        ...

    def refusal(self, identity: Identity, text: str) -> Document:
        """Build a whole reply that says the text and that the content filter stopped."""
        ...

    def refusal_frames(self, identity: Identity, text: str) -> list[Document]:
        """Build the same as the frames of a stream."""
        ...

    def error(self, code: str, message: str) -> Document:
        """Build the error shape of the format."""
        ...
