"""The driver: carries one exchange's commands out and tells it what happened.

It owns the sockets, the clock and the waiting, and decides nothing. Rules: commands are carried out in their order;
`send` is awaited before the next read from the model server, which is the backpressure; when the client leaves, the
exchange hears of it at once, whatever is being waited for; a large document is read and judged in a thread of its
own, since the exchange neither waits nor looks around and may run anywhere, one step at a time.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, ClassVar, Final

import structlog

from gateway import metrics
from gateway.audit.entry import encode_exchange
from gateway.errors import ErrorCode, RequestError, ResourceError, UpstreamError
from gateway.protocol import commands as wish
from gateway.protocol import events as fact
from gateway.protocol.exchange import Exchange
from gateway.protocol.judge import Decision
from gateway.protocol.record import Added, ExchangeRecord, Latency
from gateway.protocol.states import State
from gateway.proxy.admission import Asker, Verdict
from gateway.proxy.classifying import ScoreBox
from gateway.proxy.keep_alive import KeepAlive
from gateway.proxy.services import Services
from gateway.proxy.upstream.decoded import Reply
from gateway.proxy.upstream.fleet import Ask
from gateway.strikes.person import Person

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
# Those in which nothing but the classifier is waited for.
_SCORED_STATES = frozenset({State.CLASSIFYING, State.SETTLING})

LARGE_BYTES: Final = 16 * 1024
"""Documents above this are read in the document thread.

Up to it, one of prose takes the loop a third of a millisecond, and one of nothing but short strings ten.
"""

# Facts whose step reads, judges or writes a whole document. A scan that was not done inline was one of a long text.
_DOCUMENT_FACTS: Final = frozenset(
    {
        *(fact.RequestReceived, fact.Admitted, fact.UpstreamFinished, fact.ScanCompleted, fact.ScanFailed),
        *(fact.TextsScored, fact.ScoringFailed, fact.FilesLabelled, fact.LabellingFailed),
    }
)

# Statuses whose ``retry-after`` is the model server's to give (RFC 9110 section 10.2.3), and what it may look like:
# seconds or a date, and no text that nobody has scanned.
_BUSY: Final = frozenset({429, 503})
_RETRY_AFTER: Final = re.compile(rb"\d{1,6}|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


class Driver:
    """Drives one exchange.

    Args:
        exchange: what decides.
        services: what carries out.
        asker: who asks, as far as the head of the request tells.
        receive: ASGI; the request's body was read, so what comes next is the client's leave.
        send: ASGI.
        forwarded: headers of the client's that the model server is sent.
        extra: headers the answer has besides its own.
    """

    __slots__ = (
        "_asker",
        "_busy_status",
        "_document_bytes",
        "_exchange",
        "_extra",
        "_forwarded",
        "_gone",
        "_head_sent",
        "_keep_alive",
        "_receive",
        "_recorded",
        "_release",
        "_reply",
        "_retry_after",
        "_scores",
        "_send",
        "_services",
        "_started_ns",
        "_streaming",
        "_suspect",
        "_task",
        "_timing",
        "_watcher",
    )

    def __init__(
        self,
        exchange: Exchange,
        services: Services,
        asker: Asker,
        receive: Receive,
        send: Send,
        *,
        forwarded: wish.Headers = (),
        extra: wish.Headers = (),
    ) -> None:
        self._exchange = exchange
        self._services = services
        self._asker = asker
        self._receive = receive
        self._send = send
        self._forwarded = forwarded
        self._extra = extra
        self._busy_status, self._retry_after = 0, b""
        self._document_bytes = 0
        self._reply: Reply | None = None
        self._task: asyncio.Task[Any] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._keep_alive: KeepAlive | None = None
        self._gone = False
        self._timing = metrics.Timing()
        self._started_ns = 0
        self._head_sent = False
        self._recorded = False
        self._release: Callable[[], None] | None = None
        self._scores: ScoreBox | None = None
        self._streaming = False
        self._suspect: Person | None = None

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
            _LOG.exception("exchange_failed", request_id=self._exchange.context.request_id)
            await self._give_up()
        finally:
            watch.cancel()
            if self._watcher is not None:
                self._watcher.cancel()
            # A cancelled task keeps its error, that its frames, and those us: let go of it, or every long stream
            # would stay in memory until the collector comes round.
            self._watcher = self._task = None
            self._let_go()

    def _let_go(self) -> None:
        """Give back what the exchange holds, however it ended."""
        if self._reply is not None:
            self._reply.close()
        if self._scores is not None:
            self._scores.close()
        # However the stream ended, else the gauge would creep up with each client that leaves.
        if self._streaming:
            metrics.STREAMS_OPEN.dec()
            self._services.streams.discard(self._exchange)
        if self._keep_alive is not None:
            self._keep_alive.stop()
        if self._release is not None:
            self._release()

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
        if self._exchange.asked is not None and not self._recorded:
            await self._append(self._exchange.asked._replace(durable=False))

    async def _drive(self, event: fact.Event | None) -> None:
        exchange = self._exchange
        while True:
            if event is None:
                event = await self._next()
                if event is None:
                    return
            if type(event) in _DOCUMENT_FACTS and self._is_large(event):
                commands = await self._tell_apart(event)
            else:
                commands = exchange.receive_event(event, time.time_ns() // 1000)
            event = None
            for command in commands:
                event = await self._HANDLERS[type(command)](self, command)

    async def _next(self) -> fact.Event | None:
        """Wait for whatever the exchange waits for; None at its end."""
        state, box = self._exchange.state, self._scores
        if box is not None and state in _SCORED_STATES:
            return await box.next()
        if box is not None and state is State.STREAMING and box.expects and self._reply is not None:
            began = time.perf_counter_ns()
            answer = await box.before(self._reply.read)
            self._timing.upstream_ns += time.perf_counter_ns() - began
            if answer is not None:
                return answer
        return await self._read() if state in _UPSTREAM_STATES else None

    def _is_large(self, event: fact.Event) -> bool:
        if isinstance(event, fact.RequestReceived):
            self._document_bytes = len(event.body)
        return self._document_bytes > LARGE_BYTES

    async def _tell_apart(self, event: fact.Event) -> list[wish.Command]:
        """Tell the exchange of a large document in the document thread, so that no other exchange waits for it."""
        step = partial(self._exchange.receive_event, event, time.time_ns() // 1000)
        try:
            return await self._services.document_thread.run(step)
        except ResourceError as exc:
            # Before anything was judged it can be turned away; later on, the loop had better wait a little.
            if isinstance(event, fact.RequestReceived | fact.Admitted):
                known = event.standing if isinstance(event, fact.Admitted) else None
                refused = fact.RequestRefused(exc.code, standing=known)
                return self._exchange.receive_event(refused, time.time_ns() // 1000)
            return step()

    async def _read(self) -> fact.Event:
        if self._reply is None:
            raise RuntimeError("the exchange waits for a reply that was never opened")
        began = time.perf_counter_ns()
        state = self._exchange.state
        closing = state is State.CLOSING
        reading = (self._scores and self._scores.reading()) or self._reply.read()
        try:
            data = await (asyncio.wait_for(reading, _CLOSING_SECONDS) if closing else reading)
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
        if state is State.BUFFERING:
            self._document_bytes += len(data)
        return fact.UpstreamData(data) if data else fact.UpstreamFinished()

    async def _admit(self, command: wish.Admit) -> fact.Event:
        verdict = self._services.admission.admit(self._asker, self._exchange.context.standing, command)
        # Not awaited when memory knows: nearly every request takes this way.
        if not isinstance(verdict, Verdict):
            verdict = await verdict
        self._extra += verdict.headers
        self._release = verdict.release
        self._suspect = verdict.suspect
        return verdict.event

    async def _note(self, command: wish.NoteStrike) -> fact.Event:
        context = self._exchange.context
        return await self._services.admission.note(self._asker, context.standing, command.strike, context.request_id)

    async def _open(self, command: wish.OpenUpstream) -> fact.Event:
        began = time.perf_counter_ns()
        self._timing.request_ns = began - self._started_ns
        context = self._exchange.context
        # Nearly nobody has a row of strikes to end. A prompt that nobody read is not known to be clean.
        if self._suspect is not None and context.dialect.generates:
            unread = self._exchange.decision is Decision.UNSCANNED
            failed = None if unread else await self._services.admission.end_row(self._suspect)
            if failed is not None:
                return fact.UpstreamFailed(failed)
        # The client's key is ours to check and not the model server's to see; few of its headers go on.
        headers = (*command.headers, (b"x-request-id", context.request_id.encode()), *self._forwarded)
        ask = Ask(command.method, command.path, headers, command.body, command.model, context.dialect.name)
        try:
            try:
                self._reply, upstream = await self._services.upstreams.open(ask)
            finally:
                self._timing.upstream_ns = time.perf_counter_ns() - began
        except RequestError as exc:
            self._timing.upstream_ns = 0  # nobody was asked
            return fact.UpstreamFailed(exc.code)
        except UpstreamError as exc:
            return fact.UpstreamFailed(exc.code)
        # From here on the document is the reply.
        self._document_bytes = 0
        status, content_type = self._reply.status, b""
        for name, value in self._reply.headers:
            if name == b"content-type":
                content_type = value
            elif name == b"retry-after" and status in _BUSY and _RETRY_AFTER.fullmatch(value):
                self._busy_status, self._retry_after = status, value
        return fact.UpstreamStarted(status, content_type.decode("latin-1").lower(), upstream)

    async def _close(self, _command: wish.CloseUpstream) -> None:
        if self._reply is not None:
            self._reply.close()

    async def _scan(self, command: wish.ScanText) -> fact.Event:
        standing = self._exchange.context.standing
        return await self._services.scan_pool.scan(command, standing.ruleset, standing.other)

    async def _score(self, command: wish.ScoreTexts) -> None:
        panel = self._services.classifier
        if panel is None:
            raise RuntimeError("the exchange asks a classifier that is not there")
        if self._scores is None:
            self._scores = ScoreBox(panel, self._exchange.context.request_id)
        self._scores.ask(command)

    async def _label(self, command: wish.LabelFiles) -> fact.Event:
        return await self._services.file_labeller.label(command, self._exchange.context.request_id)

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
        sealed = self._services.sealer.seal(command.record, command.evidence)
        entry = encode_exchange(command.record, Added(*sealed, self._latency(command.record)))
        self._services.admission.conclude(self._asker, self._exchange.context.standing, command.record)
        try:
            # An intervention is on disk before its effect is seen; an ordinary answer may leave before its batch is.
            if command.durable:
                began = time.perf_counter()
                # Without a sequence it is not durable, and the fail mode says to go on.
                if await self._services.appender.append(entry) is not None:
                    metrics.AUDIT_APPEND.observe(time.perf_counter() - began)
            else:
                self._services.appender.append_soon(entry)
        except ResourceError:
            # Told and not raised: what an exchange without a record becomes is for the core to decide.
            return fact.AuditFailed()
        return fact.AuditAppended()

    def _latency(self, record: ExchangeRecord) -> Latency:
        timing = self._timing
        streamed = record.streamed
        return Latency(
            timing.request_ns // 1000,
            timing.response_ns // 1000,
            timing.upstream_ns // 1000,
            # Of a whole reply, the first piece is nothing a client sees.
            timing.first_upstream_ns // 1000 if streamed else 0,
            timing.first_added_ns // 1000 if streamed else 0,
        )

    async def _start(self, command: wish.SendStart) -> None:
        # Before the wait: a head that may have left cannot be taken back, and a second one would corrupt the answer.
        self._head_sent = True
        if self._exchange.state in (State.STREAMING, State.PASSING):
            self._streaming = True
            metrics.STREAMS_OPEN.inc()
            self._services.streams.add(self._exchange)
        headers = command.headers + self._extra
        # Only with its own status: what else became of the reply is another reason to wait, or none.
        if command.status == self._busy_status and not any(name == b"retry-after" for name, _ in headers):
            headers += ((b"retry-after", self._retry_after),)
        await self._send({"type": "http.response.start", "status": command.status, "headers": headers})
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
        wish.Admit: _admit,
        wish.NoteStrike: _note,
        wish.OpenUpstream: _open,
        wish.CloseUpstream: _close,
        wish.ScanText: _scan,
        wish.ScoreTexts: _score,
        wish.LabelFiles: _label,
        wish.AppendAudit: _append,
        wish.SendStart: _start,
        wish.SendData: _data,
        wish.SendEnd: _end,
    }


def _comment_for(exchange: Exchange) -> bytes:
    """Return what the client of a stream is told that waited."""
    # A stream that waits for its record, or for the model server's end, has its last words on the way.
    if exchange.state not in (State.STREAMING, State.SETTLING):
        return b""
    commands = exchange.receive_event(fact.ClientWaited(), time.time_ns() // 1000)
    return b"".join([command.data for command in commands if isinstance(command, wish.SendData)])
