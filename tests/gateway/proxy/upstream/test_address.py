"""Taking base URLs apart."""

import pytest

from gateway.proxy.upstream.address import parse_base_url


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("http://127.0.0.1:8000/v1", (False, "127.0.0.1", 8000, "127.0.0.1:8000", "/v1")),
        ("http://model", (False, "model", 80, "model", "")),
        ("https://api.example.com/v1/", (True, "api.example.com", 443, "api.example.com", "/v1")),
        ("https://api.example.com:8443", (True, "api.example.com", 8443, "api.example.com:8443", "")),
        ("http://[::1]:8000/a/b", (False, "::1", 8000, "[::1]:8000", "/a/b")),
        ("https://bücher.example/v1", (True, "xn--bcher-kva.example", 443, "xn--bcher-kva.example", "/v1")),
    ],
)
def test_base_url_is_taken_apart(base_url: str, address: tuple[object, ...]) -> None:
    """Host, port and prefix are found; the default port is left out of the authority."""
    assert parse_base_url(base_url) == address


@pytest.mark.parametrize(
    ("base_url", "remedy"),
    [
        ("127.0.0.1:8000", "http://"),
        ("ftp://secret-host/v1", "http://"),
        ("http://user:secret@host/v1", "API key"),
        ("http://host/v1?secret=1", "query"),
        ("http://host/v1#secret", "fragment"),
        ("http://host:secret/v1", "port"),
        ("http://host:0/v1", "port"),
        ("http://host:70000/v1", "port"),
        ("http:///v1", "host"),
        ("http://ho st/v1", "host"),
        ("http://[::1/v1", "IPv6"),
        ("http://host/v1\r\nx: secret", "control"),
        (" http://host/v1", "blanks"),
        ("http://host/模型", "Percent-encode"),
        ("http://" + "secret" * 20 + "/v1", "host"),
    ],
)
def test_bad_base_url_is_refused_with_a_remedy_and_not_quoted(base_url: str, remedy: str) -> None:
    """The message says what to change and repeats nothing of the URL, which may hold a password."""
    with pytest.raises(ValueError, match=remedy) as refusal:
        parse_base_url(base_url)
    assert "secret" not in str(refusal.value)
