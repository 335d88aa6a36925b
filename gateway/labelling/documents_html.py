"""The label in an HTML document: `<meta name="AIGC" content="…">` in its head.

No guide names a place; this is where programs look for what a document says of itself. The head is gone through tag
by tag, with comments and scripts passed over, and never built into a tree, so the rest stays byte for byte.
"""

import html
import re
from collections.abc import Iterator

from gateway.labelling.members import MOST_LABEL_BYTES

_MOST_HEAD_BYTES = 512 * 1024
# A quoted value may hold a greater-than sign. Possessive: a tag that never closes is found out in one pass.
_TAG = re.compile(rb"<(/?[a-z!?][^\s>/\"']*+)((?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+)>", re.IGNORECASE)
_TAG_START = re.compile(rb"<[/a-z!?]", re.IGNORECASE)
_COMMENT, _COMMENT_END = b"<!--", b"-->"
# What stands inside these is text, whatever it looks like.
_RAW = frozenset({b"script", b"style", b"title", b"template", b"noscript", b"textarea"})
_ATTRIBUTE = re.compile(rb"""([^\s=/>"']++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"']++))""", re.DOTALL)
_NAMES = frozenset({b"aigc", b"tc260:aigc"})


def html_with_label(text: bytes, label: bytes) -> bytes:
    """Return an HTML document with this label and no other.

    Args:
        text: as it is, in an encoding that has ASCII in it.
        label: JSON text of the seven members.
    """
    for start, end, _ in reversed(list(_labels(text))):
        text = text[:start] + text[end:]
    place = _head_place(text)
    # ASCII alone, so that the document's encoding does not matter; the slash suits XHTML as well.
    meta = b'<meta name="AIGC" content="' + html.escape(label.decode("ascii")).encode("ascii") + b'" />'
    return text[:place] + meta + text[place:]


def html_labels(text: bytes) -> list[bytes]:
    """Return the labels in an HTML document.

    Args:
        text: as it is.
    """
    return [content for _, _, content in _labels(text)]


def body_place(text: bytes) -> tuple[int, int]:
    """Return where the visible text begins and where it ends."""
    start = next((end for name, _, end, _ in _tags(text) if name == b"body"), _head_place(text))
    end = text.lower().rfind(b"</body")
    return start, end if end >= start else len(text)


def _tags(text: bytes) -> Iterator[tuple[bytes, int, int, bytes]]:
    """Give name, place and attributes of each tag in front of the body, and of the body itself."""
    head = text[:_MOST_HEAD_BYTES]
    folded = head.lower()
    at = 0
    while (start := _TAG_START.search(head, at)) is not None:
        if head.startswith(_COMMENT, start.start()):
            at = _behind(head, _COMMENT_END, start.end())
            continue
        tag = _TAG.match(head, start.start())
        if tag is None:
            return  # it never closes, so all the rest is inside of it
        name = tag[1].lower()
        yield name, tag.start(), tag.end(), tag[2]
        if name == b"body":
            return
        at = _behind(folded, b"</" + name, tag.end()) if name in _RAW else tag.end()


def _behind(text: bytes, mark: bytes, at: int) -> int:
    found = text.find(mark, at)
    return len(text) if found < 0 else found + len(mark)


def _labels(text: bytes) -> Iterator[tuple[int, int, bytes]]:
    for name, start, end, attributes in _tags(text):
        if name != b"meta":
            continue
        found = {each[1].lower(): each[2] or each[3] or each[4] or b"" for each in _ATTRIBUTE.finditer(attributes)}
        if found.get(b"name", found.get(b"property", b"")).strip().lower() in _NAMES:
            content = html.unescape(found.get(b"content", b"").decode("utf-8", "replace"))
            yield start, end, content.encode()[: MOST_LABEL_BYTES + 1]


def _head_place(text: bytes) -> int:
    place = 3 if text.startswith(b"\xef\xbb\xbf") else 0
    for name, _, end, _ in _tags(text):
        if name == b"head":
            return end
        # A document without a head of its own gets one from what stands in front of its text.
        if name in (b"html", b"!doctype") or name.startswith(b"?xml"):
            place = end
    return place
