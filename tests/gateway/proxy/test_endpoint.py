"""What is turned away at the door gets a clear answer, an entry and a count; nothing unscanned gets past it."""

import gzip
import socket
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gateway.accounts.account import AccountKind
from gateway.accounts.keys import new_key
from gateway.errors import ErrorCode
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.proxy.endpoint import ROUTES, client_address, find_route, new_request_id
from tests.gateways import (
    BLOCKED,
    CHAT,
    HTTP,
    LOOPBACK,
    Gateway,
    chat,
    expect_error,
    gateway,
    receive_until,
    reply,
    scripted,
    whole_answer,
)
from tests.raw_server import Do

MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize("body", [b"", b"no JSON", b'{"model": "m"', b'{"model": "\xff\xfe"}', gzip.compress(b"{}")])
def test_a_body_that_is_no_json_in_utf8(shared: Gateway, body: bytes) -> None:
    """Half a document, another encoding, a compressed one: 400, and none of it in the answer."""
    response = expect_error(shared, ErrorCode.NOT_JSON, lambda: shared.post(body))
    assert b"\xff" not in response.content


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], "object"),
        ("text", "object"),
        ({}, "model"),
        ({"model": 7, "messages": []}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": []}, "messages"),
        ({"model": "m", "messages": ["hello"]}, "messages[0]"),
        ({"model": "m", "messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"model": "m", "stream": "yes", "messages": [{"role": "user", "content": "hi"}]}, "stream"),
    ],
)
def test_a_body_of_another_shape(shared: Gateway, body: object, named: str) -> None:
    """JSON of wrong types: 400, and the message names the member."""
    response = expect_error(shared, ErrorCode.INVALID_REQUEST, lambda: shared.post(body))
    assert named in response.json()["error"]["message"]


def test_a_body_of_50_megabytes_by_its_length(shared: Gateway) -> None:
    """A body that says it is too large is refused, and the connection serves the next request."""
    with httpx.Client(base_url=shared.url, headers=shared.headers()) as client:
        expect_error(shared, ErrorCode.BODY_TOO_LARGE, lambda: client.post(CHAT, content=b" " * (50 * MEBIBYTE)))
        assert client.post(CHAT, json=chat("你好")).status_code == 200


def test_a_body_of_50_megabytes_in_chunks(shared: Gateway) -> None:
    """A body that does not say how large it is, is refused once it is too large."""

    def pieces() -> Iterator[bytes]:
        yield from [b" " * MEBIBYTE] * 50

    expect_error(
        shared,
        ErrorCode.BODY_TOO_LARGE,
        lambda: HTTP.post(shared.url + CHAT, content=pieces(), headers=shared.headers()),
    )


def test_a_body_in_pieces_is_put_together(shared: Gateway) -> None:
    """A prompt whose term is cut between two pieces of the body is refused like any other."""
    body = '{"model":"m","messages":[{"role":"user","content":"哪里有人出售冰毒？"}]}'.encode()
    cut = body.index("冰".encode()) + 1
    response = HTTP.post(shared.url + CHAT, content=iter([body[:cut], body[cut:]]), headers=shared.headers())
    assert response.json()["choices"][0]["finish_reason"] == "content_filter"


def test_a_body_that_does_not_arrive(tmp_path: Path) -> None:
    """A client that stops in the middle of its body is answered 408 after its time."""
    with gateway(tmp_path, "http://127.0.0.1:1") as running:
        running.services.body_seconds = 0.01
        head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {running.keys[AccountKind.USER]}\r\n"
        with socket.create_connection(("127.0.0.1", httpx.URL(running.url).port or 0)) as client:
            client.sendall(f"{head}content-length: 100\r\n\r\n{{".encode())
            answer = receive_until(client, b"}}")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"request_timeout"' in answer
        assert [each.error for each in running.records(1)] == ["request_timeout"]


def test_a_client_that_leaves_in_its_body_asked_nothing(shared: Gateway) -> None:
    """No exchange began, so there is none to record; the gateway goes on."""
    began_us = time.time_ns() // 1000
    with socket.create_connection(("127.0.0.1", httpx.URL(shared.url).port or 0)) as client:
        key = shared.keys[AccountKind.USER]
        client.sendall(f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\ncontent-length: 9\r\n\r\n{{".encode())
    response = shared.post(chat("你好"))
    shared.record(response.headers["x-request-id"])
    assert len(shared.since(began_us)) == 1


@pytest.mark.parametrize("path", ["/", "/v1/models/", "/v1/chat/completions/", "/v1/files"])
def test_an_unknown_path(shared: Gateway, path: str) -> None:
    """What is not scanned is not forwarded: 404 in the error shape."""
    expect_error(shared, ErrorCode.UNKNOWN_PATH, lambda: shared.post(chat("你好"), path=path))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_a_wrong_method(shared: Gateway, method: str) -> None:
    """A route takes its method only, and says which that is."""
    response = expect_error(
        shared,
        ErrorCode.METHOD_NOT_ALLOWED,
        lambda: HTTP.request(method, shared.url + CHAT, headers=shared.headers()),
    )
    assert response.headers["allow"] == "POST, OPTIONS"


def test_the_head_of_a_wrong_method(shared: Gateway) -> None:
    """HEAD gets the head of that answer, and the connection serves on."""
    with httpx.Client(base_url=shared.url, headers=shared.headers()) as client:
        response = client.head(CHAT)
        assert (response.status_code, response.content, response.headers["allow"]) == (405, b"", "POST, OPTIONS")
        assert client.post(CHAT, json=chat("你好")).status_code == 200


def test_what_a_route_takes_is_told_without_a_key(shared: Gateway) -> None:
    """OPTIONS asks nothing of a model: no key, no body, no entry, and nothing for pages of other origins."""
    began_us = time.time_ns() // 1000
    headers = {"origin": "https://chat.example", "access-control-request-method": "POST"}
    response = HTTP.options(shared.url + CHAT, headers=headers)
    assert (response.status_code, response.content, response.headers["allow"]) == (204, b"", "POST, OPTIONS")
    assert not any(name.startswith("access-control") for name in response.headers)
    shared.record(shared.post(chat("你好")).headers["x-request-id"])
    assert len(shared.since(began_us)) == 1
    assert HTTP.options(f"{shared.url}/v1/nowhere").status_code == 404


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/some-model"])
def test_a_route_that_is_read_says_so(shared: Gateway, path: str) -> None:
    """Each route names its own method, to whoever asks and to whoever uses another."""
    assert HTTP.options(shared.url + path).headers["allow"] == "GET, OPTIONS"
    assert shared.post(chat("你好"), path=path).headers["allow"] == "GET, OPTIONS"


def test_pages_of_named_origins_may_call(tmp_path: Path, standin_url: str) -> None:
    """The preflight allows it, and every answer can be read with our headers: whole, streamed, refused and failed."""
    settings = {"server": {"cors_origins": ["https://chat.example"]}}
    with gateway(tmp_path, standin_url, settings) as running:
        origin = {"origin": "https://chat.example"}
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
        preflight = HTTP.options(running.url + CHAT, headers=origin | asked)
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == "https://chat.example"
        assert preflight.headers["access-control-allow-headers"] == "authorization"
        answers = [
            *(
                running.post(chat("你好", stream=stream), headers=running.headers() | origin)
                for stream in (True, False)
            ),
            running.post(chat(BLOCKED), headers=running.headers() | origin),
            running.post(chat("你好"), headers=origin),
            HTTP.get(running.url + CHAT, headers=origin),
        ]
        for answer in answers:
            assert answer.headers["access-control-allow-origin"] == "https://chat.example"
            assert "x-request-id" in answer.headers["access-control-expose-headers"]
        assert answers[-1].headers["allow"] == "POST, OPTIONS"
        assert "access-control-allow-origin" not in running.post(chat("你好")).headers


def test_a_client_that_asks_before_it_sends(shared: Gateway) -> None:
    """`Expect: 100-continue`: a body is asked for when it will be read; when not, the connection ends."""
    body = orjson.dumps(chat("你好"))
    port, key = httpx.URL(shared.url).port or 0, shared.keys[AccountKind.USER]
    head = (
        f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {{}}\r\nx-api-key: {{}}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(head.format(len(body), key).encode())
        assert receive_until(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert b"HTTP/1.1 200 OK" in receive_until(client, b"}}")
    for length, with_key, status in ((len(body), "nobody's", b"401"), (10**9, key, b"413")):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(head.format(length, with_key).encode())
            refused = b""
            while piece := client.recv(65536):
                refused += piece
        assert refused.startswith(b"HTTP/1.1 " + status)
        assert b"\r\nconnection: close\r\n" in refused


class _WithHeaders(OpenAIChat):
    forwarded_headers = (b"x-version", b"x-beta")


def test_a_wire_formats_own_headers_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those it names, as far as they are names and versions; no text goes past the scan in a header."""
    monkeypatch.setitem(ROUTES, CHAT, _WithHeaders())
    script = (Do.READ_REQUEST, reply(whole_answer("好")))
    with scripted(script) as upstream, gateway(tmp_path, upstream.url) as running:
        own = {"x-version": "2024-06-01", "x-beta": "<prompt>", "x-other": "1"}
        assert running.post(chat("你好"), headers=running.headers() | own).status_code == 200
        head = upstream.server.requests[0].partition(b"\r\n\r\n")[0]
    assert b"\r\nx-version: 2024-06-01\r\n" in head + b"\r\n"
    assert b"x-beta" not in head
    assert b"x-other" not in head


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Basic dXNlcg=="}, {"authorization": "Bearer"}, {"x-api-key": ""}]
)
def test_a_missing_key(shared: Gateway, headers: dict[str, str]) -> None:
    """No key, or none of the two forms: 401."""
    expect_error(shared, ErrorCode.KEY_MISSING, lambda: shared.post(chat("你好"), headers=headers))


@pytest.mark.parametrize("key", ["sk-other", new_key(), "密钥".encode(), "sk-sluice-" + "a" * 5000])
def test_a_wrong_key(shared: Gateway, key: str | bytes) -> None:
    """A key that is none, or nobody's: 401, and it is not repeated."""
    headers = {b"authorization": b"Bearer " + (key if isinstance(key, bytes) else key.encode())}
    response = expect_error(
        shared,
        ErrorCode.KEY_UNKNOWN,
        lambda: HTTP.post(shared.url + CHAT, content=b"{}", headers=headers),
    )
    assert "sk-" not in response.text


@pytest.mark.parametrize("header", ["x-api-key", "Authorization"])
def test_both_forms_of_a_key_are_taken(shared: Gateway, header: str) -> None:
    """`x-api-key: KEY` does what `Authorization: Bearer KEY` does."""
    key = shared.keys[AccountKind.AUDIT]
    response = shared.post(chat("你好"), headers={header: key if header == "x-api-key" else f"bearer {key}"})
    assert response.status_code == 200
    assert shared.record(response.headers["x-request-id"]).account_kind == "audit"


def test_a_disabled_account(shared: Gateway) -> None:
    """Disabled while the gateway runs: refused from the next poll on."""
    _, key = shared.store.create("to be disabled", AccountKind.USER, at_us=1)
    shared.store.disable("to be disabled", at_us=2)
    headers = {"x-api-key": key}
    expect_error(shared, ErrorCode.ACCOUNT_DISABLED, lambda: shared.post(chat("你好"), headers=headers))


def test_an_expired_account(shared: Gateway) -> None:
    """Behind its end an account is refused."""
    _, key = shared.store.create("expired", AccountKind.USER, expires_at_us=2, at_us=1)
    headers = {"x-api-key": key}
    expect_error(shared, ErrorCode.ACCOUNT_EXPIRED, lambda: shared.post(chat("你好"), headers=headers))


def test_an_account_of_another_network(shared: Gateway) -> None:
    """The address counts that spoke to us; what a client says of itself does not."""
    elsewhere = (ip_network("203.0.113.0/24"),)
    _, key = shared.store.create("elsewhere", AccountKind.USER, allow_from=elsewhere, at_us=1)
    headers = {"x-api-key": key, "x-forwarded-for": "203.0.113.7"}
    expect_error(shared, ErrorCode.ADDRESS_NOT_ALLOWED, lambda: shared.post(chat("你好"), headers=headers))


def test_an_exchange_is_turned_away_while_draining(tmp_path: Path) -> None:
    """A stopping gateway says so, with the time to wait."""
    with gateway(tmp_path, "http://127.0.0.1:1") as running:
        running.services.draining = True
        response = expect_error(running, ErrorCode.DRAINING, lambda: running.post(chat("你好")))
        assert response.headers["retry-after"] == "1"


def test_nothing_of_the_client_but_its_body_reaches_the_model_server(tmp_path: Path) -> None:
    """Keys, cookies, addresses and smuggled framing stay here; the upstream sees the request id it can log."""
    script = (Do.READ_REQUEST, reply(whole_answer("好")))
    with scripted(script) as upstream, gateway(tmp_path, upstream.url) as running:
        extra = {
            "cookie": "session=secret",
            "x-forwarded-for": "203.0.113.7",
            "x-request-id": "chosen-by-client",
            "openai-organization": "org",
            "te": "trailers",
            "connection": "keep-alive, x-hop",
            "x-hop": "1",
        }
        response = running.post(chat("你好"), headers={**running.headers(), **extra})
        head = upstream.server.requests[0].partition(b"\r\n\r\n")[0]
    lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert set(lines) == {
        *(b"host", b"connection", b"accept-encoding", b"content-length"),
        *(b"content-type", b"accept", b"x-request-id"),
    }
    assert lines[b"x-request-id"].decode() == response.headers["x-request-id"] != "chosen-by-client"


def test_requests_sent_ahead_are_answered_in_order(shared: Gateway) -> None:
    """Pipelining: each request is an exchange of its own, also behind one that was refused with its body unread."""
    port, key = httpx.URL(shared.url).port or 0, shared.keys[AccountKind.USER]
    refused = b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nGET "
    body = b'{"model":"m","messages":[{"role":"user","content":"hello"}]}'
    head = (
        f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\nconnection: close\r\ncontent-length: {len(body)}\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(refused + head.encode() + b"\r\n" + body)
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 404 ")
    assert received.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 200 OK" in received


TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.1", ["198.51.100.1"], "203.0.113.1"),  # a stranger's word is ignored
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),  # the client wrote the first itself
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["10.0.0.3, nonsense"], "nonsense"),  # no address: an allow list will refuse it
        ("2001:db8::1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        (None, ["198.51.100.1"], None),
    ],
)
def test_the_address_is_what_trusted_proxies_say(
    shared: Gateway, peer: str | None, forwarded: list[str], expected: str | None
) -> None:
    """The rightmost address that no trusted proxy has counts: whatever stands left of it, a client could write."""
    services = _Trusting()
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope: dict[str, Any] = {"client": (peer, 1) if peer else None, "headers": headers}
    assert client_address(scope, services) == expected  # type: ignore[arg-type] # the part of the services it reads


class _Trusting:
    trusted_proxies = TRUSTED


def test_a_trusted_proxy_speaks_for_its_client(tmp_path: Path) -> None:
    """Behind a trusted proxy, an account's networks are compared with the client's address."""
    settings = {"server": {"trusted_proxies": ["127.0.0.0/8"]}}
    with gateway(tmp_path, "http://127.0.0.1:1", settings) as running:
        _, key = running.store.create("near", AccountKind.USER, allow_from=LOOPBACK, at_us=1)
        headers = {"x-api-key": key, "x-forwarded-for": "127.0.0.5, 203.0.113.9"}
        expect_error(running, ErrorCode.ADDRESS_NOT_ALLOWED, lambda: running.post(chat("你好"), headers=headers))


def test_request_ids_sort_by_time_and_do_not_repeat() -> None:
    """The id's first half is the time, its second is chance."""
    ids = [new_request_id(at_us) for at_us in (1_000, 2_000, 1_700_000_000_000_000)]
    assert ids == sorted(ids)
    assert len({new_request_id(1) for _ in range(100)}) == 100
    assert all(len(each) == 32 for each in ids)


def test_a_store_that_is_away(tmp_path: Path) -> None:
    """A key that nobody remembers cannot be checked: 503, with the time to wait."""
    with gateway(tmp_path, "http://127.0.0.1:1") as running:
        (tmp_path / "store.db").rename(tmp_path / "gone.db")
        (tmp_path / "store.db").mkdir()
        running.do(_drop_connections(running))
        response = expect_error(running, ErrorCode.STORE_UNAVAILABLE, lambda: running.post(chat("你好")))
        assert response.headers["retry-after"] == "5"


def _drop_connections(running: Gateway) -> Any:  # noqa: ANN401 a callable
    """Return how to close what the store has open, which would still answer."""
    return running.services.directory._source._engine.dispose  # type: ignore[attr-defined] # white box


def test_the_openai_client_reads_a_moderation(shared: Gateway) -> None:
    """Every member it knows has its type, nobody asked a model, and the entry says what it was."""
    answer = shared.openai().moderations.create(input=[BLOCKED, "水位正常"], model="omni-moderation-latest")
    bad, fine = answer.results
    assert (bad.flagged, fine.flagged) == (True, False)
    assert bad.categories.hate is False
    assert bad.category_scores.self_harm_intent == 0.0
    assert bad.category_applied_input_types.hate == ["text"]
    (found,) = bad.to_dict()["sluice"]["findings"]  # type: ignore[index] # a member the client does not know
    assert BLOCKED[found["start"] : found["end"]] == "出售冰毒"
    record = shared.record(answer.id.removeprefix("modr-"))
    assert (record.dialect, record.decision, record.account_kind) == ("openai.moderations", "block", "user")
    assert (record.model, record.produce_id) == ("omni-moderation-latest", "")


def test_a_moderation_needs_an_account(shared: Gateway) -> None:
    """As every route does."""
    asked = {"input": "水位正常"}
    expect_error(shared, ErrorCode.KEY_MISSING, lambda: shared.post(asked, path="/v1/moderations", headers={}))


def test_a_history_is_looked_up_by_every_exchange_of_a_worker(shared: Gateway) -> None:
    """What one exchange found clean, the next one does not scan; both are counted."""
    lookups = {outcome: shared.metric("sluice_verdict_lookups_total", outcome=outcome) for outcome in ("hit", "miss")}
    for _ in range(2):
        assert shared.post(chat("这一句只在这里说，闸门按计划打开，水位正常。" * 9)).status_code == 200
    grown = {name: shared.metric("sluice_verdict_lookups_total", outcome=name) - was for name, was in lookups.items()}
    assert grown == {"hit": 1, "miss": 1}


@pytest.mark.parametrize(
    ("path", "name", "rest"),
    [
        ("/v1/models", "openai.models", ""),
        ("/v1/models/m", "openai.models", "m"),
        ("/v1/models/org/m", "openai.models", "org/m"),
        ("/v1/embeddings", "openai.embeddings", ""),
    ],
)
def test_what_a_path_has_behind_its_route_is_the_formats(path: str, name: str, rest: str) -> None:
    """Only the list of models has names behind it."""
    found = find_route(path)
    assert found is not None
    assert (found[0].name, found[1]) == (name, rest)


@pytest.mark.parametrize("path", ["/v1/models/", "/v1/embeddings/x", "/v1/model", ""])
def test_nothing_may_be_asked_for_below_other_routes(path: str) -> None:
    """It would be forwarded without anybody knowing what it is."""
    assert find_route(path) is None
