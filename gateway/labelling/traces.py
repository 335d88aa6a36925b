"""Labels in places that were not made for them: comments, descriptions, free text in a header.

A place of its own (an XMP property, a text chunk with the keyword ``AIGC``) is a label whatever stands in it. These
places hold anything, so a label is only what names itself as one. When the same content gets its label in the place
the standard has for it, what stood here is blanked: a file has one label (GB 45438-2025 6.1 c).
"""

import re
from collections.abc import Iterable

_NAMED = re.compile(rb'"?AIGC"?[\s\0]{0,16}[:=]?[\s\0]{0,16}(?=\{)')
_OLDER = re.compile(rb'\{[^{}]{0,4096}"(?:ServiceProvider|ServiceUser|ContentId)"\s{0,16}:')
_MEMBER = re.compile(rb'\{[^{}]{0,4096}"(?:ContentProducer|ProduceID|ContentPropagator|PropagateID)"\s{0,16}:')
_NAME_IN_FRONT = re.compile(rb'(?:\{[\s\0]{0,16})?"?AIGC"?[\s\0]{0,16}[:=]?[\s\0]{0,16}\Z')
_MOST_NAME_BYTES = 64
_MOST_DEPTH = 64


def labels_in(text: bytes) -> list[bytes]:
    """Return the label in a free text; empty when none names itself.

    Args:
        text: UTF-8, of bounded length.
    """
    if named := _NAMED.search(text):
        return [_object(text, named.end())]
    if found := _MEMBER.search(text) or _OLDER.search(text):
        return [_object(text, found.start())]
    return []


def blanked(data: bytes, labels: Iterable[bytes]) -> bytes:
    """Return bytes of the same length with labels overwritten by spaces, their name and wrapping object with them.

    Args:
        data: where the labels stand; what is there in another encoding stays.
        labels: as `labels_in` gave them.
    """
    for label in labels:
        start = data.find(label)
        if start < 0:
            continue
        end = start + len(label)
        name = _NAME_IN_FRONT.search(data, max(start - _MOST_NAME_BYTES, 0), start)
        if name is not None:
            start = name.start()
            closing = len(data) - len(data[end:].lstrip(b" \t\r\n"))
            # An object around the name is the label's own when it ends with it.
            if name[0].startswith(b"{"):
                start, end = (start, closing + 1) if data[closing : closing + 1] == b"}" else (start + 1, end)
        data = data[:start] + b" " * (end - start) + data[end:]
    return data


def _object(text: bytes, start: int) -> bytes:
    """Return the JSON object that begins at a place; to the end of the text when it does not close."""
    depth, quoted, at = 0, False, start
    while at < len(text):
        byte = text[at]
        if quoted:
            at += byte == ord("\\")
            quoted = byte != ord('"')
        elif byte == ord('"'):
            quoted = True
        elif byte in b"{}":
            depth += 1 if byte == ord("{") else -1
            if depth == 0 or depth > _MOST_DEPTH:
                break
        at += 1
    return text[start : at + 1]
