"""The label in the YAML front matter of Markdown: a mapping `AIGC` (TC260-PG-20258A section 6.5).

Of YAML this knows what the mapping of seven strings needs: a key at the margin, indented pairs, plain and quoted
scalars, and the form on one line. Lines of others are never taken apart, so no YAML is too clever to stay as it is.
"""

import re
from collections.abc import Iterator

import orjson

from gateway.labelling.members import MOST_LABEL_BYTES, LabelError

_QUOTED_BYTES = 2
_MARK = b"\xef\xbb\xbf"
_OPENING = re.compile(rb"---[ \t]*\r?\n")
_CLOSING = re.compile(rb"^(?:---|\.\.\.)[ \t]*\r?$", re.MULTILINE)
_KEY = re.compile(rb"""^(?:AIGC|"AIGC"|'AIGC')[ \t]*:(.*)$""", re.MULTILINE | re.IGNORECASE)
_PAIR = re.compile(rb"""^[ \t]++["']?([A-Za-z_][\w-]{0,63})["']?[ \t]*+:(.*)$""", re.MULTILINE)
# Front matter is a page at most; what claims to be longer is a horizontal rule with a text behind it.
_MOST_FRONT_BYTES = 256 * 1024


def markdown_with_label(text: bytes, label: bytes) -> bytes:
    """Return a Markdown text with this label and no other.

    Args:
        text: as it is.
        label: JSON text of the seven members.

    Raises:
        LabelError: its front matter is of another kind than YAML.
    """
    mark, body = _unmarked(text)
    if body.startswith(b"+++"):
        raise LabelError("the Markdown has front matter in TOML, and no place for YAML beside it; convert it first")
    front = _front(body)
    newline = b"\r\n" if b"\r\n" in body[:_MOST_FRONT_BYTES] else b"\n"
    block = _block(label, newline)
    if front is None:
        return mark + b"---" + newline + block + b"---" + newline + body
    start, end = front
    kept = body[start:end]
    for first, last in reversed(list(_blocks(kept))):
        kept = kept[:first] + kept[last:]
    return mark + body[:start] + block + kept + body[end:]


def markdown_labels(text: bytes) -> list[bytes]:
    """Return the labels in a Markdown text, as JSON text.

    Args:
        text: as it is.
    """
    _, body = _unmarked(text)
    front = _front(body)
    if front is None:
        return []
    kept = body[slice(*front)]
    return [_json(kept[first:last]) for first, last in _blocks(kept)]


def front_end(text: bytes) -> int:
    """Return where the text behind the front matter begins."""
    mark, body = _unmarked(text)
    front = _front(body)
    if front is None:
        return len(mark)
    closing = body.find(b"\n", front[1])
    return len(text) if closing < 0 else len(mark) + closing + 1


def _unmarked(text: bytes) -> tuple[bytes, bytes]:
    return (_MARK, text[len(_MARK) :]) if text.startswith(_MARK) else (b"", text)


def _front(body: bytes) -> tuple[int, int] | None:
    """Return where the lines between the marks of front matter begin and end."""
    opening = _OPENING.match(body)
    if opening is None:
        return None
    closing = _CLOSING.search(body[: opening.end() + _MOST_FRONT_BYTES], opening.end())
    return None if closing is None else (opening.end(), closing.start())


def _blocks(front: bytes) -> Iterator[tuple[int, int]]:
    """Give where each mapping of labels begins and ends: with the next line at the margin."""
    for key in _KEY.finditer(front):
        end = key.end() + 1
        while end < len(front) and front[end : end + 1] in (b" ", b"\t"):
            line = front.find(b"\n", end)
            end = len(front) if line < 0 else line + 1
        yield key.start(), min(end, len(front))


def _block(label: bytes, newline: bytes) -> bytes:
    lines = [b"AIGC:"]
    for name, value in orjson.loads(label).items():
        # In single quotes only the single quote itself is special, so security data need no escapes.
        lines.append(f"  {name}: '{value.replace(chr(39), chr(39) * 2)}'".encode())
    return newline.join([*lines, b""])


def _json(block: bytes) -> bytes:
    head = _KEY.match(block)
    inline = head[1].strip() if head else b""
    if inline:
        return (_unquoted(inline) if inline[:1] in (b"'", b'"') else inline)[: MOST_LABEL_BYTES + 1]
    pairs = {
        pair[1].decode(): _unquoted(pair[2].strip()).decode("utf-8", "replace") for pair in _PAIR.finditer(block)
    }
    return orjson.dumps(pairs) if pairs else block[: MOST_LABEL_BYTES + 1]


def _unquoted(value: bytes) -> bytes:
    if len(value) >= _QUOTED_BYTES and value[:1] == value[-1:] == b"'":
        return value[1:-1].replace(b"''", b"'")
    if len(value) >= _QUOTED_BYTES and value[:1] == value[-1:] == b'"':
        return re.sub(rb'\\(["\\/])', rb"\1", value[1:-1])
    return value
