"""The exchange: one request with its reply, as a pure object. Events in, commands out.

Rules: the table at the end says which event is legal in which state and who takes it; any other raises and changes
nothing. Nothing leaves before its scan; the record is appended before the end of an answer leaves, and is durable
before a refusal or a notice does. `ClientDisconnected` is legal in every state: the answer has no reader any more,
the record is still made.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Any, ClassVar, cast

import orjson

from filters.findings import Action, Phase, Stage
from gateway.errors import ANSWERS, ErrorCode, RequestError
from gateway.protocol import commands as wish
from gateway.protocol import events as fact
from gateway.protocol.answers import AnswerBuilder
from gateway.protocol.buffered import BufferedReply, Texts, judge_texts, label_answers, texts_of
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import Answer, Document, Identity, ParsedRequest
from gateway.protocol.judge import Decision, Judge
from gateway.protocol.personal import Findings, acts_on_personal_data, reads_personal_data, scan_texts
from gateway.protocol.placeholders import Vault
from gateway.protocol.policy import FailMode
from gateway.protocol.record import ExchangeRecord
from gateway.protocol.restoring import restore_document
from gateway.protocol.streaming import StreamedReply

_OK = 200
_ERRORS_FROM = 400
# The model server refuses us, not the client: its answer would mislead.
_CREDENTIALS_REFUSED = frozenset({401, 403, 407})
# The client chooses this name: unbounded, every request could swell the audit trail.
_RECORDED_MODEL_CHARACTERS = 128
_NO_REQUEST = ParsedRequest({}, "", streamed=False, structured=False, language_hint="")  # until one was read


class State(Enum):
    """Where an exchange is."""

    IDLE = auto()
    SCANNING_REQUEST = auto()  # the prompt is long: the scan pool reads it
    AWAITING_UPSTREAM = auto()
    BUFFERING = auto()  # a reply that is not streamed comes in
    SCANNING_REPLY = auto()  # it is long: the scan pool reads it
    STREAMING = auto()
    RECORDING = auto()  # the record is being appended; what follows waits for it
    CLOSING = auto()  # the answer is complete but for the model server's own end
    DONE = auto()


class IllegalEventError(RuntimeError):
    """An event came in a state in which it makes no sense: the driver is wrong."""


class Exchange:
    """One request with its reply.

    Args:
        context: who asks, in which format, by which rules.

    Attributes:
        state: where it is.
        record: what was recorded of it, once it was.
    """

    def __init__(self, context: ExchangeContext) -> None:
        self.state = State.IDLE
        self.record: ExchangeRecord | None = None
        self._context = context
        self._judge = Judge(context.policy, observe=context.observe)
        self._vault = Vault(context.request_id)
        self._builder = AnswerBuilder(context, self._judge)
        self._request = _NO_REQUEST
        self._texts = Texts((), 0)
        self._prompt_characters = 0
        self._reply: Document = {}
        self._visible: list[Answer] = []  # its visible answers
        self._buffered = BufferedReply(context.bounds.reply_bytes)
        self._stream: StreamedReply | None = None
        self._started_at_us = 0
        self._status = 0
        self._label = "none"
        self._error = ""
        # Kept back until the record is made: what cannot be recorded must not leave.
        self._answer: list[wish.Command] = []  # what leaves once the record is made
        self._after = State.DONE
        self._upstream_open = False
        # Stays empty where no generated reply was sent: a refusal is the gateway's own text and is no product.
        self._produce_id = ""

    @property
    def decision(self) -> Decision:
        """The decision so far."""
        return self._judge.decision

    def receive_event(self, event: fact.Event, at_us: int) -> list[wish.Command]:
        """Take one fact; return what should be done about it. Never waits, never reads a clock.

        Args:
            event: the fact.
            at_us: when it happened, in microseconds of Unix time.

        Raises:
            IllegalEventError: the event is not legal in this state; nothing changed.
        """
        # Before the table: a leave is legal everywhere, and a row for it in each state would say nothing more.
        if isinstance(event, fact.ClientDisconnected):
            return self._on_disconnect(at_us)
        handler = self._TABLE[self.state].get(type(event))
        if handler is None:
            raise IllegalEventError(f"{type(event).__name__} in {self.state.name}")
        return handler(self, event, at_us)

    def give_up(self, at_us: int) -> list[wish.Command]:
        """Return how to end an exchange on which the gateway itself failed, before anything was sent.

        Args:
            at_us: the time, in microseconds of Unix time.
        """
        # One exchange is one entry: what the trail already has is not recorded a second time.
        recorded, self.state = self.state in (State.RECORDING, State.DONE), State.DONE
        self._error, self._status = ErrorCode.INTERNAL, ANSWERS[ErrorCode.INTERNAL].status
        record: list[wish.Command] = [] if recorded else [wish.AppendAudit(self._make_record(at_us), durable=False)]
        return [*record, *self._builder.error(ErrorCode.INTERNAL)]

    def _on_request(self, event: fact.RequestReceived, at_us: int) -> list[wish.Command]:
        self._started_at_us = at_us
        try:
            self._request = self._context.dialect.parse_request(event.body)
        except RequestError as exc:
            # Its message names a member and never quotes a value, so it may be shown.
            return self._fail(exc.code, at_us, str(exc))
        self._builder.identity = Identity(self._context.request_id, self._request.model, at_us // 1_000_000)
        # The whole document, every role and the history: a place that is not read would be a way round.
        self._texts = texts_of(self._request.document)
        self._prompt_characters = self._texts.characters
        return self._scan(Phase.REQUEST, at_us)

    def _on_refused(self, event: fact.RequestRefused, at_us: int) -> list[wish.Command]:
        self._started_at_us = at_us
        return self._fail(event.code, at_us)

    def _scan(self, phase: Phase, at_us: int) -> list[wish.Command]:
        texts = self._texts
        # A hop to the pool costs more than a short scan; a long scan on the loop delays every other stream.
        if texts.characters > self._context.bounds.inline_scan_characters:
            self.state = State.SCANNING_REQUEST if phase is Phase.REQUEST else State.SCANNING_REPLY
            return [wish.ScanText(phase, tuple(group.text for group in texts.groups), self._reads_personal(phase))]
        plain = [group.text for group in texts.groups]
        found = scan_texts(self._context.ruleset, phase, plain, personal=self._reads_personal(phase))
        return self._judged(phase, found, at_us)

    def _reads_personal(self, phase: Phase) -> bool:
        return reads_personal_data(self._context.policy, phase)

    def _on_scanned(self, event: fact.ScanCompleted, at_us: int) -> list[wish.Command]:
        self._check_scan(event)
        # A scan short by one text would let that text pass unread.
        if len(event.findings) != len(self._texts.groups):
            raise IllegalEventError("a scan must answer for each text")
        return self._judged(event.phase, event.findings, at_us)

    def _on_scan_failed(self, event: fact.ScanFailed, at_us: int) -> list[wish.Command]:
        self._check_scan(event)
        # One scan serves all stages, so all are missed, and any may close; but not one that would only have noted.
        missed = [Stage.KEYWORDS]
        if acts_on_personal_data(self._context.policy, event.phase):
            missed.append(Stage.PERSONAL_DATA)
        if FailMode.CLOSED in [self._judge.unscanned(event.phase, stage, event.reason) for stage in missed]:
            return self._fail(ErrorCode.SCAN_FAILED, at_us)
        # Open: as if nothing was found; the tally already says `unscanned`, so it cannot be recorded as allowed.
        return self._judged(event.phase, tuple(() for _ in self._texts.groups), at_us)

    def _check_scan(self, event: fact.ScanCompleted | fact.ScanFailed) -> None:
        """A scan of the prompt says nothing about the reply."""
        asked = Phase.REQUEST if self.state is State.SCANNING_REQUEST else Phase.RESPONSE
        if event.phase is not asked:
            raise IllegalEventError(f"a scan of the {event.phase} in {self.state.name}")

    def _judged(self, phase: Phase, findings: Findings, at_us: int) -> list[wish.Command]:
        action = judge_texts(phase, self._texts, findings, self._judge, self._vault)
        if action is Action.BLOCK:
            return self._refuse(at_us)
        if phase is Phase.RESPONSE:
            return self._deliver(at_us, changed=action is Action.MASK)
        # Encoded again and not passed on as it came: two members of one name would be read one way here and perhaps
        # another way there.
        self.state = State.AWAITING_UPSTREAM
        # From the wish on, not from the first byte: a client that leaves before it must end the request as well.
        self._upstream_open = True
        return [wish.OpenUpstream(self._context.dialect.upstream_path, orjson.dumps(self._request.document))]

    def _on_upstream_started(self, event: fact.UpstreamStarted, at_us: int) -> list[wish.Command]:
        self._status = event.status
        # Our key is wrong, not the client's: passed on, the answer would send it looking for a fault of its own.
        if event.status in _CREDENTIALS_REFUSED:
            return self._fail(ErrorCode.UPSTREAM_REFUSED, at_us)
        # Redirects are not followed: where they lead to is nobody the operator has named.
        if event.status != _OK and event.status < _ERRORS_FROM:
            return self._fail(ErrorCode.UPSTREAM_MALFORMED, at_us)
        request = self._request
        # Asked for and sent: some servers answer a request for a stream with one whole document.
        if event.status == _OK and request.streamed and event.content_type.startswith("text/event-stream"):
            self.state = State.STREAMING
            self._produce_id = self._context.request_id
            self._stream = StreamedReply(
                self._context, self._judge, self._builder.identity, self._vault, structured=request.structured
            )
            return [self._builder.stream_start()]
        self.state = State.BUFFERING
        return []

    def _on_frames(self, event: fact.UpstreamData, at_us: int) -> list[wish.Command]:
        stream = self._streaming()
        out = stream.feed(event.data)
        sent: list[wish.Command] = [wish.SendData(out)] if out else []
        # What was cleared before the stop leaves first, however the bytes were cut.
        if stream.stop:
            return sent + self._cut(stream, stream.stop, at_us)
        # At the terminator, not at the server's own end: a connection kept open must not hold the last frame back.
        return sent + self._end_stream(stream, at_us, State.CLOSING) if stream.done else sent

    def _on_stream_finished(self, _event: fact.UpstreamFinished, at_us: int) -> list[wish.Command]:
        self._upstream_open = False
        # An end by the rules of HTTP is an end, also without a terminator: some servers send none.
        return self._end_stream(self._streaming(), at_us, State.DONE)

    def _on_stream_failed(self, event: fact.UpstreamFailed, at_us: int) -> list[wish.Command]:
        return self._cut(self._streaming(), event.code, at_us)

    def _on_piece(self, event: fact.UpstreamData, at_us: int) -> list[wish.Command]:
        self._buffered.feed(event.data)
        return self._fail(ErrorCode.UPSTREAM_MALFORMED, at_us) if self._buffered.overflowed else []

    def _on_reply_finished(self, _event: fact.UpstreamFinished, at_us: int) -> list[wish.Command]:
        self._upstream_open = False
        document = self._parse_reply()
        if document is None:
            # An error page that is no JSON cannot be scanned text by text; an error of our own stands in for it.
            failed = self._status >= _ERRORS_FROM
            return self._fail(ErrorCode.UPSTREAM_ERROR if failed else ErrorCode.UPSTREAM_MALFORMED, at_us)
        self._reply = document
        self._texts = texts_of(document)
        return self._scan(Phase.RESPONSE, at_us)

    def _parse_reply(self) -> Document | None:
        document = self._buffered.parse()
        try:
            self._visible = self._context.dialect.answers(document or {})
        except ValueError:
            return None
        return document

    def _on_upstream_failed(self, event: fact.UpstreamFailed, at_us: int) -> list[wish.Command]:
        return self._fail(event.code, at_us)

    def _on_rest(self, _event: fact.UpstreamData, _at_us: int) -> list[wish.Command]:
        """Bytes behind the terminator are not forwarded: no client reads them, nobody scanned them."""
        return []

    def _on_closed(self, _event: fact.Event, _at_us: int) -> list[wish.Command]:
        # Also when the server fails now: the answer is complete and recorded, its bad end harms no reader.
        self.state = State.DONE
        self._upstream_open = False
        return [wish.SendEnd()]

    def _on_audit_appended(self, _event: fact.AuditAppended, _at_us: int) -> list[wish.Command]:
        self.state = self._after
        return self._answer

    def _on_audit_failed(self, _event: fact.AuditFailed, _at_us: int) -> list[wish.Command]:
        """What cannot be recorded does not happen: the answer is replaced by an error."""
        self.state = State.DONE
        # The client has left: there is nobody to tell.
        if not self._answer:
            return []
        # A stream has begun and cannot become a 503 any more: it ends with an error frame.
        if self._stream is not None:
            return [*self._close(), *self._builder.broken(self._stream, ErrorCode.AUDIT_UNAVAILABLE)]
        return self._builder.error(ErrorCode.AUDIT_UNAVAILABLE)

    def _on_disconnect(self, at_us: int) -> list[wish.Command]:
        state, self._answer, self._after = self.state, [], State.DONE
        closing = self._close()
        if state is State.CLOSING:
            self.state = State.DONE
        # The entry is made or on its way; a leave is not worth a second one.
        if state in (State.RECORDING, State.CLOSING, State.DONE):
            return closing
        self._error = ErrorCode.CLIENT_DISCONNECTED
        return [*closing, self._append(at_us)]

    def _close(self) -> list[wish.Command]:
        """Let go of the model server where it is still at work."""
        was_open, self._upstream_open = self._upstream_open, False
        return [wish.CloseUpstream()] if was_open else []

    def _refuse(self, at_us: int) -> list[wish.Command]:
        """The prompt, or a reply that is not streamed, is blocked: nothing of it was shown."""
        self._answer = self._builder.refusal(self._request)
        self._status = self._builder.refusal_status
        # Durable: a refusal that could not be proved later must not leave.
        return [self._append(at_us, durable=True)]

    def _deliver(self, at_us: int, *, changed: bool) -> list[wish.Command]:
        document, status = self._reply, self._status
        # Behind the scan, which is of what the model said; the values are the user's own.
        if self._vault and restore_document(document, self._vault, structured=self._request.structured):
            changed = True
        if changed:
            self._context.dialect.withhold(document)
        # An error of the model server is no generated content: it gets neither label nor number.
        if status == _OK:
            self._produce_id = self._context.request_id
            structured = self._request.structured
            self._label = label_answers(self._visible, self._context.labelling, structured=structured)
        else:
            self._error = ErrorCode.UPSTREAM_ERROR
        self._answer = self._builder.reply(status, document, labelled=status == _OK)
        return [self._append(at_us)]

    def _end_stream(self, stream: StreamedReply, at_us: int, after: State) -> list[wish.Command]:
        out = stream.finish()
        sent: list[wish.Command] = [wish.SendData(out)] if out else []
        if stream.stop:
            return sent + self._cut(stream, stream.stop, at_us)
        # Built before the record is made and sent after it: last frame and record say the same was decided.
        closing = stream.closing(self._builder.members())
        self._answer = [wish.SendEnd(closing) if after is State.DONE else wish.SendData(closing)]
        self._after = after
        return [*sent, self._append(at_us)]

    def _cut(self, stream: StreamedReply, code: ErrorCode, at_us: int) -> list[wish.Command]:
        # The model server is let go first: whatever it said behind the cut would be paid for and thrown away.
        if code is ErrorCode.CONTENT_FILTER:
            self._answer = self._builder.notice(stream, self._request)
            return [*self._close(), self._append(at_us, durable=True)]
        # A failure is no intervention: the client need not wait for the disk to hear of it.
        self._error = code
        self._answer = self._builder.broken(stream, code)
        return [*self._close(), self._append(at_us)]

    def _fail(self, code: ErrorCode, at_us: int, detail: str = "") -> list[wish.Command]:
        """Answer with an error; nothing was sent before."""
        self._error = code
        self._answer = self._builder.error(code, detail)
        self._status = ANSWERS[code].status
        return [*self._close(), self._append(at_us)]

    def _streaming(self) -> StreamedReply:
        # The rows of the table that ask for it are reached once it was begun, and never before.
        return cast("StreamedReply", self._stream)

    def _append(self, at_us: int, *, durable: bool = False) -> wish.AppendAudit:
        self.state = State.RECORDING
        self.record = self._make_record(at_us)
        return wish.AppendAudit(self.record, durable)

    def _make_record(self, at_us: int) -> ExchangeRecord:
        context, judge, request, stream = self._context, self._judge, self._request, self._stream
        blocked = judge.decision is Decision.BLOCK
        # Of use for a block only: an answer that came to its end has nothing to take back.
        released = stream.channels.released_characters if stream and blocked else 0
        return ExchangeRecord(
            request_id=context.request_id,
            # A client may leave before its request is complete: such an exchange begins and ends at once.
            started_at_us=self._started_at_us or at_us,
            ended_at_us=at_us,
            account=context.account,
            account_kind=context.account_kind,
            policy=context.policy.name,
            dialect=context.dialect.name,
            model=request.model[:_RECORDED_MODEL_CHARACTERS],
            streamed=request.streamed,
            # A block stays one, whatever failed afterwards: it is what an auditor looks for.
            decision=(Decision.ERROR if self._error and not blocked else judge.decision).value,
            phase=judge.blocked_in,
            retract=released > 0,
            released_characters=released,
            findings=judge.recorded,
            unscanned=judge.not_scanned,
            ruleset=context.ruleset.digest,
            label=stream.channels.label_outcome if stream else self._label,
            produce_id=self._produce_id,
            status=self._status,
            error=str(self._error),
            prompt_characters=self._prompt_characters,
            reply_characters=stream.channels.received_characters if stream else self._reply_characters(),
        )

    def _reply_characters(self) -> int:
        # Before the reply was read, the texts are still the prompt's.
        return self._texts.characters if self._reply else 0

    # A table and not tests in each handler: what is not written here is illegal, and can be seen to be.
    _TABLE: ClassVar[dict[State, dict[type, Callable[[Any, Any, int], list[wish.Command]]]]] = {
        State.IDLE: {fact.RequestReceived: _on_request, fact.RequestRefused: _on_refused},
        State.SCANNING_REQUEST: {fact.ScanCompleted: _on_scanned, fact.ScanFailed: _on_scan_failed},
        State.AWAITING_UPSTREAM: {
            fact.UpstreamStarted: _on_upstream_started,
            fact.UpstreamFailed: _on_upstream_failed,
        },
        State.BUFFERING: {
            fact.UpstreamData: _on_piece,
            fact.UpstreamFinished: _on_reply_finished,
            fact.UpstreamFailed: _on_upstream_failed,
        },
        State.SCANNING_REPLY: {fact.ScanCompleted: _on_scanned, fact.ScanFailed: _on_scan_failed},
        State.STREAMING: {
            fact.UpstreamData: _on_frames,
            fact.UpstreamFinished: _on_stream_finished,
            fact.UpstreamFailed: _on_stream_failed,
        },
        State.RECORDING: {fact.AuditAppended: _on_audit_appended, fact.AuditFailed: _on_audit_failed},
        State.CLOSING: {
            fact.UpstreamData: _on_rest,
            fact.UpstreamFinished: _on_closed,
            fact.UpstreamFailed: _on_closed,
        },
        State.DONE: {},
    }
