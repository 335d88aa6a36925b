"""The door of the API: who comes in, from where, with what."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.app import management_plane
from gateway.audit.event_forms import EventName
from gateway.console.api import BODY_BYTES
from tests.gateways import HTTP, Gateway, gateway, receive_until

TOKEN = "0123456789abcdef0123456789abcdef-token"
PATH = "/api/v1/accounts"
AWAY = "203.0.113.1"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose management plane has a token."""
    folder = tmp_path_factory.mktemp("guarded")
    file = folder / "token"
    file.write_text(TOKEN + "\n")
    with gateway(folder, "http://127.0.0.1:1", {"server": {"admin_token_file": str(file)}}) as running:
        yield running


def ask(
    running: Gateway,
    method: str,
    path: str,
    headers: list[tuple[str, str]] | None = None,
    *,
    address: str | None = AWAY,
    body: bytes = b"",
) -> tuple[int, Any]:
    """Ask as a client at any address would; return status and document."""
    sent: list[Any] = []

    async def send(message: Any) -> None:  # noqa: ANN401 as ASGI has it
        sent.append(message)

    async def receive() -> Any:  # noqa: ANN401 the same
        return {"type": "http.request", "body": body}

    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in headers or []],
        "query_string": b"",
        "client": (address, 1) if address else None,
    }
    served = management_plane(running.services)(scope, receive, send)
    asyncio.run_coroutine_threadsafe(served, running.loop).result(30)
    text = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], orjson.loads(text) if text.startswith(b"{") else text


def bearer(token: str) -> tuple[str, str]:
    """Return the header that brings a token."""
    return ("authorization", f"Bearer {token}")


@pytest.mark.parametrize("address", [AWAY, "127.0.0.1"])
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [bearer(TOKEN[:-1])],
        [bearer(TOKEN + "x")],
        [bearer("")],
        [("authorization", f"Basic {TOKEN}")],
        [("x-api-key", TOKEN)],
        [("cookie", f"token={TOKEN}")],
        [bearer(TOKEN), bearer("another")],
        [bearer("another"), bearer(TOKEN)],
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("POST", "/api/v1/lists/reload"), ("GET", "/api/v1/x")])
def test_nobody_comes_in_without_the_token(
    guarded: Gateway, method: str, path: str, headers: list[tuple[str, str]], address: str
) -> None:
    """From this machine neither, and not even to be told which routes there are."""
    status, answer = ask(guarded, method, path, headers, address=address)
    assert (status, answer["error"]["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("address", [AWAY, "127.0.0.1", "2001:db8::1", None])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_whoever_has_the_token_comes_in_from_anywhere(guarded: Gateway, scheme: str, address: str | None) -> None:
    """The scheme in either case (RFC 9110, section 11.1)."""
    status, _ = ask(guarded, "GET", PATH, [("authorization", f"{scheme} {TOKEN}")], address=address)
    assert status == 200


def test_a_change_is_told_to_be_the_tokens(guarded: Gateway) -> None:
    """Who came in by the token is named so in the trail."""
    headers = {"authorization": f"Bearer {TOKEN}"}
    answer = HTTP.post(guarded.admin_url + PATH, json={"name": "by-token", "kind": "user"}, headers=headers)
    (account,) = answer.json()["accounts"]
    actors = {each.name: each.actor for each in guarded.events() if each.subject == account["id"]}
    assert actors == {EventName.ACCOUNTS_CREATED: "api:token"}


@pytest.mark.parametrize(
    ("headers", "address", "status"),
    [
        ([], "127.0.0.1", 200),
        ([], "::1", 200),
        ([("host", "localhost:9090")], "127.0.0.1", 200),
        ([("host", "127.0.0.1:9090")], "127.0.0.1", 200),
        ([("host", "[::1]:9090")], "::1", 200),
        ([], AWAY, 403),
        ([], None, 403),
        ([], "unix:", 403),
        # A name that an attacker pointed at this machine, in a page that is open on it.
        ([("host", "rebound.example:9090")], "127.0.0.1", 403),
        ([("host", "[")], "127.0.0.1", 403),
        ([("origin", "https://page.example")], "127.0.0.1", 403),
        ([("origin", "null")], "127.0.0.1", 403),
        # Somebody behind a proxy that runs here.
        ([("x-forwarded-for", AWAY)], "127.0.0.1", 403),
        ([("forwarded", "for=" + AWAY)], "127.0.0.1", 403),
        ([("x-real-ip", AWAY)], "127.0.0.1", 403),
        # Without a token in the settings none is right.
        ([bearer("")], AWAY, 403),
        ([bearer(TOKEN)], AWAY, 403),
    ],
)
def test_without_a_token_this_machine_alone_comes_in(
    shared: Gateway, headers: list[tuple[str, str]], address: str | None, status: int
) -> None:
    """And no web page on it."""
    assert ask(shared, "GET", "/api/v1/lists", headers, address=address)[0] == status


@pytest.mark.parametrize(
    ("headers", "address", "status"),
    [([], "127.0.0.1", 200), ([bearer(TOKEN)], AWAY, 200), ([], AWAY, 403), ([bearer("another")], AWAY, 403)],
)
def test_metrics_are_for_this_machine_and_for_the_token(
    guarded: Gateway, headers: list[tuple[str, str]], address: str, status: int
) -> None:
    """A collector on this machine needs none."""
    assert ask(guarded, "GET", "/metrics", headers, address=address)[0] == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("content-type", "application/json")], 201),
        ([("content-type", "Application/JSON; charset=utf-8")], 201),
        ([], 415),
        ([("content-type", "text/plain")], 415),
        ([("content-type", "application/x-www-form-urlencoded")], 415),
        ([("content-type", "application/json"), ("content-type", "text/plain")], 415),
    ],
)
def test_only_json_changes_anything(shared: Gateway, headers: list[tuple[str, str]], status: int) -> None:
    """What a page could post without being asked is refused."""
    name = f"json-{abs(hash(tuple(headers)))}"
    body = orjson.dumps({"name": name, "kind": "user"})
    assert ask(shared, "POST", PATH, headers, address="127.0.0.1", body=body)[0] == status
    assert any(each.name == name for each in shared.store.list_all()) is (status == 201)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"null", b'{"name":"a","name":"b","kind":"user"', b"[" * 30_000])
def test_what_is_no_form_is_told_so(shared: Gateway, body: bytes) -> None:
    """400, and the message quotes nothing of it."""
    headers = [("content-type", "application/json")]
    status, answer = ask(shared, "POST", PATH, headers, address="127.0.0.1", body=body)
    assert (status, answer["error"]["code"]) == (400, "invalid_request")


def test_a_body_is_read_up_to_its_bound_and_no_further(shared: Gateway) -> None:
    """The answer comes while the client would still go on sending."""
    host, port = shared.admin_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 30) as client:
        head = f"POST {PATH} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {2**40}\r\n"
        client.sendall(f"{head}content-type: application/json\r\n\r\n".encode() + b" " * (BODY_BYTES + 1))
        assert b"413" in receive_until(client, b"body_too_large")


def test_secrets_of_the_plane_are_not_printed(guarded: Gateway, tmp_path: Path) -> None:
    """The token itself is nowhere in what holds the gateway together."""
    assert TOKEN not in repr(guarded.services)
