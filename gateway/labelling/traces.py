"""Labels in places that were not made for them: comments, descriptions, free text in a header.

A place of its own (an XMP property, a text chunk with the keyword ``AIGC``) is a label whatever stands in it. These
places hold anything, so a label is only what names itself as one.
"""

import re

_NAMED = re.compile(rb'"?AIGC"?[\s\0]{0,16}[:=]?[\s\0]{0,16}(?=\{)')
_OLDER = re.compile(rb'\{[^{}]{0,4096}"(?:ServiceProvider|ServiceUser|ContentId)"\s{0,16}:')
_MEMBER = re.compile(rb'\{[^{}]{0,4096}"(?:ContentProducer|ProduceID|ContentPropagator|PropagateID)"\s{0,16}:')
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
