"""Files inside a document: text files are read like any text, others pass as files.

A file comes as base64, alone or in a data URL (RFC 2397). Whether it is text is asked of its bytes first: what is
UTF-8 is read, whatever the sender calls it. Other bytes are a file that cannot be read where they are declared to be
picture, sound or film, or begin like a known kind of file and are not declared to be text. All else is read as a
lenient server would, in both encodings such text mostly has.

What a reader would have to unpack (PDF, office documents) or recognise (words in pictures) is not read here.
"""

import binascii
import re
import string
from typing import Any

# Members that hold a file; `data` may stand anywhere, and `url` mostly holds an address.
FILE_NAMES = frozenset({"data", "file_data", "image_url", "url"})
# Shorter ones are read as they stand as well: a word of Latin letters is base64, too.
_SHORTEST_SKIPPED = 128
_DATA_URL = re.compile(r"\s*data:([^,]{0,256}),", re.IGNORECASE)
_PERCENT = re.compile(rb"%([0-9a-fA-F]{2})")
_ALPHABET = (string.ascii_letters + string.digits + "+/").encode()
_URL_SAFE = bytes.maketrans(b"-_", b"+/")  # RFC 4648 section 5
_OTHERS = bytes(set(range(256)) - set(_ALPHABET))
_NO_TEXT = ("image/", "audio/", "video/")
_TEXT = ("text/", "application/json", "application/xml", "application/x-ndjson", "application/javascript")
# PNG, JPEG, GIF, RIFF (WebP, WAV), PDF, ZIP (office documents), gzip, Ogg, FLAC, MP3, ISO media.
_SIGNATURES = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|RIFF|%PDF-|PK\x03\x04|\x1f\x8b\x08|OggS|fLaC|ID3|\xff[\xf2\xf3\xfb]|....ftyp",
    re.DOTALL,
)


def file_texts(name: str, value: str, beside: dict[str, Any]) -> list[str] | None:
    """Return the texts of a member that may hold a file, or None when it is to be read as the text it is.

    Args:
        name: member name, one of `FILE_NAMES`.
        value: the string.
        beside: the object it stands in, which may declare a media type.
    """
    if head := _DATA_URL.match(value):
        return _data_url_texts(value[head.end() :], head[1])
    if name == "file_data":
        return _base64_texts(value, "")
    if name != "data":
        return None
    # Sound comes with its format in place of a media type.
    declared = "audio/" if "format" in beside else str(beside.get("media_type") or "")
    texts = _base64_texts(value, declared or _NO_TEXT[0])
    # Undeclared bytes that are no text may be anything, such as a model's sealed thoughts.
    return texts if declared or texts not in ([], [value]) else None


def _data_url_texts(payload: str, declared: str) -> list[str]:
    if declared.lower().rstrip().endswith("base64"):
        return [declared, *_base64_texts(payload, declared)]
    # The other form: percent-encoded (RFC 3986 section 2.1).
    data = _PERCENT.sub(lambda code: bytes([int(code[1], 16)]), payload.encode())
    return [declared, payload, *_read(data, declared)]


def _base64_texts(payload: str, declared: str) -> list[str]:
    """Return the payload itself where it is to be read too, then what the file in it reads as."""
    encoded = payload.encode().translate(_URL_SAFE)
    data = encoded.translate(None, _OTHERS)
    # Padding and line ends stand around base64, and say nothing.
    whole = len(data) == len(encoded) or not encoded.translate(None, _ALPHABET).strip(b"=\r\n ")
    # A single character left over holds no whole byte.
    data = data[: len(data) - (len(data) % 4 == 1)]
    texts = _read(binascii.a2b_base64(data + b"=" * (-len(data) % 4)), declared)
    return texts if whole and len(payload) >= _SHORTEST_SKIPPED else [payload, *texts]


def _read(data: bytes, declared: str) -> list[str]:
    """Return what a file reads as; nothing when it is no text."""
    try:
        return [data.decode()]
    except UnicodeDecodeError:
        kind = declared.strip().lower()
    if kind.startswith(_NO_TEXT) or (_SIGNATURES.match(data) and not kind.startswith(_TEXT)):
        return []
    # No reading is sure, and what one reader drops another one shows.
    readings = [data.decode("utf-8", "replace"), data.decode("gb18030", "replace")]
    return [*readings, data.decode("utf-16", "replace")] if data.startswith((b"\xff\xfe", b"\xfe\xff")) else readings
