"""Texts are told apart, and those in which nothing can be written are refused."""

from pathlib import Path

import pytest

from gateway.labelling.documents_text import HTML, JSON, MARKDOWN, MOST_TEXT_BYTES, TEXT, is_html, is_json, is_text
from gateway.labelling.members import LabelError
from tests.media import LABEL


@pytest.mark.parametrize(
    ("form", "text"),
    [(HTML, b"<html></html>"), (JSON, b"{}"), (MARKDOWN, b"# Text")],
    ids=["html", "json", "markdown"],
)
def test_each_carries_a_label(tmp_path: Path, form: object, text: bytes) -> None:
    """Written and read back as files."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(text)
    assert form in (HTML, JSON, MARKDOWN)
    chosen = next(each for each in (HTML, JSON, MARKDOWN) if each is form)
    chosen.write(old, new, LABEL)
    assert len(chosen.read(new)) == 1
    assert chosen.read(old) == []


def test_plain_text_says_what_to_do_instead(tmp_path: Path) -> None:
    """It has no place for a label; what looks like front matter is read all the same."""
    old = tmp_path / "old.txt"
    old.write_bytes(b"---\nAIGC: {}\n---\n")
    with pytest.raises(LabelError, match="Markdown"):
        TEXT.write(old, tmp_path / "new.txt", LABEL)
    assert TEXT.read(old) == [b"{}"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a".encode("utf-16"), "UTF-16"),
        ("a".encode("utf-32-be"), "UTF-16"),
        (bytes(MOST_TEXT_BYTES + 1), "held at once"),
    ],
    ids=["utf-16", "utf-32", "large"],
)
def test_what_is_no_text_in_ascii_is_refused(tmp_path: Path, text: bytes, reason: str) -> None:
    """The label's letters would not be those of the text."""
    old = tmp_path / "old.md"
    old.write_bytes(text)
    with pytest.raises(LabelError, match=reason):
        MARKDOWN.write(old, tmp_path / "new.md", LABEL)


def test_beginnings_tell() -> None:
    """Text has no control characters; HTML and JSON begin as they do."""
    assert is_html(b"\xef\xbb\xbf<!-- a --> <!-- b --><!DOCTYPE HTML>")
    assert not is_html(b"<!-- " * 800 + b"<!---->" * 10)
    assert not is_html(b"<p>")
    assert is_json(b"\n [1]")
    assert not is_json(b"text")
    assert is_text("文字\t\r\n".encode())
    assert not is_text(b"\x7fELF\x01\x00")
