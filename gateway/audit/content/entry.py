"""Entries of type ``content``: what an exchange's texts were, encrypted."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from gateway.audit.canonical import canonical_json
from gateway.audit.content.keys import DataKey
from gateway.protocol.evidence import Evidence, Excerpt

CONTENT = "content"
CONTENT_VERSION = 2


class ContentEntry(NamedTuple):
    """Encrypted content of one exchange.

    Attributes:
        request_id: id of the exchange.
        at_us: when it began, in microseconds of Unix time.
        key: id of the data key.
        nonce: 12 bytes.
        ciphertext: AES-256-GCM, with its tag at the end.
    """

    request_id: str
    at_us: int
    key: str
    nonce: bytes
    ciphertext: bytes


def encode_content(content: ContentEntry) -> bytes:
    """Return the entry."""
    return canonical_json(
        {
            "v": CONTENT_VERSION,
            "type": CONTENT,
            "request_id": content.request_id,
            "at_us": content.at_us,
            "key": content.key,
            "nonce": base64.b64encode(content.nonce).decode("ascii"),
            "ciphertext": base64.b64encode(content.ciphertext).decode("ascii"),
        }
    )


def decode_content(fields: Mapping[str, Any]) -> ContentEntry:
    """Return what an entry was made of.

    Args:
        fields: its members, with ``v`` and ``type``.

    Raises:
        ValueError: they are no content entry of a form known here.
    """
    members = dict(fields)
    if (members.pop("v", None), members.pop("type", None)) != (CONTENT_VERSION, CONTENT):
        raise ValueError("not a content entry of version 2; read it with the release that wrote it")
    try:
        for name in ("nonce", "ciphertext"):
            members[name] = base64.b64decode(members[name], validate=True)
        return ContentEntry(**members)
    except (KeyError, TypeError, binascii.Error) as exc:
        raise ValueError("the content entry lacks a member of version 2, or has one more") from exc


def seal_content(request_id: str, at_us: int, evidence: Evidence, key: DataKey) -> bytes:
    """Return the entry of an exchange's content.

    Args:
        request_id: id of the exchange.
        at_us: when it began.
        evidence: its texts or excerpts.
        key: data key of the person.
    """
    nonce, ciphertext = key.seal(request_id, _plaintext(evidence))
    return encode_content(ContentEntry(request_id, at_us, key.id, nonce, ciphertext))


def open_content(content: ContentEntry, key: DataKey) -> dict[str, Any]:
    """Return what is in a content entry: its plaintext, see the page on the format.

    Raises:
        ValueError: it was sealed with another key or for another exchange, or was changed.
    """
    opened: dict[str, Any] = orjson.loads(key.open(content.request_id, content.nonce, content.ciphertext))
    return opened


def _plaintext(evidence: Evidence) -> bytes:
    fields: dict[str, Any] = {}
    if evidence.excerpts:
        fields["excerpts"] = [_excerpt(excerpt) for excerpt in evidence.excerpts]
    for name, texts in (("prompt", evidence.prompt), ("reply", evidence.reply)):
        if texts:
            fields[name] = [_writable(text) for text in texts]
    if any(evidence.cut_characters):
        fields["cut_characters"] = list(evidence.cut_characters)
    return canonical_json(fields)


def _excerpt(excerpt: Excerpt) -> dict[str, Any]:
    return {
        "phase": excerpt.phase.value,
        "start": excerpt.start,
        "text": _writable(excerpt.text),
        "risks": list(excerpt.risks),
    }


def _writable(text: str) -> str:
    # Half a surrogate pair has no form in JSON; one bad character must not cost the rest.
    return text.encode("utf-8", "replace").decode()
