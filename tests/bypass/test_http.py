"""Ways round the filter beside the documents: in how HTTP is spoken to the gateway."""

import pytest

from tests.bypass.bench import TERM, Bench, chat_body, shows
from tests.gateways import CHAT

BAD, CLEAN = chat_body(TERM), chat_body("hello")


def sized(body: bytes) -> str:
    """Return the header that tells a body's length."""
    return f"content-length: {len(body)}"


def chunked(body: bytes, extension: bytes = b"") -> bytes:
    """Return a body as one chunk."""
    return b"%x%b\r\n%b\r\n0\r\n\r\n" % (len(body), extension, body)


def test_two_lengths_are_refused(bench: Bench) -> None:
    """RFC 9112 section 6.3: a body that has two ends has none; what follows is read by nobody."""
    head = bench.head(sized(CLEAN), sized(CLEAN + BAD))
    received, model = bench.raw(head + CLEAN + BAD)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert (model, shows(received)) == (b"", [])


@pytest.mark.parametrize("order", [0, 1])
def test_a_length_and_chunks_together_reach_no_model(bench: Bench, order: int) -> None:
    """RFC 9112 section 6.1: the sign of a request that two servers cut in two ways."""
    lines = [sized(CLEAN), "transfer-encoding: chunked"]
    head = bench.head(*(lines if order else reversed(lines)))
    hidden = bench.head("connection: close", sized(BAD)) + BAD
    received, model = bench.raw(head + chunked(CLEAN) + hidden)
    assert shows(model) == []
    assert b"content-filter" not in model
    assert received.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("encoding", ["gzip, chunked", "chunked, chunked", "identity", "xchunked", "chunked\x0b"])
def test_an_odd_transfer_encoding_reaches_no_model_with_a_term(bench: Bench, encoding: str) -> None:
    """Whatever end the body is given, what is taken for a request is scanned."""
    head = bench.head("connection: close", f"transfer-encoding: {encoding}")
    received, model = bench.raw(head + chunked(BAD), leave=True)
    assert (shows(model), shows(received)) == ([], [])


def test_a_request_sent_ahead_is_an_exchange_of_its_own(bench: Bench) -> None:
    """The second request on a connection is scanned like the first."""
    data = (bench.head(sized(CLEAN)) + CLEAN) * 2 + bench.head("connection: close", sized(BAD)) + BAD
    received, model = bench.raw(data)
    assert model.count(b"POST ") == 2
    assert received.count(b'"content_filter"') == 1
    assert shows(model) == []


def test_a_request_in_the_body_of_another_is_a_body(bench: Bench) -> None:
    """It is no JSON, and starts nothing."""
    inner = bench.head(sized(BAD)) + BAD
    received, model = bench.raw(bench.head("connection: close", sized(inner)) + inner)
    assert (received.count(b"HTTP/1.1 "), model) == (1, b"")
    assert received.startswith(b"HTTP/1.1 400 ")


def test_extensions_of_chunks_are_left_behind(bench: Bench) -> None:
    """RFC 9112 section 7.1.1: no part of the body, and not passed on."""
    head = bench.head("transfer-encoding: chunked", "connection: close")
    _, model = bench.raw(head + chunked(CLEAN, b";note=forbidden"))
    assert model.endswith(CLEAN)
    assert shows(model) == []


def test_trailers_are_left_behind(bench: Bench) -> None:
    """Headers behind a chunked body change nothing and go nowhere."""
    head = bench.head("transfer-encoding: chunked", "connection: close")
    _, model = bench.raw(head + chunked(CLEAN)[:-2] + b"x-note: forbidden\r\nx-api-key: other\r\n\r\n")
    assert shows(model) == []
    assert b"other" not in model


def test_a_term_cut_between_chunks_is_one(bench: Bench) -> None:
    """The body is put together before it is read."""
    at = BAD.index(b"bidden")
    body = chunked(BAD[:at])[:-5] + chunked(BAD[at:])
    received, model = bench.raw(bench.head("transfer-encoding: chunked", "connection: close") + body)
    assert (b'"content_filter"' in received, model) == (True, b"")


@pytest.mark.parametrize(
    "lines",
    [
        ["x-note: forbidden"],
        ["cookie: a=forbidden"],
        ["openai-organization: forbidden"],
        ["x-http-method-override: PUT"],
        ["x-forwarded-for: 10.0.0.1", "forwarded: for=forbidden"],
        ["x-original-url: /v1/forbidden"],
        ["accept-language: forbidden"],
        ["user-agent: forbidden"],
    ],
    ids=lambda lines: lines[0].partition(":")[0],
)
def test_headers_of_the_client_go_nowhere(bench: Bench, lines: list[str]) -> None:
    """A model server reads none of them."""
    received, model = bench.raw(bench.head("connection: close", sized(CLEAN), *lines) + CLEAN)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert (shows(model), shows(received)) == ([], [])
    assert model.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "path", [f"{CHAT}?q=forbidden", f"{CHAT}#forbidden", "http://model/v1/chat/completions?forbidden"]
)
def test_the_query_goes_nowhere(bench: Bench, path: str) -> None:
    """The path asked of the model server is the gateway's own."""
    _, model = bench.raw(bench.head("connection: close", sized(CLEAN), path=path) + CLEAN)
    assert shows(model) == []
    assert b"?" not in model.partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "path",
    ["/v1/chat/completions/", "//v1/chat/completions", "/v1/chat/../chat/completions", "/v1/forbidden", "/v1/files"],
)
def test_another_path_leads_nowhere(bench: Bench, path: str) -> None:
    """What is not one of the routes is not passed on, and the error does not quote it."""
    received, model = bench.raw(bench.head("connection: close", sized(BAD), path=path) + BAD)
    assert received.startswith(b"HTTP/1.1 404 ")
    assert (model, shows(received)) == (b"", [])


def test_a_body_that_ends_early_is_no_request(bench: Bench) -> None:
    """Half a body is not completed, guessed at or sent."""
    received, model = bench.raw(bench.head(f"content-length: {len(CLEAN) + 9}") + CLEAN, leave=True)
    assert (model, shows(received)) == (b"", [])


def test_bytes_behind_the_body_are_no_part_of_it(bench: Bench) -> None:
    """What follows a whole request without being one ends the connection."""
    received, model = bench.raw(bench.head(sized(CLEAN)) + CLEAN + b"forbidden\r\n\r\n")
    assert model.count(b"POST ") <= 1
    assert (shows(model), shows(received)) == ([], [])


@pytest.mark.parametrize(
    "start",
    [
        b"POST /v1/chat/completions HTTP/1.1\nhost: x\n",
        b"POST  /v1/chat/completions  HTTP/1.1\r\n",
        b"\0POST /v1/chat/completions HTTP/1.1\r\n",
        b"forbidden /v1/chat/completions HTTP/1.1\r\n",
        b"POST /v1/chat/completions HTTP/9.9\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nx-note\r\n forbidden: y\r\n",
    ],
)
def test_odd_heads_reach_no_model_with_a_term(bench: Bench, start: bytes) -> None:
    """Taken for a request or not: a term does not get through, nor is it sent back."""
    rest = bench.head("connection: close", sized(BAD)).partition(b"\r\n")[2]
    received, model = bench.raw(start + rest + BAD, leave=True)
    assert (shows(model), shows(received)) == ([], [])
