"""Exchanges driven in one process: the real core and the real model, no socket and no thread.

What a benchmark measures here is decided by the code that serves: `Exchange`, its stages, its policy.
"""

import time
from collections.abc import Sequence

import orjson

from filters.classifier.model import OnnxModel
from filters.classifier.windows import cut_passages
from filters.ruleset import Ruleset, build_ruleset
from gateway.classifiers import classification_of
from gateway.protocol import events as fact
from gateway.protocol.commands import Admit, AppendAudit, Command, NoteStrike, ScanText, ScoreTexts
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.protocol.exchange import Exchange
from gateway.protocol.labels import Labelling, Position
from gateway.protocol.personal import scan_texts
from gateway.protocol.policy import Policy
from gateway.protocol.standing import Standing
from gateway.protocol.states import State
from gateway.protocol.strikes import StrikeOutcome
from gateway.protocol.verdicts import VerdictMemory

TOKEN_CHARACTERS = 3
NO_TERMS = build_ruleset([], "sha256:0")


def context_of(
    model: OnnxModel | None,
    policy: Policy,
    ruleset: Ruleset = NO_TERMS,
    memory: VerdictMemory | None = None,
) -> ExchangeContext:
    """Return a context with the model, or without any."""
    standing = Standing(policy, ruleset, Labelling("bench", Position.INTERFACE, {"zh": "", "en": ""}))
    classification = classification_of(model.manifest) if model else None
    own = memory or VerdictMemory()
    return ExchangeContext("bench", OpenAIChat(), standing, classification=classification, memory=own)


def request(prompt: str, *, streamed: bool) -> fact.RequestReceived:
    """Return a chat request."""
    body = {"model": "m", "stream": streamed, "messages": [{"role": "user", "content": prompt}]}
    return fact.RequestReceived(orjson.dumps(body))


def frames(reply: str) -> list[bytes]:
    """Return a streamed reply, token by token."""
    pieces = [reply[at : at + TOKEN_CHARACTERS] for at in range(0, len(reply), TOKEN_CHARACTERS)]
    return [*(_frame({"content": piece}) for piece in pieces), _frame({}, "stop"), b"data: [DONE]\n\n"]


def _frame(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + orjson.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [choice]}) + b"\n\n"


def whole(reply: str) -> bytes:
    """Return a whole reply."""
    choice = {"index": 0, "message": {"role": "assistant", "content": reply}, "finish_reason": "stop"}
    return orjson.dumps({"id": "c", "object": "chat.completion", "choices": [choice]})


class Run:
    """One exchange; scores are answered so many events after they were asked for.

    Args:
        context: what it is judged by.
        model: scores; None where nothing is asked.
        late: after how many further events an answer comes.

    Attributes:
        exchange: the exchange.
        windows: windows that were scored.
        settled: how many of them the linear stage settled.
        clean: passages of a stream that were answered in front of what was answered last.
        ended: True once all of a stream was told.
    """

    def __init__(self, context: ExchangeContext, model: OnnxModel | None, late: int = 0) -> None:
        self.exchange = Exchange(context)
        self.windows = self.settled = self.clean = 0
        self._passages = 0
        self.ended = False
        self._model = model
        self._late = late
        self._asked: list[tuple[int, ScoreTexts]] = []
        self._step = 0

    def tell(self, event: fact.Event) -> None:
        """Tell of an event, and of the scores that are due."""
        self._do(event)
        self._step += 1
        while self._asked and (self._asked[0][0] <= self._step or self._waits):
            asked = self._asked.pop(0)[1]
            scores = self._model.score(asked.windows) if self._model else []
            self.windows += len(scores)
            self.settled += sum(score.settled for score in scores)
            if self.exchange.state in (State.STREAMING, State.SETTLING, State.CLASSIFYING):
                self.clean = self._passages
                self._passages += asked.windows[0].early
                self._do(fact.TextsScored(asked.ticket, tuple(scores)))

    @property
    def _waits(self) -> bool:
        return self.exchange.state in (State.SETTLING, State.CLASSIFYING)

    def _do(self, event: fact.Event) -> None:
        pending: list[Command] = self.exchange.receive_event(event, 1)
        while pending:
            pending = pending[1:] + self._carry_out(pending[0])

    def _carry_out(self, command: Command) -> list[Command]:
        exchange, standing = self.exchange, self.exchange.context.standing
        if isinstance(command, Admit):
            return exchange.receive_event(fact.Admitted(standing), 1)
        if isinstance(command, NoteStrike):
            return exchange.receive_event(fact.StrikeNoted(StrikeOutcome()), 1)
        if isinstance(command, AppendAudit):
            return exchange.receive_event(fact.AuditAppended(), 1)
        if isinstance(command, ScanText):
            found = scan_texts(standing.ruleset, command.phase, command.texts, personal=command.personal)
            return exchange.receive_event(fact.ScanCompleted(command.phase, found), 1)
        if isinstance(command, ScoreTexts):
            self._asked.append((self._step + 1 + self._late, command))
        return []


def chat(
    context: ExchangeContext, model: OnnxModel | None, prompt: str, reply: str, *, streamed: bool, late: int = 0
) -> Run:
    """Drive one chat; a stream of ready frames may be given in place of its text."""
    return chat_of(
        context, model, prompt, frames(reply) if streamed else [whole(reply)], streamed=streamed, late=late
    )


def chat_of(
    context: ExchangeContext,
    model: OnnxModel | None,
    prompt: str,
    pieces: Sequence[bytes],
    *,
    streamed: bool,
    late: int = 0,
) -> Run:
    """Drive one chat whose reply comes in these pieces."""
    run = Run(context, model, late)
    run.tell(request(prompt, streamed=streamed))
    if run.exchange.state is not State.AWAITING_UPSTREAM:
        return run
    run.tell(fact.UpstreamStarted(200, "text/event-stream" if streamed else "application/json"))
    for piece in pieces:
        if run.exchange.state not in (State.STREAMING, State.BUFFERING):
            break
        # Known before it is told: an end is judged as it is read.
        run.ended = piece is pieces[-1] or piece is pieces[-2:][0]
        run.tell(fact.UpstreamData(piece))
    if run.exchange.state is State.BUFFERING:
        run.tell(fact.UpstreamFinished())
    return run


def clean_up_to(text: str, passages: int) -> int:
    """Return where the passages of a reply that were found clean end.

    Args:
        text: the reply.
        passages: how many were.
    """
    return [0, *cut_passages(text)][passages]


def timed(
    context: ExchangeContext, model: OnnxModel | None, prompt: str, reply: str, *, streamed: bool
) -> tuple[int, Run]:
    """Drive one chat; return the processor's time it took, in nanoseconds, without the making of its frames."""
    pieces = frames(reply) if streamed else [whole(reply)]
    began = time.process_time_ns()
    run = chat_of(context, model, prompt, pieces, streamed=streamed)
    return time.process_time_ns() - began, run
