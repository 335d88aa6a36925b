"""JSON documents as they are read here.

Rules: what cannot be written again is refused when it is read, so writing never fails; whether other readers of the
same bytes could see another document is a question with an answer (RFC 8259, section 4: which of two members of one
name counts is up to the reader).
"""

import json
from typing import Any

import orjson

# orjson reads 1,024 levels and writes 254; fewer brackets than this cannot be nested too deeply.
_WRITABLE_LEVELS = 250


def read_document(data: bytes) -> Any:  # noqa: ANN401 any JSON value
    """Read a JSON value.

    Raises:
        ValueError: it is not JSON in UTF-8, or is nested more deeply than can be written again.
    """
    document = orjson.loads(data)
    if data.count(b"{") + data.count(b"[") > _WRITABLE_LEVELS:
        try:
            orjson.dumps(document)
        except orjson.JSONEncodeError as exc:
            raise ValueError("nested too deeply") from exc
    return document


def reads_one_way(data: bytes, document: Any) -> bool:  # noqa: ANN401 the same
    """Tell whether every reader of these bytes sees this document: no object has two members of one name.

    Args:
        data: the bytes.
        document: what `read_document` made of them.
    """
    # Compact JSON, and what json.dumps writes, come out as they went in; the slower look is not needed then.
    written = orjson.dumps(document)
    if written == data:
        return True
    return written == data.replace(b'": ', b'":').replace(b', "', b',"') or not _names_twice(data)


def reported_model(document: Any) -> str:  # noqa: ANN401 the same
    """Return the model name a reply, or a frame of one, says it comes from; empty when it says none."""
    if not isinstance(document, dict):
        return ""
    # Typed frames carry it in what they begin: a message, a response.
    for holder in (document, document.get("message"), document.get("response")):
        name = holder.get("model") if isinstance(holder, dict) else None
        if isinstance(name, str):
            return name
    return ""


class _NamedTwiceError(Exception):
    """An object has two members of one name."""


def _once(pairs: list[tuple[str, Any]]) -> None:
    # Returns nothing on purpose: the names alone matter, a second copy of the document would be waste.
    if len(dict(pairs)) < len(pairs):
        raise _NamedTwiceError


_DECODER = json.JSONDecoder(object_pairs_hook=_once)


def _names_twice(data: bytes) -> bool:
    try:
        _DECODER.decode(data.decode())
    except _NamedTwiceError:
        return True
    return False
