"""What a wire format has to tell the core, and what it has to build for it.

One module per wire format implements `Dialect`, and `StreamDialect` for its streams. Rules: a view names every string
of a frame, as a piece of a running text, as a repetition of one, or as a text of its own; documents the core built or
changed are the only ones that are encoded again.

A running text is named by a path. It begins with the number of the answer it belongs to (chat: the choice; formats
with one answer: 0); what follows is the format's own: a content block, an output item and its part, a tool call. An
end names a path too and ends every running text below it; the end of an answer is the path of its number alone.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple, Protocol

from gateway.errors import ErrorCode
from gateway.protocol.carriage import Carriage, RequestHead
from gateway.protocol.texts import TextGroup

Document = dict[str, Any]
# Number of the answer, then the path inside of it; the shorter the path, the more it names.
ChannelKey = tuple[int | str, ...]


class Carrier(Enum):
    """What a running text is to the reader of the answer."""

    VISIBLE = "visible"  # the answer itself: it carries the visible label
    STRUCTURED = "structured"  # tool calls: an answer that has them is not labelled inside
    HIDDEN = "hidden"  # reasoning, refusals and whatever else


class Ending(Enum):
    """Why an answer ends that is ended here."""

    FILTERED = "filtered"  # the content filter stopped it
    ANSWERED = "answered"  # it is complete: an answer of the operator's own in place of the model's
    UNSAID = "unsaid"  # the model ended it without its format's word for why


class Segment(NamedTuple):
    """A place in a frame that belongs to a running text.

    Attributes:
        channel: which running text.
        carrier: what it is to the reader.
        container: object or array it stands in.
        key: member name or position there.
        text: what stands there.
        whole: True for names and ids: readers take them from one frame, so they are never held back.
    """

    channel: ChannelKey
    carrier: Carrier
    container: Any
    key: Any
    text: str
    whole: bool = False


class Spelling(NamedTuple):
    """What of a frame says a running text once more in another way, such as token probabilities.

    Attributes:
        channel: which running text, or texts.
        text: the tokens joined.
        texts: every string in them, also the tokens that were not chosen.
    """

    channel: ChannelKey
    text: str
    texts: list[str]


class Wait(Enum):
    """Whether a frame may leave before its successor is known."""

    NOT = "not"
    PART = "part"  # it ends a part of an answer: if the answer ends there, its label belongs before this frame
    LAST = "last"  # the stream may end behind it: then it carries the members


class FrameView(NamedTuple):
    """What the core has to know of one frame.

    Attributes:
        segments: pieces of running texts.
        texts: other strings and unknown member names that must stay as they are: ids, words of the format.
        spellings: what says the pieces once more.
        finished: paths that end with this frame.
        wait: whether it may be sent at once.
        repeats: running texts said once more in full, from their beginning to here.
        passages: texts that are complete in this frame, and may be masked in it.
        end: True when nothing may follow it.
    """

    segments: list[Segment]
    texts: list[str]
    spellings: list[Spelling]
    finished: list[ChannelKey]
    wait: Wait = Wait.NOT
    repeats: Sequence[Segment] = ()
    passages: Sequence[TextGroup] = ()
    end: bool = False


class Answer(NamedTuple):
    """One visible answer of a whole reply.

    Attributes:
        places: object and member name of each of its texts, in order; never empty.
        structured: True when a visible label would break it.
    """

    places: list[tuple[Document, str]]
    structured: bool


class Input(NamedTuple):
    """A text the gateway is asked to judge.

    Attributes:
        text: the text, parts of it joined.
        unscanned: types of the parts beside it that cannot be judged, such as ``image_url``.
    """

    text: str
    unscanned: tuple[str, ...] = ()


class Unread(NamedTuple):
    """What of a request no stage can read, such as tokens in place of a text: a decision of the fail mode.

    Attributes:
        reason: a stable code, as in the record.
        message: what it is and what to send instead.
    """

    reason: str
    message: str


class ParsedRequest(NamedTuple):
    """A request body, read.

    Attributes:
        document: the body; masks are written into it.
        model: model name asked for.
        streamed: True when a stream was asked for.
        structured: True when the answer must be JSON.
        language_hint: text by whose language the client is answered.
        inputs: texts the gateway is asked to judge and to answer about itself; None asks the model server.
        unread: what of it cannot be scanned, or None.
        verbatim: True when a program takes the answer as it is, such as what is to stand in the middle of a text.
        unlabelled: why no label can be put into what it asks for, and what to ask for instead; empty where one can.
            A decision of the policy.
    """

    document: Document
    model: str
    streamed: bool
    structured: bool
    language_hint: str
    inputs: tuple[Input, ...] | None = None
    unread: Unread | None = None
    verbatim: bool = False
    unlabelled: str = ""


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


class StreamDialect(Protocol):
    """One streamed reply in a wire format.

    It remembers of the frames that left what frames made here depend on: metadata, what is open, numbers.

    Attributes:
        terminator: bytes behind the last frame, unless that is an end by itself.
        typed: True when frames name their type in an ``event`` line as well.
        repeats: True when frames say running texts once more, so that what was shown of each has to be kept.
        sequence: member that numbers the frames, or empty.
    """

    terminator: bytes
    typed: bool
    repeats: bool
    sequence: str

    def view(self, document: Document) -> FrameView:
        """Read a frame; raise ValueError when it is not one of this format."""
        ...

    def sent(self, document: Document) -> None:
        """Take note of a frame that leaves, the model's or one made here."""
        ...

    def unfinish(self, document: Document) -> bool:
        """Take the end marks out of a frame at which the stream is stopped; False when then nothing is left of it."""
        ...

    def pieces(self, channel: ChannelKey, text: str) -> list[Document]:
        """Build the frames that bring a piece of a running text, also one the reader was told is complete."""
        ...

    def ending(self, texts: Mapping[int, str], why: Ending) -> list[Document]:
        """Build the frames that end answers, and the stream.

        Args:
            texts: the answers, each with a text before its end (it may be empty).
            why: why they end.
        """
        ...

    def failure(self, code: ErrorCode, message: str) -> list[Document]:
        """Build the frames that end a stream with an error."""
        ...

    def mark(self, document: Document, members: Document) -> None:
        """Write members into the last frame of the stream."""
        ...


class Dialect(Protocol):
    """A wire format.

    Attributes:
        name: as in records and metrics.
        upstream_path: path at the model server, behind its base URL.
        forwarded_headers: names, in lower case, of the client's headers that the model server needs.
        generates: False when replies are no generated content (numbers, lists): these are not labelled, and a blocked
            request is answered with an error, since a refusal would have no place in them.
        carriage: how its requests and replies travel.
    """

    name: str
    upstream_path: str
    forwarded_headers: tuple[bytes, ...]
    generates: bool
    carriage: Carriage

    def parse_request(self, body: bytes, head: RequestHead, /) -> ParsedRequest:
        """Read a request; raise `gateway.errors.RequestError` saying what is wrong with it."""
        ...

    def answers(self, document: Document) -> list[Answer]:
        """Return the visible answers of a whole reply; raise ValueError when it is not one of this format."""
        ...

    def withhold(self, document: Document) -> None:
        """Take out of a changed reply or frame what would show the text as it was (token probabilities)."""
        ...

    def refusal(self, identity: Identity, text: str, why: Ending = Ending.FILTERED) -> Document:
        """Build a whole reply that says the text.

        Args:
            identity: names the reply.
            text: what it says.
            why: why it ends; never ``UNSAID``.
        """
        ...

    def error(self, code: ErrorCode, message: str) -> Document:
        """Build the error shape of the format."""
        ...

    def stream(self, identity: Identity) -> StreamDialect:
        """Begin a streamed reply.

        Args:
            identity: names the frames that are made before the model sent any.
        """
        ...
