"""What the client is sent: heads, whole replies, refusals, notices and errors, as commands.

Rules: every answer carries its request id; what was acted on says so in the member ``sluice``; generated content
carries the seven label members in body and header; the matched term appears nowhere.
"""

import orjson

from gateway.errors import ANSWERS, ErrorCode
from gateway.protocol.commands import Command, Headers, SendEnd, SendStart
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import Document, Identity, ParsedRequest
from gateway.protocol.judge import Decision, Judge
from gateway.protocol.labels import language_of
from gateway.protocol.placeholders import Vault
from gateway.protocol.policy import RefusalStyle
from gateway.protocol.refusals import NOTICES, REFUSALS, outcome_member
from gateway.protocol.streaming import StreamedReply

_JSON = b"application/json"
_EVENT_STREAM = b"text/event-stream; charset=utf-8"
_OK = 200


class AnswerBuilder:
    """Builds the answers of one exchange.

    Args:
        context: who asks, in which format, by which rules.
        judge: what was decided.

    Attributes:
        identity: names replies that are made here; known once the request was read.
    """

    def __init__(self, context: ExchangeContext, judge: Judge) -> None:
        self._context = context
        self._judge = judge
        self.identity = Identity(context.request_id, "", 0)

    @property
    def refusal_status(self) -> int:
        """HTTP status of a blocked exchange whose answer has not begun."""
        # Beside `refusal`, because the record is made before the answer leaves and must name its status.
        return ANSWERS[ErrorCode.CONTENT_FILTER].status if self._refuses_by_error else _OK

    def members(self) -> Document:
        """Return the members of a stream's last frame: label, where it brought generated content, and outcome."""
        label = {"aigc": self._label()} if self._context.dialect.generates else {}
        return label | {"sluice": self._outcome()}

    def stream_start(self) -> Command:
        """Return the head of a stream that brings generated content."""
        # The members do not depend on what will be said, so the head can carry them before the first word.
        return SendStart(_OK, (*self._headers(_EVENT_STREAM), (b"cache-control", b"no-cache"), *self._label_header()))

    def reply(self, status: int, document: Document, *, labelled: bool) -> list[Command]:
        """Return a whole reply of the model.

        Args:
            status: its HTTP status.
            document: its body; the members are added to it.
            labelled: False for an error of the model server, which is no generated content.
        """
        extra: tuple[tuple[bytes, bytes], ...] = ()
        if labelled:
            document["aigc"] = self._label()
            extra = ((b"x-aigc-label", orjson.dumps(document["aigc"])),)
        # An allowed reply stays as near to the model's own as its label permits.
        if self._judge.decision is not Decision.ALLOW:
            document["sluice"] = self._outcome()
        return self._whole(status, document, extra)

    def text(self, content_type: str, body: bytes) -> list[Command]:
        """Return a whole reply of the model that is text and no JSON; what was decided stands in its head alone."""
        told = self._context.dialect.carriage.sent_type(content_type)
        length = ((b"content-length", str(len(body)).encode()),)
        return [SendStart(_OK, self._headers(told) + length + self._label_header()), SendEnd(body)]

    def binary_start(self, content_type: str) -> Command:
        """Return the head of a reply that passes unread."""
        told = self._context.dialect.carriage.sent_type(content_type)
        return SendStart(_OK, self._headers(told) + self._label_header())

    def refusal(self, request: ParsedRequest) -> list[Command]:
        """Return the answer to a blocked request, or in place of a blocked reply that was not streamed."""
        # No `aigc`: the operator wrote this text, no model did.
        dialect, outcome = self._context.dialect, {"sluice": self._outcome()}
        if self._refuses_by_error:
            code = ErrorCode.CONTENT_FILTER
            return self._whole(ANSWERS[code].status, dialect.error(code, ANSWERS[code].message) | outcome)
        text = self._judge.answer(*_by_language(request, REFUSALS))
        if not request.streamed:
            return self._whole(_OK, dialect.refusal(self.identity, text) | outcome)
        # Whoever asked for a stream reads frames; a whole document would be an error to its parser. To them, it is a
        # stream that was cut before its first word.
        vault = Vault(self._context.request_id)
        stream = StreamedReply(self._context, self._judge, self.identity, vault, structured=request.structured)
        head = SendStart(_OK, (*self._headers(_EVENT_STREAM), (b"cache-control", b"no-cache")))
        return [head, SendEnd(stream.cut(text, outcome))]

    def notice(self, stream: StreamedReply, request: ParsedRequest) -> list[Command]:
        """Return the end of a stream that was blocked on its way."""
        text = self._judge.answer(*_by_language(request, NOTICES))
        released = stream.channels.released_characters
        # Only what was shown can be taken back.
        members = self._marks(stream) | {"sluice": self._outcome(released, retract=released > 0)}
        return [SendEnd(stream.cut(text, members))]

    def broken(self, stream: StreamedReply, code: ErrorCode) -> list[Command]:
        """Return the end of a stream that failed on its way."""
        members = self._marks(stream) | {"sluice": self._outcome()}
        return [SendEnd(stream.broken(code, members))]

    def error(self, code: ErrorCode, detail: str = "", retry_after_seconds: int | None = None) -> list[Command]:
        """Return an error in the shape of the wire format.

        Args:
            code: what went wrong.
            detail: what exactly was wrong with the request, without quoting its text.
            retry_after_seconds: when to try again; None takes what the code says.
        """
        answer = ANSWERS[code]
        wait = answer.retry_after_seconds if retry_after_seconds is None else retry_after_seconds
        extra: tuple[tuple[bytes, bytes], ...] = ()
        # RFC 9110 section 10.2.3; only where waiting helps, or clients would try a lasting fault again and again.
        if wait is not None:
            extra = ((b"retry-after", str(wait).encode()),)
        message = f"{answer.message} {detail}".rstrip()
        return self._whole(answer.status, self._context.dialect.error(code, message), extra)

    @property
    def _refuses_by_error(self) -> bool:
        dialect = self._context.dialect
        # A reply that holds no text has no place for a refusal.
        wordless = not dialect.generates or not dialect.carriage.refuses
        return wordless or self._context.standing.policy.refusal is RefusalStyle.ERROR

    def _marks(self, stream: StreamedReply) -> Document:
        # Where nothing was shown there is no content that a label could name.
        return {"aigc": self._label()} if stream.channels.shown else {}

    def _label(self) -> dict[str, str]:
        return self._context.standing.labelling.members(self._context.request_id)

    def _label_header(self) -> Headers:
        if not self._context.dialect.generates:
            return ()
        return ((b"x-aigc-label", orjson.dumps(self._label())),)

    def _outcome(self, released_characters: int = 0, *, retract: bool = False) -> dict[str, object]:
        return outcome_member(self._judge, self._context.request_id, released_characters, retract=retract)

    def _headers(self, content_type: bytes) -> tuple[tuple[bytes, bytes], ...]:
        # On errors too: complaints are traced by the id, and mistakes of a list by the digest.
        return (
            (b"content-type", content_type),
            (b"x-request-id", self._context.request_id.encode()),
            (b"x-sluice-decision", self._judge.decision.value.encode()),
            (b"x-sluice-ruleset", self._context.standing.ruleset.digest.encode()),
        )

    def _whole(self, status: int, document: Document, extra: tuple[tuple[bytes, bytes], ...] = ()) -> list[Command]:
        # With its length: the client can tell a whole answer from one cut off, and the server needs no chunks.
        body = orjson.dumps(document)
        length = ((b"content-length", str(len(body)).encode()),)
        return [SendStart(status, self._headers(_JSON) + length + extra), SendEnd(body)]


def _by_language(
    request: ParsedRequest, texts: dict[str, tuple[tuple[str, str], ...]]
) -> tuple[str, tuple[tuple[str, str], ...]]:
    language = language_of(request.language_hint)
    return language, texts[language]
