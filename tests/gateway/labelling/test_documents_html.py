"""The `meta` element `AIGC`."""

from html.parser import HTMLParser

import pytest

from gateway.labelling.documents_html import body_place, html_labels, html_with_label
from tests.media import LABEL


class _Reader(HTMLParser):
    """Another reader of HTML."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self.labels: list[str | None] = []
        self.feed(text.decode("utf-8", "replace"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "meta" and found.get("name") == "AIGC":
            self.labels.append(found.get("content"))


@pytest.mark.parametrize(
    "text",
    [
        b"<!doctype html><html><head><title>Kept</title></head><body>x</body></html>",
        b"<HTML><HEAD lang='a>b'></HEAD></HTML>",
        b"<!DOCTYPE html>\n<p>no head</p>",
        b"<p>nothing of it</p>",
        b"\xef\xbb\xbf<?xml version='1.0'?><html><head/><body/></html>",
        b'<head><!-- <head><meta name="AIGC" content="in a comment"> --></head>',
        b"<head><script>\"<meta name='AIGC' content='text'>\"</script></head>",
        b'<head><META content=\'{"Label":"1"}\' NAME=aigc></head><body></body>',
        b'<head><meta name="AIGC" content="a"/><meta property="TC260:AIGC" content="b"></head>',
        b"",
    ],
)
def test_one_label_comes_out(text: bytes) -> None:
    """Another reader finds it; what was there stays, but for an older label; twice is as once."""
    new = html_with_label(text, LABEL)
    assert html_labels(new) == [LABEL]
    assert [each for each in _Reader(new).labels if each != "in a comment"] == [LABEL.decode()]
    assert html_with_label(new, LABEL) == new
    if not html_labels(text):
        at = new.index(b'<meta name="AIGC" content="{')
        assert new[:at] + new[new.index(b"/>", at) + 2 :] == text


def test_labels_in_the_text_are_none() -> None:
    """What a page shows is not what it says of itself."""
    assert html_labels(b'<body><meta name="AIGC" content="x"></body>') == []


def test_the_body_is_found() -> None:
    """For the line people see."""
    text = b"<body class='>'>text</body></html>"
    start, end = body_place(text)
    assert text[start:end] == b"text"
    assert body_place(b"text alone") == (0, 10)


@pytest.mark.parametrize("part", [b"<a", b'<a "', b"<!--", b"<script>", b"<a b='", b"</", b"< "])
def test_what_never_closes_is_read_in_one_pass(part: bytes) -> None:
    """Half a megabyte of it, which tried from each place again would take hours."""
    assert html_labels(part * (500_000 // len(part))) == []
