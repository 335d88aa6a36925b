"""Files inside a document."""

import base64
from typing import Any

import pytest

from gateway.protocol.files import file_texts

TEXT = "a text with forbidden in it, long enough not to be taken for a word; 含有违禁词的一段文字。" * 3
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
NOISE = bytes([0xC3, 0x28, 0xA0, 0xFF]) * 40


def encoded(data: bytes | str) -> str:
    """Return base64."""
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def read(value: str, name: str = "file_data", **beside: Any) -> list[str] | None:  # noqa: ANN401 any JSON value
    """Return the texts of a member."""
    return file_texts(name, value, beside)


@pytest.mark.parametrize(
    "value",
    [
        encoded(TEXT),
        encoded(TEXT).rstrip("="),
        encoded(TEXT) + "\r\n",
        base64.encodebytes(TEXT.encode()).decode(),
        base64.urlsafe_b64encode(TEXT.encode()).decode(),
    ],
)
def test_a_text_file_is_read_and_its_encoding_is_not(value: str) -> None:
    """In either alphabet, padded or not, in lines or in one; random letters would make false findings."""
    assert read(value) == [TEXT]
    assert read("data:text/plain;base64," + value) == ["text/plain;base64", TEXT]
    assert read(" DATA:;charset=utf-8;BASE64 ," + value, "url") == [";charset=utf-8;BASE64 ", TEXT]
    assert read(value, "data", media_type="text/plain") == [TEXT]


@pytest.mark.parametrize("declared", ["image/png", "text/plain", "audio/wav", "application/pdf", ""])
def test_what_is_utf_8_is_read_whatever_it_is_called(declared: str) -> None:
    """Its bytes say it is text, and a server may go by them."""
    assert read(f"data:{declared};base64,{encoded(TEXT)}", "image_url") == [f"{declared};base64", TEXT]
    assert read(encoded("%PDF-1.7\n" + TEXT)) == ["%PDF-1.7\n" + TEXT]


def test_pictures_and_sounds_pass_as_files() -> None:
    """By what they are declared to be, or by how they begin."""
    assert read(encoded(PNG)) == []
    assert read("data:image/png;base64," + encoded(NOISE), "url") == ["image/png;base64"]
    assert read(encoded(NOISE), "data", format="pcm16") == []
    assert read(encoded(PNG), "data", media_type="application/octet-stream") == []


def test_what_is_no_utf_8_is_read_as_a_lenient_reader_would() -> None:
    """Text in another encoding, text with a bad byte in it, and a picture's first bytes before declared text."""
    assert TEXT in (read(encoded(TEXT.encode("gb18030"))) or [])
    assert TEXT in (read(encoded(TEXT.encode("utf-16"))) or [])
    assert any("forbidden" in each for each in read(encoded(b"\xff" + TEXT.encode())) or [])
    texts = read("data:text/plain;base64," + encoded(PNG + TEXT.encode())) or []
    assert any("forbidden" in each for each in texts)


def test_what_is_not_base64_is_read_both_ways() -> None:
    """As it stands, and as a reader that steps over other characters decodes it."""
    odd = encoded(TEXT)[:40] + "!?" + encoded(TEXT)[40:]
    assert read(odd) == [odd, TEXT]
    assert (read("forbidden") or [])[0] == "forbidden"
    assert read("") == ["", ""]


def test_a_percent_encoded_url_is_read() -> None:
    """The other form of a data URL."""
    texts = read("data:text/plain,%66orbidden%E8%BF%9D", "url")
    assert texts == ["text/plain", "%66orbidden%E8%BF%9D", "forbidden违"]


def test_an_address_is_a_text() -> None:
    """And so is any other string under these names."""
    assert read("https://example.org/x.png", "url") is None
    assert read("https://example.org/x.png", "image_url") is None
    assert read("some text", "data") is None
    assert read(encoded(NOISE), "data") is None


def test_undeclared_text_is_read() -> None:
    """Base64 of a text under a name that may hold anything: a short one also as it stands."""
    assert read(encoded(TEXT), "data") == [TEXT]
    assert read(encoded("forbidden"), "data") == [encoded("forbidden"), "forbidden"]
