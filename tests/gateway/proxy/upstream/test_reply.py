"""Replies read from bytes cut in every way."""

from collections.abc import Iterable
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ErrorCode, UpstreamError
from gateway.proxy.upstream.reply import HEAD_LIMIT_BYTES, HEADER_LIMIT, ReplyParser

OK = b"HTTP/1.1 200 OK\r\n"
FIXED = OK + b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
DECORATED = OK + b"Transfer-Encoding: Chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0;c\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"
UNTIL_EOF = b"HTTP/1.0 200 OK\r\n\r\nhello"


class Outcome(NamedTuple):
    """Everything a user of the parser can see."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    complete: bool
    keep_alive: bool
    error: ErrorCode | None


def read(pieces: Iterable[bytes], *, then_close: bool = False) -> Outcome:
    """Feed the pieces to a parser that expects a reply."""
    parser = ReplyParser()
    parser.begin()
    body = b""
    error = None
    try:
        for piece in pieces:
            parser.feed(piece)
            body += parser.take()
        if then_close:
            parser.end()
    except UpstreamError as exc:
        error = exc.code
        body += parser.take()
    return Outcome(parser.status, parser.headers, body, parser.complete, parser.keep_alive, error)


def single_bytes(data: bytes) -> list[bytes]:
    """Cut everywhere."""
    return [data[at : at + 1] for at in range(len(data))]


@pytest.mark.parametrize("reply", [FIXED, CHUNKED, DECORATED], ids=["length", "chunked", "extensions and trailers"])
def test_reply_is_read_to_its_end(reply: bytes) -> None:
    """Length and chunks frame the same body; the connection may be used again."""
    outcome = read([reply])
    assert (outcome.status, outcome.body, outcome.complete, outcome.keep_alive) == (200, b"hello", True, True)


def test_headers_come_lower_cased_in_order_without_trailers() -> None:
    """Repeated names stay separate; what follows the body is no header."""
    head = OK + b"Set-Cookie: A\r\nX-B: C\r\nset-cookie: D\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T: u\r\n\r\n"
    expected = [(b"set-cookie", b"A"), (b"x-b", b"C"), (b"set-cookie", b"D"), (b"transfer-encoding", b"chunked")]
    assert read([head]).headers == expected


def test_body_without_length_ends_with_the_connection() -> None:
    """The close is the end, and the connection is not used again."""
    assert not read([UNTIL_EOF]).complete
    outcome = read([UNTIL_EOF], then_close=True)
    assert (outcome.body, outcome.complete, outcome.keep_alive, outcome.error) == (b"hello", True, False, None)


@pytest.mark.parametrize("reply", [FIXED, CHUNKED, DECORATED], ids=["length", "chunked", "extensions and trailers"])
def test_reply_that_ends_early_is_a_reset_wherever_it_ends(reply: bytes) -> None:
    """A close before the declared end is an error at every single byte, never an end."""
    for end in range(len(reply)):
        outcome = read([reply[:end]], then_close=True)
        assert (outcome.complete, outcome.error) == (False, ErrorCode.UPSTREAM_RESET)


def test_interim_replies_are_skipped() -> None:
    """100 and 103 before the reply leave no trace."""
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    assert read([interim + FIXED]) == read([FIXED])


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_status_without_body_ends_with_its_head(status: bytes) -> None:
    """No body is waited for, also when none of the headers says how long it is."""
    outcome = read([b"HTTP/1.1 " + status + b"\r\n\r\n"])
    assert (outcome.complete, outcome.keep_alive, outcome.body) == (True, True, b"")


@pytest.mark.parametrize(
    "reply",
    [
        OK + b"Content-Length: 0\r\nConnection: close\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=["close", "HTTP/1.0"],
)
def test_server_may_refuse_to_keep_the_connection(reply: bytes) -> None:
    """The reply is whole, and the connection is not used again."""
    outcome = read([reply])
    assert (outcome.complete, outcome.keep_alive) == (True, False)


@pytest.mark.parametrize("extra", [FIXED, b"x", b"\r\nHTTP", b"\0"])
def test_bytes_behind_the_end_spoil_the_connection_only(extra: bytes) -> None:
    """The reply stands as it was; a second reply nobody asked for is not taken for the next request's."""
    expected = read([FIXED])._replace(keep_alive=False)
    assert read([FIXED + extra]) == expected
    assert read([FIXED, extra]) == expected


def test_bytes_before_any_request_spoil_the_connection() -> None:
    """A server that speaks first is not listened to."""
    parser = ReplyParser()
    parser.feed(FIXED)
    assert (parser.keep_alive, parser.head_complete) == (False, False)


def test_parser_reads_one_reply_after_the_other() -> None:
    """Nothing of a reply stays in the next."""
    parser = ReplyParser()
    for reply, body in ((CHUNKED, b"hello"), (OK + b"Content-Length: 2\r\n\r\nhi", b"hi")):
        parser.begin()
        parser.feed(reply)
        assert (parser.take(), parser.complete, len(parser.headers)) == (body, True, 1)


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"hello, this body has no head",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        OK + b"Bad Name: x\r\n\r\n",
        OK + b"X: y\r\n folded\r\n\r\n",
        OK + b"X: y\r\n" * (HEADER_LIMIT + 1) + b"Content-Length: 0\r\n\r\n",
        OK + b"X: " + b"y" * HEAD_LIMIT_BYTES + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * HEAD_LIMIT_BYTES,
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"y" * HEAD_LIMIT_BYTES,
    ],
    ids=lambda reply: reply[:48],
)
def test_reply_that_breaks_the_rules_is_malformed(reply: bytes) -> None:
    """What cannot be understood, or grows without bound, is an error however it is cut."""
    for pieces in ([reply], single_bytes(reply)):
        outcome = read(pieces, then_close=True)
        assert (outcome.complete, outcome.error) == (False, ErrorCode.UPSTREAM_MALFORMED)


def test_head_as_large_as_the_limit_is_read() -> None:
    """The bound is exact, whatever follows the head in the same read."""
    start = OK + b"Content-Length: 5\r\nX: "
    head = start + b"y" * (HEAD_LIMIT_BYTES - len(start) - 4) + b"\r\n\r\n"
    assert read([head + b"hello"]).body == b"hello"
    assert read([head.replace(b"y", b"yy", 1) + b"hello"]).error is ErrorCode.UPSTREAM_MALFORMED


def test_body_before_a_fault_stays_readable() -> None:
    """The reader gets what came before it learns of the fault."""
    outcome = read([OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", b"!"])
    assert (outcome.body, outcome.error) == (b"he", ErrorCode.UPSTREAM_MALFORMED)


REPLIES = [
    FIXED,
    CHUNKED,
    DECORATED,
    UNTIL_EOF,
    FIXED + FIXED,
    CHUNKED + b"\r\n",
    CHUNKED[:-9] + b"!!",
    b"HTTP/1.1 100 Continue\r\n\r\n" + FIXED,
    OK + b"Content-Length: 0\r\nConnection: close\r\n\r\nmore",
    OK + b"Content-Length: 9\r\n\r\nhello",
    b"HTTP/1.1 204 No Content\r\n\r\n",
]


@given(data=st.data(), reply=st.sampled_from(REPLIES), then_close=st.booleans())
def test_outcome_does_not_depend_on_cutting(data: st.DataObject, reply: bytes, *, then_close: bool) -> None:
    """Same bytes, any pieces: same head, body, end, and fitness of the connection."""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(reply)))))
    pieces = [reply[start:end] for start, end in zip([0, *cuts], [*cuts, len(reply)], strict=True)]
    whole = read([reply], then_close=then_close)
    assert read(pieces, then_close=then_close) == whole
    assert read(single_bytes(reply), then_close=then_close) == whole
