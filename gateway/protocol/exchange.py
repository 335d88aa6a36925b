"""The exchange: one request with its reply, as a pure object. Events in, commands out.

Rules: the table at the end says which event is legal in which state and who takes it; any other raises and changes
nothing. Nothing leaves before its scan; the record is appended before the end of an answer leaves, and is durable
before a refusal or a notice does. `ClientDisconnected` is legal in every state: the answer has no reader any more,
the record is still made.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, cast

from filters.findings import Action, Findings, Phase, Stage
from gateway.errors import ANSWERS, ErrorCode, RequestError
from gateway.protocol import commands as wish
from gateway.protocol import delivery
from gateway.protocol import events as fact
from gateway.protocol.answers import AnswerBuilder
from gateway.protocol.asking import ask_upstream, reply_kind
from gateway.protocol.buffered import texts_of
from gateway.protocol.carriage import ReplyKind
from gateway.protocol.context import ExchangeContext
from gateway.protocol.delivery import Delivery
from gateway.protocol.dialects.base import Identity, Input, ParsedRequest
from gateway.protocol.examining import Examination, Examined, Step
from gateway.protocol.file_labels import Refusal, overrun, refused_request
from gateway.protocol.judge import Decision
from gateway.protocol.labels import UNLABELLED, Lack
from gateway.protocol.moderations import input_texts, moderate
from gateway.protocol.nested import scan_nested
from gateway.protocol.placeholders import Vault
from gateway.protocol.policy import FailMode
from gateway.protocol.record import ExchangeRecord
from gateway.protocol.recording import Recording
from gateway.protocol.scanning import left_out
from gateway.protocol.second import judge_by
from gateway.protocol.sse import KEEP_ALIVE
from gateway.protocol.standing import Standing
from gateway.protocol.states import State
from gateway.protocol.streaming import StreamedReply
from gateway.protocol.whole import WholeReply

_OK = 200
_ERRORS_FROM = 400
_NO_REQUEST = ParsedRequest({}, "", streamed=False, structured=False, language_hint="")  # until one was read


class IllegalEventError(RuntimeError):
    """An event came in a state in which it makes no sense: the driver is wrong."""


class Exchange:
    """One request with its reply.

    Args:
        context: who asks, in which format, by which rules.

    Attributes:
        context: who asks, in which format, by which rules; these are provisional until it was admitted.
        state: where it is.
        asked: the wish to record it, once there was one.
    """

    def __init__(self, context: ExchangeContext) -> None:
        self.state = State.IDLE
        self.asked: wish.AppendAudit | None = None
        self.context = context
        self._judge = judge_by(context.standing)
        self._vault = Vault(context.request_id)
        self._builder = AnswerBuilder(context, self._judge)
        self._recording = Recording(context, self._judge)
        self._request = _NO_REQUEST
        self._examination = Examination(context, self._judge, self._vault, self._recording)
        self._whole: WholeReply | None = None
        self._delivery: Delivery | None = None
        self._content_type = ""
        self._stream: StreamedReply | None = None
        # Kept back until the record is made: what cannot be recorded must not leave.
        self._answer: list[wish.Command] = []  # what leaves once the record is made
        self._after = State.DONE
        self._upstream_open = False
        self._passed = False  # bytes went out that nothing can be added to

    @property
    def decision(self) -> Decision:
        """The decision so far."""
        return self._judge.decision

    @property
    def record(self) -> ExchangeRecord | None:
        """What was recorded of it, once it was."""
        return self.asked.record if self.asked else None

    @property
    def lookups(self) -> tuple[int, int]:
        """Texts of the prompt that were known to be clean, and texts that were looked up in vain."""
        return self._examination.lookups

    @property
    def held_characters(self) -> int:
        """Characters of a stream that came and were not let go of."""
        channels = self._stream.channels if self._stream else None
        return channels.received_characters - channels.released_characters if channels else 0

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
        self._recording.error, self._recording.status = ErrorCode.INTERNAL, ANSWERS[ErrorCode.INTERNAL].status
        record: list[wish.Command] = [] if recorded else [self._wish_for_record(at_us, durable=False)]
        return [*record, *self._builder.error(ErrorCode.INTERNAL)]

    def _on_request(self, event: fact.RequestReceived, at_us: int) -> list[wish.Command]:
        self._recording.started_at_us = at_us
        try:
            self._request = self.context.dialect.parse_request(event.body, event.head)
        except RequestError as exc:
            # Its message names a member and never quotes a value, so it may be shown.
            return self._fail(exc.code, at_us, str(exc))
        request = self._request
        self._builder.identity = Identity(self.context.request_id, request.model, at_us // 1_000_000)
        self.state = State.ADMITTING
        named = self._recording.take_request(request)
        return [wish.Admit(named, request.model, len(event.body), request.streamed)]

    def _on_admitted(self, event: fact.Admitted, at_us: int) -> list[wish.Command]:
        # Nearly always the provisional one: then nothing has to be made again.
        if event.standing is not self.context.standing:
            self._take_standing(event.standing)
        if (unread := self._request.unread) is not None:
            # What was sent is well formed; that nobody can read it is told, or recorded where the operator said so.
            mode = self._judge.unscanned(Phase.REQUEST, Stage.KEYWORDS, unread.reason)
            if mode is FailMode.CLOSED:
                return self._fail(ErrorCode.INVALID_REQUEST, at_us, unread.message)
        if wrong := refused_request(self.context, self._request):
            return self._fail(ErrorCode.INVALID_REQUEST, at_us, wrong)
        # The whole document, every role and the history: a place that is not read would be a way round.
        inputs = self._request.inputs
        document = self._request.document
        if inputs is None:
            texts = texts_of(document, left_out(self.context, document, self._judge))
        else:
            texts = input_texts(inputs)
        return self._examined(self._examination.begin_request(texts, self._request), at_us)

    def _take_standing(self, standing: Standing) -> None:
        """Go on by other rules; nothing was judged before."""
        context = self.context = replace(self.context, standing=standing)
        self._judge = judge_by(standing)
        identity = self._builder.identity
        self._builder = AnswerBuilder(context, self._judge)
        self._builder.identity = identity
        self._recording.take_standing(context, self._judge)
        self._examination = Examination(context, self._judge, self._vault, self._recording)

    def _on_refused(self, event: fact.RequestRefused, at_us: int) -> list[wish.Command]:
        # Not at once refused: then it began when it was read.
        self._recording.started_at_us = self._recording.started_at_us or at_us
        # Who is turned away is recorded as who asks, not as the account they asked by.
        if event.standing is not None:
            self._take_standing(event.standing)
        return self._fail(event.code, at_us, event.detail, event.retry_after_seconds)

    def _examined(self, step: Step, at_us: int) -> list[wish.Command]:
        """The examination of the prompt, or of a whole reply, has come to a wish or to its end."""
        if isinstance(step, wish.ScanText | wish.ScoreTexts):
            scans = State.SCANNING_REQUEST if self._examination.phase is Phase.REQUEST else State.SCANNING_REPLY
            self.state = scans if isinstance(step, wish.ScanText) else State.CLASSIFYING
            return [step]
        if step is Examined.UNREAD:
            return self._fail(ErrorCode.SCAN_FAILED, at_us)
        if step is Examined.PASSED:
            return self._go_on(at_us)
        if (strike := self._examination.strike) is None:
            return self._refuse(at_us)
        self.state = State.NOTING
        return [wish.NoteStrike(strike)]

    def _on_answer(self, event: fact.Event, at_us: int) -> list[wish.Command]:
        """A wish of the examination was answered."""
        try:
            step = self._examination.receive(event)
        except ValueError as exc:
            raise IllegalEventError(str(exc)) from exc
        return self._examined(step, at_us)

    def _go_on(self, at_us: int) -> list[wish.Command]:
        """Nothing stops the prompt, or the whole reply."""
        if self._request.inputs is not None:
            return self._answer_itself(self._request.inputs, self._examination.findings, at_us)
        if self._examination.phase is Phase.RESPONSE:
            return self._deliver(self._read_whole(), self._examination.action, at_us)
        self.state = State.AWAITING_UPSTREAM
        # From the wish on, not from the first byte: a client that leaves before it must end the request as well.
        self._upstream_open = True
        return [ask_upstream(self.context, self._request)]

    def _on_strike_noted(self, event: fact.StrikeNoted, at_us: int) -> list[wish.Command]:
        self._builder.strike = event.outcome
        return self._refuse(at_us)

    def _answer_itself(self, inputs: tuple[Input, ...], findings: Findings, at_us: int) -> list[wish.Command]:
        """The client asked for a verdict and not for an answer of the model."""
        document = moderate(inputs, findings, self._builder.identity, self._judge)
        self._recording.status = _OK
        self._answer = self._builder.reply(_OK, document, labelled=False)
        # Whoever asks will stop the text on the strength of it.
        return [self._append(at_us, durable=self._judge.decision is Decision.BLOCK)]

    def _on_upstream_started(self, event: fact.UpstreamStarted, at_us: int) -> list[wish.Command]:
        self._recording.status = event.status
        self._recording.upstream = event.upstream
        kind, request, context = reply_kind(event, self.context, self._request), self._request, self.context
        if isinstance(kind, ErrorCode):
            return self._fail(kind, at_us)
        self._content_type, bounds = event.content_type, context.bounds
        if kind in (ReplyKind.DOCUMENT, ReplyKind.TEXT, ReplyKind.FILE):
            self.state = State.BUFFERING
            limit = bounds.encoded_reply_bytes if context.dialect.carriage.large else bounds.reply_bytes
            self._whole = WholeReply(context.dialect, kind, limit, good=event.status == _OK)
            return []
        self._recording.produce()
        if kind is ReplyKind.BINARY:
            return self._pass(Lack.FORMAT)
        self.state = State.STREAMING
        self._stream = StreamedReply(
            *(context, self._judge, self._builder.identity, self._vault),
            structured=request.structured,
            verbatim=request.verbatim,
            witness=self._recording.witness,
        )
        return [self._builder.stream_start()]

    def _on_frames(self, event: fact.UpstreamData, at_us: int) -> list[wish.Command]:
        return self._moved(self._streaming(), self._streaming().feed(event.data), at_us)

    def _moved(self, stream: StreamedReply, out: bytes, at_us: int) -> list[wish.Command]:
        """A stream has taken a step: send what it let go of, ask what it asks, end it where it is to end."""
        sent: list[wish.Command] = [wish.SendData(out)] if out else []
        # What was cleared before the stop leaves first, however the bytes were cut.
        if stream.stop:
            return sent + self._cut(stream, stream.stop, at_us)
        sent += stream.take_wishes()
        self.state = State.SETTLING if stream.waits else State.STREAMING
        # At the terminator, not at the server's own end: a connection kept open must not hold the last frame back.
        ended = not stream.waits and (stream.done or not self._upstream_open)
        return sent + self._end_stream(stream, at_us) if ended else sent

    def _on_passage_scored(self, event: fact.TextsScored, at_us: int) -> list[wish.Command]:
        stream = self._streaming()
        return self._moved(stream, stream.scored(event.ticket, event.scores), at_us)

    def _on_passage_failed(self, event: fact.ScoringFailed, at_us: int) -> list[wish.Command]:
        stream = self._streaming()
        if stream.missed(event.reason) is FailMode.CLOSED:
            return self._cut(stream, ErrorCode.SCAN_FAILED, at_us)
        return self._moved(stream, stream.scored(event.ticket, None), at_us)

    def _on_stream_finished(self, _event: fact.UpstreamFinished, at_us: int) -> list[wish.Command]:
        self._upstream_open = False
        # An end by the rules of HTTP is an end, also without a terminator: some servers send none.
        return self._end_stream(self._streaming(), at_us)

    def _on_stream_failed(self, event: fact.UpstreamFailed, at_us: int) -> list[wish.Command]:
        return self._cut(self._streaming(), event.code, at_us)

    def _on_client_waited(self, _event: fact.ClientWaited, _at_us: int) -> list[wish.Command]:
        # Only whole frames leave, so a comment never gets into one. What is held stays held: it may be the beginning
        # of a term for as long as nothing follows it, and everything else has left.
        return [wish.SendData(KEEP_ALIVE)]

    def _on_piece(self, event: fact.UpstreamData, at_us: int) -> list[wish.Command]:
        whole = self._read_whole()
        if whole.feed(event.data):
            return []
        if whole.kind is not ReplyKind.FILE:
            return self._fail(ErrorCode.UPSTREAM_MALFORMED, at_us)
        self._recording.lack = Lack.SIZE
        if refusal := overrun(self.context):
            return self._fail(refusal.code, at_us, refusal.detail)
        return [*self._pass(Lack.SIZE), wish.SendData(whole.take()), wish.SendData(event.data)]

    def _pass(self, lack: Lack) -> list[wish.Command]:
        """Let bytes that get no label go out as they come."""
        self.state = State.PASSING
        self._recording.produce()
        self._recording.label, self._recording.lack = UNLABELLED, lack
        return [self._builder.binary_start(self._content_type)]

    def _on_reply_finished(self, _event: fact.UpstreamFinished, at_us: int) -> list[wish.Command]:
        self._upstream_open = False
        texts = self._read_whole().read()
        if texts is None:
            # An error page that is no JSON cannot be scanned text by text; an error of our own stands in for it.
            failed = self._recording.status >= _ERRORS_FROM
            return self._fail(ErrorCode.UPSTREAM_ERROR if failed else ErrorCode.UPSTREAM_MALFORMED, at_us)
        return self._examined(self._examination.begin_reply(texts, self._read_whole()), at_us)

    def _on_bytes(self, event: fact.UpstreamData, _at_us: int) -> list[wish.Command]:
        return [wish.SendData(event.data)]

    def _on_bytes_finished(self, _event: fact.UpstreamFinished, at_us: int) -> list[wish.Command]:
        self._upstream_open = False
        self._answer, self._passed = [wish.SendEnd()], True
        return [self._append(at_us)]

    def _on_bytes_failed(self, event: fact.UpstreamFailed, at_us: int) -> list[wish.Command]:
        # Bytes have no place for an error. Left without its end, the answer is seen to be cut off.
        self._recording.error = event.code
        return [*self._close(), self._append(at_us)]

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
        # The client has left: there is nobody to tell. Where bytes were passed there is no way to: they get no end.
        if not self._answer or self._passed:
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
        self._recording.error = ErrorCode.CLIENT_DISCONNECTED
        return [*closing, self._append(at_us)]

    def _close(self) -> list[wish.Command]:
        """Let go of the model server where it is still at work."""
        was_open, self._upstream_open = self._upstream_open, False
        return [wish.CloseUpstream()] if was_open else []

    def _refuse(self, at_us: int) -> list[wish.Command]:
        """The prompt, or a reply that is not streamed, is blocked: nothing of it was shown."""
        identity = self._builder.identity
        # A refusal names the model asked for, which is the client's text like any other.
        if any(scan_nested(self.context.standing.ruleset.request, (identity.model,))):
            self._builder.identity = identity._replace(model="")
        self._answer = self._builder.refusal(self._request)
        self._recording.status = self._builder.refusal_status
        # Durable: a refusal that could not be proved later must not leave.
        return [self._append(at_us, durable=True)]

    def _deliver(self, whole: WholeReply, action: Action, at_us: int) -> list[wish.Command]:
        own = (self._request, self._recording, self._builder, whole, self._content_type)
        self._delivery = Delivery(self.context, *own)
        return self._delivered(self._delivery.begin(action, self._vault), at_us)

    def _on_labelled(self, event: fact.FilesLabelled | fact.LabellingFailed, at_us: int) -> list[wish.Command]:
        return self._delivered(cast("Delivery", self._delivery).receive(event), at_us)

    def _delivered(self, step: delivery.Step, at_us: int) -> list[wish.Command]:
        if isinstance(step, wish.LabelFiles):
            self.state = State.LABELLING
            return [step]
        if isinstance(step, Refusal):
            return self._fail(step.code, at_us, step.detail)
        self._answer = step.commands
        return [self._append(at_us)]

    def _end_stream(self, stream: StreamedReply, at_us: int) -> list[wish.Command]:
        out = stream.finish()
        if stream.stop or stream.waits:
            return self._moved(stream, out, at_us)
        sent: list[wish.Command] = [wish.SendData(out)] if out else []
        # Built before the record is made and sent after it: last frame and record say the same was decided.
        closing = stream.closing(self._builder.members())
        self._after = State.CLOSING if self._upstream_open else State.DONE
        self._answer = [wish.SendData(closing) if self._upstream_open else wish.SendEnd(closing)]
        return [*sent, self._append(at_us)]

    def _cut(self, stream: StreamedReply, code: ErrorCode, at_us: int) -> list[wish.Command]:
        # The model server is let go first: whatever it said behind the cut would be paid for and thrown away.
        if code is ErrorCode.CONTENT_FILTER:
            self._answer = self._builder.notice(stream, self._request)
            return [*self._close(), self._append(at_us, durable=True)]
        # A failure is no intervention: the client need not wait for the disk to hear of it.
        self._recording.error = code
        self._answer = self._builder.broken(stream, code)
        return [*self._close(), self._append(at_us)]

    def _fail(
        self, code: ErrorCode, at_us: int, detail: str = "", retry_after_seconds: int | None = None
    ) -> list[wish.Command]:
        """Answer with an error; nothing was sent before."""
        self._recording.error = code
        self._answer = self._builder.error(code, detail, retry_after_seconds)
        self._recording.status = ANSWERS[code].status
        # Also where the block is not what the client is told of: it was one, and is proved like any other.
        return [*self._close(), self._append(at_us, durable=self._judge.decision is Decision.BLOCK)]

    def _streaming(self) -> StreamedReply:
        # The rows of the table that ask for it are reached once it was begun, and never before.
        return cast("StreamedReply", self._stream)

    def _read_whole(self) -> WholeReply:
        return cast("WholeReply", self._whole)

    def _append(self, at_us: int, *, durable: bool = False) -> wish.AppendAudit:
        self.state = State.RECORDING
        self.asked = self._wish_for_record(at_us, durable=durable)
        return self.asked

    def _wish_for_record(self, at_us: int, *, durable: bool) -> wish.AppendAudit:
        record = self._recording.make(at_us, self._stream, self._whole)
        return wish.AppendAudit(record, durable, self._recording.witness.testify())

    # A table and not tests in each handler: what is not written here is illegal, and can be seen to be.
    _TABLE: ClassVar[dict[State, dict[type, Callable[[Any, Any, int], list[wish.Command]]]]] = {
        State.IDLE: {fact.RequestReceived: _on_request, fact.RequestRefused: _on_refused},
        State.ADMITTING: {fact.Admitted: _on_admitted, fact.RequestRefused: _on_refused},
        State.SCANNING_REQUEST: {fact.ScanCompleted: _on_answer, fact.ScanFailed: _on_answer},
        State.NOTING: {fact.StrikeNoted: _on_strike_noted, fact.RequestRefused: _on_refused},
        State.AWAITING_UPSTREAM: {
            fact.UpstreamStarted: _on_upstream_started,
            fact.UpstreamFailed: _on_upstream_failed,
        },
        State.BUFFERING: {
            fact.UpstreamData: _on_piece,
            fact.UpstreamFinished: _on_reply_finished,
            fact.UpstreamFailed: _on_upstream_failed,
        },
        State.SCANNING_REPLY: {fact.ScanCompleted: _on_answer, fact.ScanFailed: _on_answer},
        State.LABELLING: {fact.FilesLabelled: _on_labelled, fact.LabellingFailed: _on_labelled},
        State.CLASSIFYING: {fact.TextsScored: _on_answer, fact.ScoringFailed: _on_answer},
        State.STREAMING: {
            fact.UpstreamData: _on_frames,
            fact.UpstreamFinished: _on_stream_finished,
            fact.UpstreamFailed: _on_stream_failed,
            fact.ClientWaited: _on_client_waited,
            fact.TextsScored: _on_passage_scored,
            fact.ScoringFailed: _on_passage_failed,
        },
        State.SETTLING: {
            fact.TextsScored: _on_passage_scored,
            fact.ScoringFailed: _on_passage_failed,
            fact.ClientWaited: _on_client_waited,
        },
        State.PASSING: {
            fact.UpstreamData: _on_bytes,
            fact.UpstreamFinished: _on_bytes_finished,
            fact.UpstreamFailed: _on_bytes_failed,
        },
        State.RECORDING: {fact.AuditAppended: _on_audit_appended, fact.AuditFailed: _on_audit_failed},
        State.CLOSING: {
            fact.UpstreamData: _on_rest,
            fact.UpstreamFinished: _on_closed,
            fact.UpstreamFailed: _on_closed,
        },
        State.DONE: {},
    }
