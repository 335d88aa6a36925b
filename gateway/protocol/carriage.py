"""How requests and replies of a wire format travel: method, body, and the kinds of reply it takes.

A plain JSON format needs none of it: `JSON_POST` is what such a dialect has. What differs is data of the dialect, so
that the exchange has one way for each kind of reply and no case for a format.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, NamedTuple

import orjson

from gateway.protocol.asides import Aside

Document = dict[str, Any]  # as in `dialects.base`, which imports this module
_PARAMETER = re.compile(r";\s*((?:rate|channels|bits)=\d{1,6})(?![^;\s])")


class ReplyKind(Enum):
    """How a reply is read."""

    DOCUMENT = "document"  # one JSON document, read whole
    STREAM = "stream"  # server-sent events, read frame by frame
    TEXT = "text"  # text that is no JSON, read whole
    BINARY = "binary"  # bytes that nobody here can read: they pass in pieces, as they come
    FILE = "file"  # bytes that are labelled before they leave, collected whole


class Medium(StrEnum):
    """What a reply is to people: each medium has a label of its own (GB 45438-2025 chapter 5)."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"


class RequestHead(NamedTuple):
    """What a dialect may need of a request besides its body.

    Attributes:
        content_type: the body's, as the client wrote it.
        rest: what the path has behind the route's own, decoded; empty for most routes.
    """

    content_type: str = ""
    rest: str = ""


NO_HEAD = RequestHead()


class FilePlace(NamedTuple):
    """A place in a reply where a generated file stands.

    Attributes:
        container: object it stands in.
        key: member name there.
        data: the file in base64; None where something else stands, such as an address.
    """

    container: Document
    key: str
    data: str | None


class Encoded(NamedTuple):
    """A request ready to be sent.

    Attributes:
        content_type: of the body; empty where there is none.
        body: its bytes.
    """

    content_type: bytes
    body: bytes


def encode_json(document: Document, _request_id: str) -> Encoded:
    """Encode a request as JSON."""
    return Encoded(b"application/json", orjson.dumps(document))


def _nothing(_document: Document) -> list[Any]:
    return []


def _at_its_route(path: str, _document: Document) -> str:
    return path


@dataclass(frozen=True, slots=True)
class Carriage:
    """How the requests and replies of one wire format travel.

    Attributes:
        method: of requests, here and at the model server.
        accept: what the model server is asked for.
        encode: makes a request's body from its document; given the request id as well.
        target: makes the path at the model server from the format's own and the document.
        documents: False when a good reply of this format is never a JSON document.
        texts: media types of replies that are text and no JSON.
        binaries: media types of replies that are bytes nobody here reads: labelled, or passed on as they come.
        medium: what replies are to people.
        files: says where the generated files of a whole reply stand.
        asides: says what of a whole reply is set aside while its texts are scanned.
        large: True when replies hold encodings much longer than any text (`Bounds.encoded_reply_bytes`).
        refuses: False when a reply has no place for the words of a refusal: a block is an error then.
    """

    method: str = "POST"
    accept: bytes = b"application/json, text/event-stream"
    encode: Callable[[Document, str], Encoded] = encode_json
    target: Callable[[str, Document], str] = _at_its_route
    documents: bool = True
    texts: frozenset[str] = frozenset()
    binaries: frozenset[str] = frozenset()
    medium: Medium = Medium.TEXT
    files: Callable[[Document], list[FilePlace]] = _nothing
    asides: Callable[[Document], list[Aside]] = _nothing
    large: bool = False
    refuses: bool = True

    def kind_of(self, content_type: str, *, streamed: bool) -> ReplyKind | None:
        """Say how a good reply is read; None when the format has no such reply.

        Args:
            content_type: of the reply, in lower case.
            streamed: True when a stream was asked for.
        """
        media = _media_type(content_type)
        if media in self.binaries:
            return ReplyKind.BINARY if self.medium is Medium.TEXT else ReplyKind.FILE
        if media in self.texts:
            return ReplyKind.TEXT
        # Asked for and sent: some servers answer a request for a stream with one whole document.
        if streamed and media == "text/event-stream":
            return ReplyKind.STREAM
        return ReplyKind.DOCUMENT if self.documents else None

    def sent_type(self, content_type: str) -> bytes:
        """Return the content type a client is told of a reply that is no JSON: known words and numbers only."""
        media = _media_type(content_type)
        # Read as UTF-8, or refused.
        if media in self.texts:
            return f"{media}; charset=utf-8".encode()
        # A player of bare samples cannot do without these.
        return "; ".join([media, *_PARAMETER.findall(content_type)]).encode()


JSON_POST = Carriage()


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip()
