"""The label in a JSON document: a member `AIGC` of the outermost object (GB 45438-2025 Annex E, taken literally).

Everything else stays byte for byte, so the document is gone through for its outermost members and not written anew.
"""

import re
from collections.abc import Iterator

import orjson

from gateway.labelling.members import LabelError

_MARK = b"\xef\xbb\xbf"
_NAME = b"AIGC"
_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
# Possessive throughout: nothing is tried twice, and nothing is kept for trying it again.
# What a value is made of, up to where it may end: text in quotes, brackets, or anything else.
_PART = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]|,|[^"\[\]{},]++', re.DOTALL)


def json_with_label(text: bytes, label: bytes) -> bytes:
    """Return a JSON document with this label and no other.

    Args:
        text: as it is, in UTF-8.
        label: JSON text of the seven members.

    Raises:
        LabelError: it is no JSON, or not an object.
    """
    _checked(text)
    opening = text.index(b"{") + 1
    members = [(start, end) for name, start, end, _ in _members(text) if not _is_label(name)]
    kept = b"".join(_joined(text, opening, members))
    rest = text[_end(text) :]
    return text[:opening] + b'"AIGC":' + label + (b"," + kept if members else kept) + rest


def json_labels(text: bytes) -> list[bytes]:
    """Return the labels in a JSON document.

    Args:
        text: as it is.

    Raises:
        LabelError: it is no JSON.
    """
    document = _parsed(text)
    if not isinstance(document, dict):
        return []
    return [text[value:end].strip() for name, _, end, value in _members(text) if _is_label(name)]


def _parsed(text: bytes) -> object:
    try:
        document: object = orjson.loads(text.removeprefix(_MARK))
    except orjson.JSONDecodeError as error:
        raise LabelError(f"the document is no JSON in UTF-8 ({error.msg})") from None
    return document


def _checked(text: bytes) -> None:
    if not isinstance(_parsed(text), dict):
        raise LabelError("the JSON document is not an object, and only an object has a place for a label")


def _is_label(name: bytes) -> bool:
    return str(orjson.loads(name)).upper().encode() == _NAME


def _members(text: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """Give name, start, end and start of the value of each outermost member of a document known to be an object."""
    at = _skip(text, text.index(b"{") + 1)
    while text[at : at + 1] == b'"':
        name = _STRING.match(text, at)
        assert name is not None  # noqa: S101 the document was parsed
        value = _skip(text, _skip(text, name.end()) + 1)
        end = _value_end(text, value)
        yield name[0], at, end, value
        at = _skip(text, end)
        if text[at : at + 1] == b",":
            at = _skip(text, at + 1)


def _skip(text: bytes, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _value_end(text: bytes, at: int) -> int:
    depth = 0
    for part in _PART.finditer(text, at):
        mark = part[0]
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            if depth == 0:
                return part.start()
            depth -= 1
        elif mark == b"," and depth == 0:
            return part.start()
    return len(text)


def _joined(text: bytes, opening: int, members: list[tuple[int, int]]) -> Iterator[bytes]:
    for place, (start, end) in enumerate(members):
        if place:
            yield b","
        yield text[_space_before(text, start, opening) : end]


def _space_before(text: bytes, start: int, opening: int) -> int:
    while start > opening and text[start - 1 : start] in (b" ", b"\t", b"\r", b"\n"):
        start -= 1
    return start


def _end(text: bytes) -> int:
    """Return where the outermost object's closing bracket stands."""
    return text.rindex(b"}")
