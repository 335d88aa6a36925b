"""Markdown, HTML, JSON and plain text: what carries the label in text that people read.

Sources: TC260-PG-20258A section 6.5 (Markdown: YAML front matter); GB 45438-2025 Annex E (the wrapped form, as a JSON
member). No guide names a place for HTML; a ``meta`` element is where programs look for such things. Plain text has no
place at all. Everything but the label stays byte for byte, in its encoding and with its line ends.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gateway.labelling.container import Format
from gateway.labelling.documents_html import html_labels, html_with_label
from gateway.labelling.documents_json import json_labels, json_with_label
from gateway.labelling.documents_markdown import markdown_labels, markdown_with_label
from gateway.labelling.members import LabelError
from gateway.labelling.splice import size_of, write_spliced

MOST_TEXT_BYTES = 16 * 1024 * 1024
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_HTML = re.compile(
    rb"\s*+(?:<\?xml[^>]*+>\s*+)?(?:<!--(?:(?!-->).)*+-->\s*+)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def text_of(file: BinaryIO) -> bytes:
    """Return the whole of a text file.

    Raises:
        LabelError: it is larger than a text is, or in an encoding in which the label's letters are not ASCII.
    """
    size = size_of(file)
    if size > MOST_TEXT_BYTES:
        raise LabelError(f"the text has {size} bytes; no more than {MOST_TEXT_BYTES} are held at once")
    file.seek(0)
    data = file.read(size)
    if data.startswith(_UTF16_MARKS) or b"\0" in data[:64]:
        raise LabelError("the text is in UTF-16 or UTF-32; convert it to UTF-8 first")
    return data


def is_text(head: bytes) -> bool:
    """Tell text by a file's first bytes."""
    return head.startswith(_UTF16_MARKS) or (bool(head) and not _CONTROL.search(head))


def is_html(head: bytes) -> bool:
    """Tell an HTML document by its first bytes."""
    return bool(_HTML.match(head.removeprefix(_UTF8_MARK)))


def is_json(head: bytes) -> bool:
    """Tell a JSON document by its first bytes."""
    return head.removeprefix(_UTF8_MARK).lstrip()[:1] in (b"{", b"[") and is_text(head)


def _markdown_pieces(file: BinaryIO, label: bytes) -> Iterator[bytes]:
    yield markdown_with_label(text_of(file), label)


def _html_pieces(file: BinaryIO, label: bytes) -> Iterator[bytes]:
    yield html_with_label(text_of(file), label)


def _json_pieces(file: BinaryIO, label: bytes) -> Iterator[bytes]:
    yield json_with_label(text_of(file), label)


def _write_markdown(source: Path, target: Path, label: bytes) -> None:
    write_spliced(source, target, label, _markdown_pieces)


def _write_html(source: Path, target: Path, label: bytes) -> None:
    write_spliced(source, target, label, _html_pieces)


def _write_json(source: Path, target: Path, label: bytes) -> None:
    write_spliced(source, target, label, _json_pieces)


def _refuse_text(_source: Path, _target: Path, _label: bytes) -> None:
    raise LabelError(
        "plain text has no place for a label that programs read; give it the line for people alone (--explicit), or"
        " save it as Markdown"
    )


def _read_markdown(source: Path) -> list[bytes]:
    with source.open("rb") as file:
        return markdown_labels(text_of(file))


def _read_html(source: Path) -> list[bytes]:
    with source.open("rb") as file:
        return html_labels(text_of(file))


def _read_json(source: Path) -> list[bytes]:
    with source.open("rb") as file:
        return json_labels(text_of(file))


def _read_text(source: Path) -> list[bytes]:
    # Text that came out of a Markdown editor under another name.
    with source.open("rb") as file:
        return markdown_labels(text_of(file))


HTML = Format("HTML", (".html", ".htm", ".xhtml"), is_html, _write_html, _read_html)
JSON = Format("JSON", (".json",), is_json, _write_json, _read_json)
MARKDOWN = Format("Markdown", (".md", ".markdown"), is_text, _write_markdown, _read_markdown)
TEXT = Format("plain text", (".txt",), is_text, _refuse_text, _read_text, for_programs=False)
