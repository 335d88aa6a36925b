"""A classifier for scripts of events: a text is as harmful as the worst word in it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from filters.classifier.scores import Score, Side, Window
from filters.findings import Action, Phase, Stage
from gateway.protocol.bars import Bar, Classification
from gateway.protocol.commands import Admit, AppendAudit, CloseUpstream, Command, ScanText, ScoreTexts
from gateway.protocol.context import ExchangeContext
from gateway.protocol.events import (
    AuditAppended,
    Event,
    RequestReceived,
    ScanCompleted,
    ScoringFailed,
    TextsScored,
    UpstreamData,
    UpstreamFinished,
    UpstreamStarted,
)
from gateway.protocol.exchange import Exchange
from gateway.protocol.personal import scan_texts
from gateway.protocol.policy import FailMode, PhasePolicy, Policy, StreamMode
from gateway.protocol.states import State
from tests.gateway.protocol.playbook import AT_US, Outcome, admit, given, request

CLASSIFICATION = Classification(
    "sha256:model", {Side.INPUT: Bar(0.8, 0.9), Side.OUTPUT: Bar(0.8, 0.9, {"drugs": 0.7})}
)
RISK = "A.1.h"
# Harm by word: `evil` in any reading, `doubtful` only where the whole is judged.
WORDS = {"evil": 0.99, "doubtful": 0.85, "odd": 0.75}
Scoring = Callable[[Window], Score]


def score(window: Window, words: Mapping[str, float] = WORDS) -> Score:
    """Score a window by its words."""
    worst = max((harm for word, harm in words.items() if word in window.text), default=0.01)
    return Score(worst, "fraud", RISK)


def scored_context(
    *,
    stream: StreamMode = StreamMode.TRAIL,
    trail: int = 80,
    action: Action | None = None,
    open_: bool = False,
    **members: Any,  # noqa: ANN401 as `given` takes them
) -> ExchangeContext:
    """Build a context with a classifier."""
    actions = {Stage.CLASSIFIER: action} if action else {}
    modes = {Stage.CLASSIFIER: FailMode.OPEN} if open_ else {}
    phase = PhasePolicy(actions, modes)
    policy = members.pop("policy", Policy(request=phase, response=phase, stream=stream, trail_characters=trail))
    return given(policy=policy, classification=CLASSIFICATION, **members)


def answer(command: ScoreTexts, how: Scoring | str = score) -> Event:
    """Answer a wish for scores: by a function, or with the reason why not."""
    if isinstance(how, str):
        return ScoringFailed(command.ticket, how)
    return TextsScored(command.ticket, tuple(how(window) for window in command.windows))


def run_scored(  # noqa: C901 one loop with its driver
    context: ExchangeContext, events: Iterable[Event], how: Scoring | str = score, *, late: int = 0
) -> Outcome:
    """Feed events as a driver does; scores come after so many further pieces of the stream."""
    exchange, commands = Exchange(context), list[Command]()
    asked: list[tuple[int, ScoreTexts]] = []
    step = 0

    def do(event: Event) -> None:
        pending = exchange.receive_event(event, AT_US)
        while pending:
            command = pending.pop(0)
            if isinstance(command, Admit):
                pending += admit(exchange, command)
                continue
            commands.append(command)
            if isinstance(command, AppendAudit):
                pending += exchange.receive_event(AuditAppended(), AT_US)
            elif isinstance(command, ScanText):
                ruleset = context.standing.ruleset
                found = scan_texts(ruleset, command.phase, command.texts, personal=command.personal)
                pending += exchange.receive_event(ScanCompleted(command.phase, found), AT_US)
            elif isinstance(command, ScoreTexts):
                asked.append((step + late, command))

    def settle() -> None:
        waits = exchange.state in (State.SETTLING, State.CLASSIFYING)
        while asked and (asked[0][0] <= step or waits) and exchange.state in _TAKES_SCORES:
            do(answer(asked.pop(0)[1], how))
            waits = exchange.state in (State.SETTLING, State.CLASSIFYING)

    for event in events:
        if exchange.state is State.DONE or any(isinstance(each, CloseUpstream) for each in commands):
            break
        do(event)
        step += isinstance(event, UpstreamData)
        settle()
    return Outcome(commands, exchange)


_TAKES_SCORES = {State.SETTLING, State.CLASSIFYING, State.STREAMING}


def stream_scored(
    context: ExchangeContext, pieces: Iterable[bytes], how: Scoring | str = score, *, late: int = 0
) -> Outcome:
    """Run an exchange whose reply is streamed in these pieces."""
    started: list[Event] = [RequestReceived(request("hello there")), UpstreamStarted(200, "text/event-stream")]
    events = [*started, *map(UpstreamData, pieces), UpstreamFinished()]
    return run_scored(context, events, how, late=late)


def phase_policy(phase: Phase, action: Action) -> Policy:
    """Build a policy with an action of the classifier in one half alone."""
    own = PhasePolicy({Stage.CLASSIFIER: action})
    off = PhasePolicy({Stage.CLASSIFIER: Action.OFF})
    return Policy(request=own if phase is Phase.REQUEST else off, response=off if phase is Phase.REQUEST else own)
