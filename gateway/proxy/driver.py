"""The driver: carries one exchange's commands out and tells it what happened.

It owns the sockets, the clock and the waiting, and decides nothing. Rules: commands are carried out in their order;
`send` is awaited before the next read from the model server, which is the backpressure; when the client leaves, the
exchange hears of it at once, whatever is being waited for.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, ClassVar

import structlog

from filters.ruleset import Ruleset
from gateway import metrics
from gateway.audit.entry import encode_exchange
from gateway.errors import ErrorCode, ResourceError, UpstreamError
from gateway.protocol import commands as wish
from gateway.protocol import events as fact
from gateway.protocol.exchange import Exchange, State
from gateway.proxy.keep_alive import KeepAlive
from gateway.proxy.services import Services
from gateway.proxy.upstream.pool import UpstreamReply

_LOG = structlog.get_logger("sluice")

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

# Watching for the client's leave costs a task. Most exchanges of a fast model are over before anyone could leave,
# so the watch begins a little late; a leave before that is noticed then.
_WATCH_AFTER_SECONDS = 0.02

# How long the end of a reply may lag behind its terminator. The client has everything by then but waits for the end.
_CLOSING_SECONDS = 1.0

_UPSTREAM_STATES = frozenset({State.BUFFERING, State.STREAMING, State.PASSING, State.CLOSING})


class Driver:
    """Drives one exchange.

    Args:
        exchange: what decides.
        services: what carries out.
        ruleset: what the exchange began with.
        request_id: passed on to the model server.
        receive: ASGI; the request's body was read, so what comes next is the client's leave.
        send: ASGI.
    """

    __slots__ = (
        "_exchange",
        "_gone",
        "_head_sent",
        "_keep_alive",
        "_receive",
        "_recorded",
        "_reply",
        "_request_id",
        "_ruleset",
        "_send",
        "_services",
        "_started_ns",
        "_streaming",
        "_task",
        "_timing",
        "_watcher",
    )

    def __init__(
        self, exchange: Exchange, services: Services, ruleset: Ruleset, request_id: str, receive: Receive, send: Send
    ) -> None:
        self._exchange = exchange
        self._services = services
        self._ruleset = ruleset
        self._request_id = request_id
        self._receive = receive
        self._send = send
        self._reply: UpstreamReply | None = None
        self._task: asyncio.Task[Any] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._keep_alive: KeepAlive | None = None
        self._gone = False
        self._timing = metrics.Timing()
        self._started_ns = 0
        self._head_sent = False
        self._recorded = False
        self._streaming = False

    async def run(self, event: fact.Event) -> None:
        """Drive the exchange from its first event to its end."""
        self._started_ns = time.perf_counter_ns()
        self._task = asyncio.current_task()
        watch = asyncio.get_running_loop().call_later(_WATCH_AFTER_SECONDS, self._watch)
        try:
            await self._drive(event)
        # The record is owed however the exchange ends, so it is made before the cancellation goes on.
        except asyncio.CancelledError:
            await self._leave()
            if not self._gone:  # the server is stopping
                raise
            if self._task is not None:
                self._task.uncancel()
        except Exception:  # noqa: BLE001 the outermost frame of an exchange; it is logged, recorded and answered
            # A defect of ours. The stack goes to the log, which holds no text of anybody's; the client gets the id.
            _LOG.exception("exchange_failed", request_id=self._request_id)
            await self._give_up()
        finally:
            watch.cancel()
            if self._watcher is not None:
                self._watcher.cancel()
            # A cancelled task keeps its error, that its frames, and those us: let go of it, or every long stream
            # would stay in memory until the collector comes round.
            self._watcher = self._task = None
            if self._reply is not None:
                self._reply.close()
            # However the stream ended, else the gauge would creep up with each client that leaves.
            if self._streaming:
                metrics.STREAMS_OPEN.dec()
                self._services.streams.discard(self._exchange)
            if self._keep_alive is not None:
                self._keep_alive.stop()

    async def _leave(self) -> None:
        """The answer has no reader any more; the record is made all the same."""
        await self._drive(fact.ClientDisconnected())
        await self._append_made()

    async def _give_up(self) -> None:
        """Record a defect, and answer with it where nothing was sent; else the server cuts the connection.

        The client must not take what it has for the whole answer, so a reply that began is left without its end.
        """
        head_sent = self._head_sent
        for command in self._exchange.give_up(time.time_ns() // 1000):
            recording = isinstance(command, wish.AppendAudit)
            if not self._recorded if recording else not head_sent:
                await self._HANDLERS[type(command)](self, command)
        await self._append_made()

    async def _append_made(self) -> None:
        """Append a record that was made and not appended: it waited behind a piece that could not be sent."""
        if self._exchange.record is not None and not self._recorded:
            await self._append(wish.AppendAudit(self._exchange.record, durable=False))

    async def _drive(self, event: fact.Event | None) -> None:
        exchange = self._exchange
        while True:
            if event is None:
                if exchange.state not in _UPSTREAM_STATES:
                    return
                event = await self._read()
            commands = exchange.receive_event(event, time.time_ns() // 1000)
            event = None
            for command in commands:
                event = await self._HANDLERS[type(command)](self, command)

    async def _read(self) -> fact.Event:
        if self._reply is None:
            raise RuntimeError("the exchange waits for a reply that was never opened")
        began = time.perf_counter_ns()
        closing = self._exchange.state is State.CLOSING
        try:
            data = await (asyncio.wait_for(self._reply.read(), _CLOSING_SECONDS) if closing else self._reply.read())
        except TimeoutError:
            # Only the wait for the end has a limit here; the connection has its own for everything before.
            return fact.UpstreamFailed(ErrorCode.UPSTREAM_TIMEOUT)
        except UpstreamError as exc:
            return fact.UpstreamFailed(exc.code)
        finally:
            waited = time.perf_counter_ns() - began
            self._timing.upstream_ns += waited
        # The wait for the head is in it: a client waits for the first frame, not for our steps.
        if not self._timing.first_upstream_ns:
            self._timing.first_upstream_ns = self._timing.upstream_ns
        return fact.UpstreamData(data) if data else fact.UpstreamFinished()

    async def _open(self, command: wish.OpenUpstream) -> fact.Event:
        began = time.perf_counter_ns()
        self._timing.request_ns = began - self._started_ns
        # None of the client's headers goes on: its key is ours to check and not the model server's to see.
        asked = (*command.headers, (b"x-request-id", self._request_id.encode()))
        try:
            self._reply = await self._services.upstream.open(command.method, command.path, asked, command.body)
        except UpstreamError as exc:
            return fact.UpstreamFailed(exc.code)
        finally:
            self._timing.upstream_ns = time.perf_counter_ns() - began
        content_type = b""
        for name, value in self._reply.headers:
            # Not asked for, and what cannot be read cannot be scanned. Each of them counts: a second one that says
            # "identity" makes the first no better.
            if name == b"content-encoding" and value.strip().lower() != b"identity":
                return fact.UpstreamFailed(ErrorCode.UPSTREAM_MALFORMED)
            if name == b"content-type":
                content_type = value
        return fact.UpstreamStarted(self._reply.status, content_type.decode("latin-1").lower())

    async def _close(self, _command: wish.CloseUpstream) -> None:
        if self._reply is not None:
            self._reply.close()

    async def _scan(self, command: wish.ScanText) -> fact.Event:
        return await self._services.scan_pool.scan(command, self._ruleset)

    async def _append(self, command: wish.AppendAudit) -> fact.Event:
        # Before the wait: one interrupted in it may be on disk already, and must not be appended again.
        self._recorded = True
        own_ns = time.perf_counter_ns() - self._started_ns - self._timing.upstream_ns - self._timing.client_ns
        if self._timing.upstream_ns:
            self._timing.response_ns = own_ns - self._timing.request_ns
        else:
            self._timing.request_ns = own_ns
        metrics.count_exchange(command.record, self._timing)
        metrics.count_lookups(*self._exchange.lookups)
        entry = encode_exchange(command.record)
        try:
            # An intervention is on disk before its effect is seen; an ordinary answer may leave before its batch is.
            if command.durable:
                began = time.perf_counter()
                await self._services.appender.append(entry)
                metrics.AUDIT_APPEND.observe(time.perf_counter() - began)
            else:
                self._services.appender.append_soon(entry)
        except ResourceError:
            # Told and not raised: what an exchange without a record becomes is for the core to decide.
            return fact.AuditFailed()
        return fact.AuditAppended()

    async def _start(self, command: wish.SendStart) -> None:
        # Before the wait: a head that may have left cannot be taken back, and a second one would corrupt the answer.
        self._head_sent = True
        if self._exchange.state in (State.STREAMING, State.PASSING):
            self._streaming = True
            metrics.STREAMS_OPEN.inc()
            self._services.streams.add(self._exchange)
        await self._send({"type": "http.response.start", "status": command.status, "headers": command.headers})
        if self._streaming:
            self._keep_alive = KeepAlive(
                self._services.keep_alive_seconds, partial(_comment_for, self._exchange), self._send
            )
            self._send = self._keep_alive.send

    async def _data(self, command: wish.SendData) -> None:
        began = time.perf_counter_ns()
        # Up to the hand-over: what the client's line takes is not added by us.
        if not self._timing.first_added_ns:
            self._timing.first_added_ns = began - self._started_ns - self._timing.upstream_ns
        await self._send({"type": "http.response.body", "body": command.data, "more_body": True})
        # A client that reads slowly is no time of ours.
        self._timing.client_ns += time.perf_counter_ns() - began

    async def _end(self, command: wish.SendEnd) -> None:
        await self._send({"type": "http.response.body", "body": command.data, "more_body": False})

    def _watch(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._await_leave())

    async def _await_leave(self) -> None:
        """Wait for the client to leave, then interrupt whatever the exchange waits for."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._task is not None:
            self._task.cancel()

    # By exact type: one look-up for each command, where a chain of isinstance would cost several.
    _HANDLERS: ClassVar[dict[type, Callable[[Any, Any], Awaitable[fact.Event | None]]]] = {
        wish.OpenUpstream: _open,
        wish.CloseUpstream: _close,
        wish.ScanText: _scan,
        wish.AppendAudit: _append,
        wish.SendStart: _start,
        wish.SendData: _data,
        wish.SendEnd: _end,
    }


def _comment_for(exchange: Exchange) -> bytes:
    """Return what the client of a stream is told that waited."""
    # A stream that waits for its record, or for the model server's end, has its last words on the way.
    if exchange.state is not State.STREAMING:
        return b""
    commands = exchange.receive_event(fact.ClientWaited(), time.time_ns() // 1000)
    return b"".join([command.data for command in commands if isinstance(command, wish.SendData)])
