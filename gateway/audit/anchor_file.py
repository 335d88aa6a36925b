"""Anchors: copies of checkpoints kept where whoever changes the trail cannot change them too.

A file of them has framed lines, as a log's history, of many logs; a line may also hold the time stamp (RFC 3161) that
an authority gave for its note. Plain notes, one behind the other, are read as well: that is what a receiver of the
webhook has. Rule: a line that is damaged is passed over and counted, for it proves nothing either way.
"""

import base64
import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from gateway.audit import segment
from gateway.audit.canonical import canonical_json

# A time stamp carries the certificates of its authority; with all of them it has some ten kilobytes.
TIMESTAMP_LIMIT_BYTES = 64 * 1024
LINE_LIMIT_BYTES = 4 * TIMESTAMP_LIMIT_BYTES
# Checkpoints of some years; a plain file is read as a whole.
_PLAIN_LIMIT_BYTES = 256 * 1024 * 1024

_TYPE = "anchor"
_NOTE = re.compile(r"(?:[^\n—][^\n]*\n)+\n(?:— [^\n]+\n)+")
_FRAMED = re.compile(rb"[0-9a-f]{8} \{")


class Anchor(NamedTuple):
    """A checkpoint as it was kept elsewhere.

    Attributes:
        note: the signed note; None when the line is damaged.
        timestamp: the answer of a time-stamp authority for it, in DER; empty when there is none.
        byte: where it stands in its file.
    """

    note: bytes | None
    timestamp: bytes
    byte: int


def anchor_line(note: bytes, timestamp: bytes = b"") -> bytes:
    """Return a note, with its time stamp where it has one, as a line of a file of anchors."""
    fields = {"v": 1, "type": _TYPE, "note": note.decode()}
    if timestamp:
        fields["timestamp"] = base64.b64encode(timestamp).decode()
    return segment.frame(canonical_json(fields))


def read_anchors(path: Path) -> Iterator[Anchor]:
    """Yield the anchors in a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is neither a file of anchors nor of notes, or too large for one.
    """
    with path.open("rb") as file:
        framed = _FRAMED.match(file.read(10))
        file.seek(0)
        if framed:
            offset = 0
            while line := file.readline(LINE_LIMIT_BYTES):
                yield _anchor(line, offset)
                offset += len(line)
            return
        data = file.read(_PLAIN_LIMIT_BYTES + 1)
    if len(data) > _PLAIN_LIMIT_BYTES:
        raise ValueError("is too large; split it")
    text = data.decode()
    end = 0
    for found in _NOTE.finditer(text):
        yield Anchor(found[0].encode(), b"", len(text[: found.start()].encode()))
        end = found.end()
    if text[end:].strip():
        raise ValueError("holds neither lines of anchors nor signed notes")


def _anchor(line: bytes, offset: int) -> Anchor:
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        fields = orjson.loads(segment.unframe(line[:-1]) or b"")
        timestamp = base64.b64decode(fields.get("timestamp", ""), validate=True)
        return Anchor(fields["note"].encode(), timestamp, offset)
    return Anchor(None, b"", offset)
