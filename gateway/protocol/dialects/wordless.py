"""What formats have in common whose replies hold no running text: vectors, pictures, sound, lists.

There is no answer in them that a sentence could be written into, so they have no visible label and no stream, and a
block is an error (their dialects say so: `generates` or `Carriage.refuses` is False). Their strings are scanned like
those of any document.
"""

from gateway.errors import ErrorCode
from gateway.protocol.dialects.base import Answer, Document, Ending, Identity, StreamDialect
from gateway.protocol.dialects.openai_chat_stream import error_shape


class Wordless:
    """The part of a dialect that is the same for all of them."""

    forwarded_headers: tuple[bytes, ...] = ()

    def answers(self, _document: Document) -> list[Answer]:
        """Return the visible answers of a whole reply: there are none."""
        return []

    def withhold(self, document: Document) -> None:
        """Nothing in such a reply says its texts once more."""

    def refusal(self, _identity: Identity, _text: str, _why: Ending = Ending.FILTERED) -> Document:
        """Raise: a block is an error in these formats."""
        raise TypeError("a reply of this format has no place for a refusal")

    def error(self, code: ErrorCode, message: str) -> Document:
        """Build OpenAI's error shape."""
        return error_shape(code, message)

    def stream(self, _identity: Identity) -> StreamDialect:
        """Raise: no request of these formats is taken for one of a stream."""
        raise TypeError("this format has no streams of text")
