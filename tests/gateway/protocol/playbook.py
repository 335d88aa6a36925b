"""Scripts of events: `play >> event` feeds one, `play << commands` states what is expected.

`given` builds the context, `chunk` the frames of a model, `run` a whole exchange with a driver that answers scans and
audit at once, and `read` reads a stream as a strict client does, with a parser of its own.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from filters.findings import Action, Phase, Severity, Term
from filters.ruleset import build_ruleset
from gateway.protocol.commands import (
    Admit,
    AppendAudit,
    CloseUpstream,
    Command,
    LabelFiles,
    NoteStrike,
    OpenUpstream,
    ScanText,
    SendData,
    SendEnd,
    SendStart,
)
from gateway.protocol.context import Bounds, ExchangeContext
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.protocol.events import (
    Admitted,
    AuditAppended,
    ClientDisconnected,
    Event,
    FilesLabelled,
    RequestReceived,
    ScanCompleted,
    StrikeNoted,
    UpstreamData,
    UpstreamFinished,
    UpstreamStarted,
)
from gateway.protocol.exchange import Exchange
from gateway.protocol.labels import LabelledFile, Labelling, Position
from gateway.protocol.personal import scan_texts
from gateway.protocol.policy import Policy
from gateway.protocol.record import ExchangeRecord
from gateway.protocol.standing import Standing
from gateway.protocol.states import State
from gateway.protocol.strikes import StrikeOutcome

RISK = "A.1.f"
DIGEST = "sha256:" + "0" * 64
LABEL = {"zh": "（本回答由AI生成）", "en": "(AI生成 AI-generated)"}
AT_US = 1_700_000_000_000_000
DONE = b"data: [DONE]\n\n"


def term(text: str, action: Action = Action.BLOCK, risk: str = RISK, phases: Iterable[Phase] = Phase) -> Term:
    """Build one row of a list."""
    return Term(text, risk, Severity.HIGH, action, frozenset(phases))


def given(
    keywords: Iterable[str | Term] = (),
    masks: Iterable[str] = (),
    flags: Iterable[str] = (),
    *,
    position: Position = Position.END,
    **members: Any,  # noqa: ANN401 any field of the context
) -> ExchangeContext:
    """Build a context: terms that block, mask and flag; where the label stands; other fields by name."""
    terms = [each if isinstance(each, Term) else term(each) for each in keywords]
    terms += [term(each, Action.MASK, "A.2.a") for each in masks]
    terms += [term(each, Action.FLAG, "A.3.a") for each in flags]
    standing = Standing(Policy(), build_ruleset(terms, DIGEST), Labelling("producer", position, LABEL), "user")
    rules = {name: members.pop(name) for name in Standing._fields if name in members}
    context = ExchangeContext(
        request_id="req-1", dialect=OpenAIChat(), standing=standing._replace(**rules), account="acc-1"
    )
    return replace(context, **members)


def bounds(**limits: int) -> Bounds:
    """Build bounds, small where named."""
    return replace(Bounds(), **limits)


def request(content: Any = "hi", *, stream: object = True, **members: Any) -> bytes:  # noqa: ANN401 any JSON value
    """Build a request body with one user message."""
    body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": content}]}
    return orjson.dumps(body | members)


def delta(fields: Mapping[str, Any], index: int = 0, finish: str | None = None, **choice: Any) -> bytes:  # noqa: ANN401 the same
    """Build a frame whose one choice has this delta."""
    return frame([{"index": index, "delta": dict(fields), "finish_reason": finish} | choice])


def chunk(content: str, index: int = 0, finish: str | None = None) -> bytes:
    """Build a frame with a piece of content."""
    return delta({"content": content}, index, finish)


def finish(index: int = 0) -> bytes:
    """Build the frame that ends a choice."""
    return delta({}, index, "stop")


def arguments(text: str, call: int = 0) -> dict[str, Any]:
    """Build a delta with a piece of a tool call's arguments."""
    return {"tool_calls": [{"index": call, "function": {"arguments": text}}]}


def frame(choices: Any, **members: Any) -> bytes:  # noqa: ANN401 the same
    """Build a frame with these choices."""
    document = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return b"data: " + orjson.dumps(document | members) + b"\n\n"


def reply(content: Any, *more: Any, **members: Any) -> bytes:  # noqa: ANN401 the same
    """Build a whole reply; further contents are further choices."""
    choices = [
        {"index": index, "message": {"role": "assistant", "content": each}, "finish_reason": "stop"}
        for index, each in enumerate((content, *more))
    ]
    return orjson.dumps({"id": "c-1", "object": "chat.completion", "model": "m", "choices": choices} | members)


class Like:
    """Equals every command of a type whose named fields, or what is read from it, are as stated."""

    def __init__(self, kind: type, **fields: Any) -> None:  # noqa: ANN401 any expectation
        self.kind = kind
        self.fields = fields

    def __eq__(self, other: object) -> bool:
        return type(other) is self.kind and all(_field(other, name) == value for name, value in self.fields.items())

    def __hash__(self) -> int:
        return hash(self.kind)

    def __repr__(self) -> str:
        return f"{self.kind.__name__}({', '.join(f'{name}={value!r}' for name, value in self.fields.items())})"


def _field(command: object, name: str) -> Any:  # noqa: ANN401 the same
    if isinstance(command, AppendAudit) and name != "durable":
        return getattr(command.record, name)
    if isinstance(command, SendStart) and name != "status":
        return dict(command.headers).get(name.replace("_", "-").encode(), b"").decode()
    return getattr(command, name)


def head(status: int = 200, **headers: str) -> Like:
    """Expect a head; headers by name with underscores."""
    return Like(SendStart, status=status, **headers)


def entry(*, durable: bool = False, **fields: Any) -> Like:  # noqa: ANN401 the same
    """Expect a record with these fields."""
    return Like(AppendAudit, durable=durable, **fields)


ANY_DATA = Like(SendData)
LAST = Like(SendEnd)


def admit(exchange: Exchange, command: Command) -> list[Command]:
    """Answer the wish to be admitted, by the rules there are; return any other wish."""
    if not isinstance(command, Admit):
        return [command]
    standing = exchange.context.standing
    if command.end_user:
        standing = standing._replace(end_user=command.end_user)
    return exchange.receive_event(Admitted(standing), AT_US)


def note(exchange: Exchange, command: Command) -> list[Command]:
    """Answer the wish to count a strike; return any other wish."""
    return (
        exchange.receive_event(StrikeNoted(StrikeOutcome()), AT_US) if isinstance(command, NoteStrike) else [command]
    )


class Play:
    """One exchange, fed by `>>` and checked by `<<`.

    Unless asked otherwise, it is admitted by the rules it has, and a strike leads to nothing.
    """

    def __init__(self, context: ExchangeContext, *, admitting: bool = True, noting: bool = True) -> None:
        self.exchange = Exchange(context)
        self.admitting = admitting
        self.noting = noting
        self.commands: list[Command] = []
        self.log: list[Command] = []

    def __rshift__(self, event: Event) -> "Play":
        commands = self.exchange.receive_event(event, AT_US)
        if self.admitting and isinstance(event, RequestReceived):
            commands = [made for each in commands for made in admit(self.exchange, each)]
        if self.noting:
            commands = [made for each in commands for made in note(self.exchange, each)]
        self.commands += commands
        return self

    def __lshift__(self, expected: list[Any]) -> "Play":
        found, self.commands = self.commands, []
        self.log += found
        same = len(found) == len(expected) and all(
            type(have) is getattr(want, "kind", type(want)) and want == have
            for have, want in zip(found, expected, strict=True)
        )
        lines = difflib.ndiff([repr(each) for each in expected], [repr(each) for each in found])
        assert same, "expected (-) and found (+) differ:\n" + "\n".join(lines)
        return self

    def streaming(self, body: bytes = b"") -> "Play":
        """Take the exchange to where the model's frames come in."""
        self >> RequestReceived(body or request()) >> UpstreamStarted(200, "text/event-stream")
        return self << [Like(OpenUpstream), head(200)]

    @property
    def record(self) -> ExchangeRecord:
        """The record that was made."""
        assert self.exchange.record is not None
        return self.exchange.record


@dataclass
class Outcome:
    """What came of a whole exchange."""

    commands: list[Command]
    exchange: Exchange

    @property
    def body(self) -> bytes:
        """Every byte of the answer's body."""
        return b"".join(each.data for each in self.commands if isinstance(each, SendData | SendEnd))

    @property
    def start(self) -> SendStart:
        """The head."""
        return next(each for each in self.commands if isinstance(each, SendStart))

    @property
    def document(self) -> Any:  # noqa: ANN401 the same
        """The body, where it is one document."""
        return orjson.loads(self.body)

    @property
    def forwarded(self) -> Any:  # noqa: ANN401 the same
        """What the model server was sent, or None."""
        bodies = [each.body for each in self.commands if isinstance(each, OpenUpstream)]
        return orjson.loads(bodies[0]) if bodies else None

    @property
    def visible(self) -> bytes:
        """Everything the client gets: head and body."""
        return b"\n".join(name + b": " + value for name, value in self.start.headers) + self.body

    @property
    def record(self) -> ExchangeRecord:
        """The record."""
        assert self.exchange.record is not None
        return self.exchange.record

    @property
    def closed(self) -> int:
        """How often the upstream was closed."""
        return sum(isinstance(each, CloseUpstream) for each in self.commands)

    @property
    def decision(self) -> str:
        """The decision recorded."""
        return self.record.decision


def marked(command: LabelFiles) -> Event:
    """Answer the wish for labels: what they are stands in front of each file."""
    told = [f"{command.text}|{members['ProduceID']}|".encode() for members in command.members]
    return FilesLabelled(tuple(LabelledFile(mark + data) for mark, data in zip(told, command.files, strict=True)))


def run(
    context: ExchangeContext, events: Iterable[Event], labelling: Callable[[LabelFiles], Event] = marked
) -> Outcome:
    """Feed events as a driver does: scans and audit are answered at once, a closed upstream says no more."""
    exchange, commands = Exchange(context), list[Command]()
    for event in events:
        silent = any(isinstance(each, CloseUpstream) for each in commands) or exchange.state is State.DONE
        if silent and not isinstance(event, ClientDisconnected):
            continue
        pending = exchange.receive_event(event, AT_US)
        while pending:
            command = pending.pop(0)
            if isinstance(command, Admit | NoteStrike):
                pending += [made for each in admit(exchange, command) for made in note(exchange, each)]
                continue
            commands.append(command)
            if isinstance(command, AppendAudit):
                pending += exchange.receive_event(AuditAppended(), AT_US)
            elif isinstance(command, LabelFiles):
                pending += exchange.receive_event(labelling(command), AT_US)
            elif isinstance(command, ScanText):
                found = scan_texts(context.standing.ruleset, command.phase, command.texts, personal=command.personal)
                pending += exchange.receive_event(ScanCompleted(command.phase, found), AT_US)
    return Outcome(commands, exchange)


def ask(context: ExchangeContext, body: bytes, answer: bytes | None = None, status: int = 200) -> Outcome:
    """Run an exchange whose reply is not streamed."""
    answered: list[Event] = [
        UpstreamStarted(status, "application/json"),
        UpstreamData(reply("fine") if answer is None else answer),
        UpstreamFinished(),
    ]
    return run(context, [RequestReceived(body), *answered])


def stream(context: ExchangeContext, pieces: Iterable[bytes], body: bytes = b"") -> Outcome:
    """Run an exchange whose reply is streamed in these pieces."""
    started: list[Event] = [RequestReceived(body or request()), UpstreamStarted(200, "text/event-stream")]
    return run(context, [*started, *map(UpstreamData, pieces), UpstreamFinished()])


class Reading:
    """A stream as a strict client reads it (WHATWG HTML 9.2, then OpenAI's chat frames)."""

    def __init__(self, data: bytes) -> None:
        self.frames: list[dict[str, Any]] = []
        self.done = False
        self.texts: dict[tuple[int | str, ...], str] = {}
        assert data.endswith((b"\n\n", b"\r\r", b"\r\n\r\n")), "the last frame has no end"
        payload: list[str] = []
        for line in data.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n"):
            name, _, value = line.partition(":")
            if name == "data":
                payload.append(value.removeprefix(" "))
            elif not line and payload:
                self._take("\n".join(payload))
                payload = []

    def _take(self, payload: str) -> None:
        if not payload:
            return
        assert not self.done, "a frame behind the terminator"
        self.done = payload == "[DONE]"
        if self.done:
            return
        document = orjson.loads(payload)
        assert isinstance(document, dict)
        self.frames.append(document)
        for choice in document.get("choices") or []:
            self._walk(choice.get("delta") or {}, (choice["index"],))

    def _walk(self, node: Any, path: tuple[int | str, ...]) -> None:  # noqa: ANN401 any JSON value
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            # Clients join content parts whatever their place, and tool calls by their index.
            step = key if isinstance(node, dict) or not isinstance(value, dict) else value.get("index", 0)
            if key in {"role", "type"}:
                continue
            if isinstance(value, str):
                self.texts[*path, step] = self.texts.get((*path, step), "") + value
            elif isinstance(value, dict | list):
                self._walk(value, (*path, step))

    def content(self, index: int = 0) -> str:
        """Return a choice's content."""
        return self.texts.get((index, "content"), "")

    @property
    def last(self) -> dict[str, Any]:
        """The last frame before the terminator."""
        return self.frames[-1]


def read(data: bytes) -> Reading:
    """Read a whole stream, which must end with the terminator."""
    reading = Reading(data)
    assert reading.done, "no terminator"
    return reading


def joined(data: bytes) -> dict[tuple[int | str, ...], str]:
    """Return the text of each channel as a strict client joins it."""
    return Reading(data).texts
