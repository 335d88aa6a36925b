"""Uploads: ``multipart/form-data`` as a document, and a document as ``multipart/form-data`` again.

Rules: a field is text in UTF-8 or the one file of the request; what leaves is written from what was read, so a second
header, a second disposition or an odd boundary has no second reading. Of a file nothing but its bytes, its extension
and a media type of a known kind goes on: its name and its headers are text that nobody needs.

Sources: RFC 7578 (multipart/form-data), RFC 2046 section 5.1 (boundaries).
"""

import re
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

Part = dict[str, Any]
"""A part: ``name``, ``content`` (text, or the bytes of a file), and of a file ``file`` (name) and ``type``."""

MEDIA_TYPE = b"multipart/form-data"
# The longest list of an upload is that of keywords; servers take fewer fields than this.
_MOST_PARTS = 256
# What leaves stands between quotes: these names need no escape that two readers could read in two ways.
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,64}(?:\[\])?")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}\Z")
_MEDIA = re.compile(rb"(?:audio|video)/[a-z0-9.+\-]{1,32}")
_UNNAMED_MEDIA = b"application/octet-stream"
# RFC 7578 section 4.6: it sets the charset of the other fields, which are read as UTF-8 here.
_CHARSET_FIELD = "_charset_"


class UploadError(ValueError):
    """A body is no upload that can be read in one way only; the message names what is wrong and quotes nothing."""


class _Reader:
    """Collects what the parser calls out."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.complete = False
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._value = b""
        self._pieces: list[bytes] = []

    def begin(self) -> None:
        if len(self.parts) >= _MOST_PARTS:
            raise UploadError(f"it has more than {_MOST_PARTS} parts")
        self._headers, self._pieces = {}, []

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header(self) -> None:
        name = self._name.lower()
        if name in self._headers:
            raise UploadError("a part has a header twice")
        self._headers[name] = self._value
        self._name = self._value = b""

    def data(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(data[start:end])

    def end_part(self) -> None:
        self.parts.append(_part(self._headers, b"".join(self._pieces)))

    def end(self) -> None:
        self.complete = True


def read_upload(body: bytes, content_type: str) -> list[Part]:
    """Read an upload.

    Args:
        body: the request's body.
        content_type: its ``Content-Type``, which names the boundary.

    Raises:
        UploadError: it is not an upload, or not one that every reader reads in the same way.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != MEDIA_TYPE or not boundary:
        raise UploadError("the content type must be multipart/form-data with a boundary")
    reader = _Reader()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reader.begin,
                "on_header_field": reader.header_name,
                "on_header_value": reader.header_value,
                "on_header_end": reader.header,
                "on_part_data": reader.data,
                "on_part_end": reader.end_part,
                "on_end": reader.end,
            },
        )
        parser.write(body)
    except FormParserError as exc:
        # The parser's own messages quote bytes of the body.
        raise UploadError("its parts cannot be told apart") from exc
    if not reader.complete:
        raise UploadError("it ends before its last boundary")
    return reader.parts


def write_upload(parts: list[Part], boundary: str) -> tuple[bytes, bytes]:
    """Return the content type and the bytes of an upload.

    Args:
        parts: as `read_upload` returns them.
        boundary: must not be known to the client: a file that held it could end its part.
    """
    mark = boundary.encode("ascii")
    pieces: list[bytes] = []
    for part in parts:
        content = part["content"]
        pieces += b"--", mark, b'\r\ncontent-disposition: form-data; name="', part["name"].encode("ascii"), b'"'
        if isinstance(content, bytes):
            pieces += (
                b'; filename="',
                part["file"].encode(),
                b'"\r\ncontent-type: ',
                part["type"].encode(),
                b"\r\n\r\n",
            )
            pieces.append(content)
        else:
            pieces += b"\r\n\r\n", content.encode()
        pieces.append(b"\r\n")
    pieces += b"--", mark, b"--\r\n"
    return MEDIA_TYPE + b"; boundary=" + mark, b"".join(pieces)


def _part(headers: dict[bytes, bytes], data: bytes) -> Part:
    disposition, options = parse_options_header(headers.get(b"content-disposition"))
    name = _text(options.get(b"name", b""))
    if disposition != b"form-data" or not _NAME.fullmatch(name) or name == _CHARSET_FIELD:
        raise UploadError("each part must be a form-data field whose name has Latin letters and digits only")
    # Deprecated by RFC 7578 section 4.7, and a server that still decodes it would read another text.
    if headers.get(b"content-transfer-encoding", b"binary").strip().lower() not in (b"binary", b"8bit", b"7bit"):
        raise UploadError(f"the part '{name}' must not have a transfer encoding")
    if b"filename" not in options:
        return {"name": name, "content": _text(data)}
    extension = _EXTENSION.search(_text(options[b"filename"]))
    media = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return {
        "name": name,
        "content": data,
        # Servers tell formats apart by the extension, and need no more of the name.
        "file": f"upload{extension[0].lower() if extension else ''}",
        "type": (media if _MEDIA.fullmatch(media) else _UNNAMED_MEDIA).decode("ascii"),
    }


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        raise UploadError("names and text fields must be in UTF-8") from exc
