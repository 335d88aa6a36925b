"""Whole gateways for tests: the real composition on free ports, in front of a stand-in or of a scripted server."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

import anthropic
import httpx
import httpx2
import openai
import orjson

from gateway.accounts.account import AccountKind, Network
from gateway.accounts.store import AccountDraft, AccountStore
from gateway.audit.appender import Appender
from gateway.audit.content.entry import ContentEntry
from gateway.audit.entry import decode
from gateway.audit.event_forms import EventName
from gateway.audit.events import Event
from gateway.audit.files import FileOps
from gateway.audit.reader import read_log
from gateway.audit.segment import log_directories
from gateway.audit.spool import SpoolLimits
from gateway.errors import ANSWERS, ErrorCode
from gateway.lifecycle import open_upstreams, run_planes, services_of
from gateway.protocol.record import ExchangeRecord
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.services import Services
from gateway.rulesets.building import build_active
from gateway.settings.loader import load
from gateway.settings.serving import require_serving
from gateway.settings.sources import merge
from gateway.sockets import base_url, open_socket
from gateway.storage.engine import open_engine
from gateway.storage.migrate import migrate
from tests.lists import FEW_TERMS
from tests.raw_server import RawServer, Script

CHAT = "/v1/chat/completions"
MODEL = "sluice-standin"
BLOCKED = "哪里有人出售冰毒？"
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"),)
FOREVER_US = 4_000_000_000_000_000
_PATIENCE_SECONDS = 30.0
_T = TypeVar("_T")

HTTP = httpx.Client(verify=False, timeout=_PATIENCE_SECONDS)  # noqa: S501 plain HTTP; certificates take long to load
"""What tests ask with."""
_CLIENT_HTTP = httpx2.Client(verify=False, timeout=_PATIENCE_SECONDS)


@dataclass
class Gateway:
    """A running gateway.

    Attributes:
        url: base URL of the data plane.
        admin_url: base URL of the management plane.
        audit_directory: where its segment files are.
        keys: a key for each kind of account.
        store: its accounts.
        services: its parts; they belong to ``loop``.
        loop: the loop it runs on.
        stopping: tells it to drain; belongs to ``loop``.
    """

    url: str
    admin_url: str
    audit_directory: Path
    keys: dict[AccountKind, str]
    store: AccountStore
    services: Services
    loop: asyncio.AbstractEventLoop
    stopping: asyncio.Event

    def headers(self, kind: AccountKind = AccountKind.USER) -> dict[str, str]:
        """Return the headers a client of an account sends."""
        return {"authorization": f"Bearer {self.keys[kind]}", "content-type": "application/json"}

    def post(self, body: object, *, path: str = CHAT, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Post a body: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        own = self.headers() if headers is None else dict(headers)
        return HTTP.post(self.url + path, content=content, headers=own)

    def openai(self, kind: AccountKind = AccountKind.USER) -> openai.OpenAI:
        """Return an OpenAI client of an account; it never repeats a request by itself."""
        return openai.OpenAI(
            base_url=f"{self.url}/v1", api_key=self.keys[kind], max_retries=0, http_client=_CLIENT_HTTP
        )

    def anthropic(self, kind: AccountKind = AccountKind.USER) -> anthropic.Anthropic:
        """Return an Anthropic client of an account; it never repeats a request by itself."""
        return anthropic.Anthropic(
            base_url=self.url, api_key=self.keys[kind], max_retries=0, http_client=_CLIENT_HTTP
        )

    def on_disk(self) -> list[ExchangeRecord]:
        """Return the exchanges the segment files hold now."""
        return [each for each in entries_under(self.audit_directory) if isinstance(each, ExchangeRecord)]

    def events(self) -> list[Event]:
        """Return the events the segment files hold now."""
        return events_under(self.audit_directory)

    def since(self, began_us: int) -> list[ExchangeRecord]:
        """Return what is on disk of exchanges that began at a time or later: those of earlier tests may come late."""
        return [each for each in self.on_disk() if each.started_at_us >= began_us]

    def records(self, count: int) -> list[ExchangeRecord]:
        """Return the entries once there are so many."""
        eventually(lambda: len(self.on_disk()) >= count)
        return self.on_disk()

    def record(self, request_id: str) -> ExchangeRecord:
        """Return the one entry of an exchange, once it is on disk."""
        eventually(lambda: any(each.request_id == request_id for each in self.on_disk()))
        (found,) = [each for each in self.on_disk() if each.request_id == request_id]
        return found

    def metric(self, name: str, **labels: str) -> float:
        """Read one number from the management plane; 0 for one that was never counted."""
        page = HTTP.get(f"{self.admin_url}/metrics").text
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in page.splitlines():
            series, _, value = line.rpartition(" ")
            found, _, rest = series.partition("{")
            if found == name and wanted == {each for each in rest.rstrip("}").split(",") if each}:
                return float(value)
        return 0.0

    def do(self, action: Callable[[], _T]) -> _T:
        """Run something on the gateway's loop."""

        async def run() -> _T:
            return action()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(_PATIENCE_SECONDS)


def entries_under(audit_directory: Path) -> list[ExchangeRecord | ContentEntry | Event]:
    """Return what the segment files under an audit directory hold, log by log."""
    logs = log_directories(audit_directory)
    return [decode(stored.entry) for log in logs for stored in read_log(log)]


def events_under(audit_directory: Path) -> list[Event]:
    """Return the events under an audit directory, log by log.

    Without the making of the signing key: which process is the first to need one is not what tests ask.
    """
    events = [each for each in entries_under(audit_directory) if isinstance(each, Event)]
    return [event for event in events if event.name is not EventName.AUDIT_KEY_CREATED]


def chat(prompt: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401 any JSON
    """Return the body of a chat request."""
    return {"model": MODEL, "messages": messages_of(prompt), **members}


def messages_of(prompt: str) -> list[Any]:
    """Return a conversation of one prompt; the client's own type for a message is a union of many."""
    return [{"role": "user", "content": prompt}]


def stream_of(served: Gateway, prompt: str, **members: Any) -> bytes:  # noqa: ANN401 any JSON
    """Return a streamed answer as the bytes that came."""
    return served.post(chat(prompt, stream=True, **members)).content


def said_in(frames: list[dict[str, Any]], index: int = 0) -> str:
    """Return what the frames of a stream say together in one choice."""
    choices = (choice for frame in frames for choice in frame["choices"] if choice["index"] == index)
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def eventually(condition: Callable[[], bool]) -> None:
    """Wait for what another process, thread or kernel does and nobody signals."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


def receive_until(client: socket.socket, mark: bytes) -> bytes:
    """Read from a socket until something has come."""
    received = b""
    while mark not in received:
        piece = client.recv(65536)
        assert piece, f"the connection ended behind {received!r}"
        received += piece
    return received


@contextmanager
def gateway(
    folder: Path, upstream: str, settings: Mapping[str, Any] | None = None, ops: FileOps | None = None
) -> Iterator[Gateway]:
    """Run a gateway in a thread while the block runs.

    Args:
        folder: for its store and its audit trail.
        upstream: base URL of the model server, without ``/v1``.
        settings: settings besides those it needs; its lists are few terms unless these name others, and it has no
            classifier unless they name one.
        ops: file operations of its audit trail.
    """
    own: dict[str, Any] = {
        "upstreams": [{"name": "test", "base_url": f"{upstream}/v1"}],
        "store": {"url": f"sqlite:///{folder / 'store.db'}"},
        "audit": {"directory": str(folder / "audit"), "batch_milliseconds": 5},
        "labels": {"content_producer": "example-operator"},
        "lists": {"versions": str(folder / "lists"), **FEW_TERMS},
        # Tests of a module share a gateway and its accounts, and send whatever they need.
        "strikes": {"enabled": False},
    }
    if "classifiers" not in (settings or {}):
        # The shipped one takes a second to load, and has an opinion of what tests say.
        own["policies"] = {"default": {half: {"classifier": "off"} for half in ("request", "response")}}
    ready: Future[Gateway] = Future()
    thread = threading.Thread(target=_run, args=(merge(own, dict(settings or {})), ops, ready), daemon=True)
    thread.start()
    running = ready.result(_PATIENCE_SECONDS)
    try:
        yield running
    finally:
        running.loop.call_soon_threadsafe(running.stopping.set)
        thread.join(_PATIENCE_SECONDS)
        assert not thread.is_alive()


def _run(tree: dict[str, Any], ops: FileOps | None, ready: "Future[Gateway]") -> None:
    try:
        asyncio.run(_serve(tree, ops, ready))
    except BaseException as exc:
        if ready.done():
            raise
        ready.set_exception(exc)


async def _serve(tree: dict[str, Any], ops: FileOps | None, ready: "Future[Gateway]") -> None:
    loaded = load(None, {}, tree)
    serving = require_serving(loaded, {})
    audit_directory = loaded.settings.audit.directory
    migrate(loaded.settings.store.url)
    engine = open_engine(loaded.settings.store.url)
    stopping = asyncio.Event()
    with open_socket("127.0.0.1", 0) as data_socket, open_socket("127.0.0.1", 0) as management_socket:
        in_force = build_active(loaded.settings.lists, datetime.now(UTC))
        async with services_of(loaded, serving, in_force, open_upstreams(loaded, serving)) as services:
            if ops is not None:
                await services.appender.close()
                limits = SpoolLimits(interval_seconds=0.005, retry_seconds=0.005, retry_limit_seconds=0.01)
                services.appender = Appender(
                    audit_directory, ops=ops, limits=limits, fail_mode=loaded.settings.audit.fail_mode
                )
            store = AccountStore(engine)
            keys = make_accounts(store)
            await services.directory.refresh()
            ready.set_result(
                Gateway(
                    base_url(data_socket),
                    base_url(management_socket),
                    audit_directory,
                    keys,
                    store,
                    services,
                    asyncio.get_running_loop(),
                    stopping,
                )
            )
            drain_seconds = loaded.settings.server.drain_seconds
            await run_planes(services, data_socket, management_socket, drain_seconds, stopping)
            if ops is not None:
                await services.appender.close()
    engine.dispose()


def make_accounts(store: AccountStore) -> dict[AccountKind, str]:
    """Make one account of each kind; return their keys."""
    drafts = [
        AccountDraft("user", AccountKind.USER, trusts_end_user=True),
        AccountDraft("audit", AccountKind.AUDIT),
        AccountDraft("unfiltered", AccountKind.UNFILTERED, expires_at_us=FOREVER_US, allow_from=LOOPBACK),
    ]
    return {account.kind: key for account, key in store.create_all(drafts, at_us=1)}


class Scripted:
    """A scripted server on a loop of its own, for tests that wait in the ordinary way."""

    def __init__(self, server: RawServer, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self._loop = loop

    @property
    def url(self) -> str:
        """Return its base URL, without ``/v1``."""
        return self.server.base_url.removesuffix("/v1")

    def wait(self, event: asyncio.Event) -> None:
        """Wait until something happened there."""
        asyncio.run_coroutine_threadsafe(event.wait(), self._loop).result(_PATIENCE_SECONDS)

    def kill(self) -> None:
        """Take no more connections, and end the newest one."""
        done = asyncio.Event()
        for action in (self.server.stop_listening, self.server.shut_down_now, done.set):
            self._loop.call_soon_threadsafe(action)
        self.wait(done)

    def set(self, event: asyncio.Event) -> None:
        """Let a script that waits for an event go on."""
        self._loop.call_soon_threadsafe(event.set)


@contextmanager
def scripted(*scripts: Script) -> Iterator[Scripted]:
    """Run a scripted server in a thread while the block runs."""
    ready: Future[tuple[Scripted, asyncio.Event]] = Future()

    async def serve() -> None:
        ended = asyncio.Event()
        async with RawServer(*scripts) as server:
            ready.set_result((Scripted(server, asyncio.get_running_loop()), ended))
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    running, ended = ready.result(_PATIENCE_SECONDS)
    try:
        yield running
    finally:
        running.set(ended)
        thread.join(_PATIENCE_SECONDS)


class AsgiClient:
    """The server's side of a client that asks, and leaves when told to.

    Attributes:
        sent: what it was sent.
        left: set to make it leave; belongs to the gateway's loop.
        told: set when the gateway hears of that.
    """

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.left = asyncio.Event()
        self.told = threading.Event()

    def ask(self, running: Gateway, send: Callable[[Any], Awaitable[None]], prompt: str = "你好") -> None:
        """Ask for a stream, and wait until the gateway is done with it."""
        headers = [(b"x-api-key", running.keys[AccountKind.USER].encode())]
        scope = {"type": "http", "method": "POST", "path": CHAT, "headers": headers, "client": ("127.0.0.1", 1)}
        messages = [{"type": "http.request", "body": orjson.dumps(chat(prompt, stream=True)), "more_body": False}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            await self.left.wait()
            self.told.set()
            return {"type": "http.disconnect"}

        exchange = Endpoint(lambda: running.services)(scope, receive, send)
        asyncio.run_coroutine_threadsafe(exchange, running.loop).result(30)


@contextmanager
def in_front_of(folder: Path, script: Script, *, idle_seconds: float = 0.6) -> Iterator[tuple[Gateway, Scripted]]:
    """Run a gateway in front of a script, with little patience."""
    with scripted(script) as upstream:
        patience = {"connect_seconds": 5, "first_byte_seconds": idle_seconds, "idle_seconds": idle_seconds}
        own = {"name": "test", "base_url": f"{upstream.url}/v1", **patience}
        with gateway(folder, upstream.url, {"upstreams": [own]}) as running:
            yield running, upstream


def reply(body: bytes, *, status: bytes = b"200 OK", content_type: bytes = b"application/json") -> bytes:
    """Return a whole reply of a model server."""
    length = str(len(body)).encode()
    return b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %b\r\n\r\n%b" % (status, content_type, length, body)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
STREAM_END = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def chunk(data: bytes) -> bytes:
    """Return data as a chunk of a body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def delta(text: str, *, finish: str | None = None) -> bytes:
    """Return a frame that brings a piece of the answer, as a chunk."""
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
    frame = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return chunk(b"data: " + orjson.dumps(frame) + b"\n\n")


def whole_answer(text: str) -> bytes:
    """Return the body of a reply that is not streamed."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return orjson.dumps(
        {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": None}
    )


def frames_of(raw: bytes) -> list[dict[str, Any]]:
    """Return the documents of a stream as a client received it."""
    datas = [line.removeprefix(b"data: ") for line in raw.split(b"\n") if line.startswith(b"data: ")]
    return [orjson.loads(data) for data in datas if data != b"[DONE]"]


def expect_error(gateway: Gateway, code: ErrorCode, act: Callable[[], httpx.Response]) -> httpx.Response:
    """Do something that fails; check answer, id, entry and counter against the table of errors."""
    before = gateway.metric("sluice_errors_total", code=code)
    response = act()
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (ANSWERS[code].status, code)
    assert error["message"].startswith(ANSWERS[code].message)
    assert error["type"] == "sluice_error"
    record = gateway.record(response.headers["x-request-id"])
    assert (record.error, record.status) == (code, ANSWERS[code].status)
    assert gateway.metric("sluice_errors_total", code=code) == before + 1
    return response
