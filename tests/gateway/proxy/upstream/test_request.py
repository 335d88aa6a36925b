"""Requests on the wire."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.upstream.request import METHODS, OWN_HEADERS, encode_request

HOST = "model:8000"


class Received:
    """What another parser reads from the bytes."""

    def __init__(self, data: bytes) -> None:
        self.requests = 0
        self.target = self.body = b""
        self.headers: list[tuple[bytes, bytes]] = []
        httptools.HttpRequestParser(self).feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Gather the target."""
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Gather a header."""
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        """Gather the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """Count the requests."""
        self.requests += 1


def test_request_is_written_whole() -> None:
    """Request line, our own headers, the caller's, an empty line, the body."""
    assert encode_request("POST", "/v1/chat", HOST, [(b"accept", b"*/*")], b"{}") == (
        b"POST /v1/chat HTTP/1.1\r\nhost: model:8000\r\nconnection: keep-alive\r\naccept-encoding: identity\r\n"
        b"content-length: 2\r\naccept: */*\r\n\r\n{}"
    )


@pytest.mark.parametrize("name", sorted(OWN_HEADERS))
def test_framing_headers_of_the_caller_are_left_out(name: bytes) -> None:
    """A header that describes the client's hop does not reach the upstream."""
    assert encode_request("POST", "/", HOST, [(name, b"7")], b"{}") == encode_request("POST", "/", HOST, [], b"{}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"a", b"b\r\nc: d"),
        (b"a", b"b\nc: d"),
        (b"a", b"b\rc: d"),
        (b"a", b"b\0"),
        (b"a", b"b\r\n\r\nGET / HTTP/1.1"),
        (b"a\r\nc", b"d"),
        (b"a:", b"b"),
        (b"a b", b"c"),
        (b"A", b"b"),
        (b"", b"b"),
        ("头".encode(), b"b"),
    ],
)
def test_header_that_leaves_its_line_is_refused(name: bytes, value: bytes) -> None:
    """No name or value can become a second header or a second request."""
    with pytest.raises(ValueError, match=r"header"):
        encode_request("POST", "/", HOST, [(name, value)], b"")


@pytest.mark.parametrize("target", ["", "v1", "/a b", "/a\r\nb: c", "/模型", "/\x7f"])
def test_target_that_is_no_path_is_refused(target: str) -> None:
    """A target cannot end the request line early."""
    with pytest.raises(ValueError, match="target"):
        encode_request("GET", target, HOST, [], b"")


@pytest.mark.parametrize("method", ["HEAD", "CONNECT", "get", "GET /", ""])
def test_unknown_method_is_refused(method: str) -> None:
    """HEAD and CONNECT replies are framed in ways the reply parser does not expect."""
    with pytest.raises(ValueError, match="method"):
        encode_request(method, "/", HOST, [], b"")


@given(
    method=st.sampled_from(sorted(METHODS)),
    headers=st.lists(st.tuples(st.binary(max_size=4), st.binary(max_size=8)), max_size=4),
    body=st.binary(max_size=64),
)
def test_request_is_refused_or_read_as_it_was_meant(
    method: str, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """Whatever is passed in, another parser reads one request with our framing, or nothing is sent."""
    try:
        data = encode_request(method, "/v1", HOST, headers, body)
    except ValueError:
        return
    try:
        received = Received(data)
    except httptools.HttpParserError:
        return  # a control character in a value: refused by the other side
    assert (received.requests, received.target, received.body) == (1, b"/v1", body)
    sent = [(name, value.strip(b" \t")) for name, value in headers if name not in OWN_HEADERS]
    assert [(name, value.strip(b" \t")) for name, value in received.headers[4:]] == sent
