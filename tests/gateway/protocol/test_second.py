"""What another ruleset would have decided: recorded, and nothing else."""

from typing import Any

import pytest

from filters.findings import MOST_FINDINGS, Action, Finding, Phase, Stage
from filters.ruleset import Ruleset, build_ruleset
from gateway.protocol.buffered import Texts
from gateway.protocol.commands import AppendAudit, Command, NoteStrike, ScanText, SendData, SendEnd
from gateway.protocol.context import ExchangeContext
from gateway.protocol.events import (
    Admitted,
    RequestReceived,
    ScanCompleted,
    ScanFailed,
    StrikeNoted,
    UpstreamData,
    UpstreamFinished,
    UpstreamStarted,
)
from gateway.protocol.exchange import Exchange, IllegalEventError
from gateway.protocol.judge import Decision, Judge
from gateway.protocol.policy import FailMode, PhasePolicy, Policy
from gateway.protocol.record import ExchangeRecord
from gateway.protocol.second import SecondStage, look_again
from gateway.protocol.strikes import StrikeOutcome
from gateway.protocol.texts import TextGroup
from tests.gateway.protocol.playbook import bounds, delta, given, request, term

DIGEST = "sha256:" + "b" * 64
"""Of the other ruleset."""


def other(*terms: str) -> Ruleset:
    """Return a ruleset of other terms."""
    return build_ruleset([term(each) for each in terms], DIGEST)


def begin(context: ExchangeContext, prompt: str) -> tuple[Exchange, list[Command]]:
    """Begin an exchange whose account may go on."""
    exchange = Exchange(context)
    exchange.receive_event(RequestReceived(request(prompt)), 1)
    commands = exchange.receive_event(Admitted(context.standing), 1)
    if isinstance(commands[0], NoteStrike):
        commands = exchange.receive_event(StrikeNoted(StrikeOutcome()), 1)
    return exchange, commands


def run(*pieces: str, prompt: str = "hi", **members: Any) -> tuple[ExchangeRecord, str]:  # noqa: ANN401 any field
    """Run a streamed exchange; return its record and what was sent."""
    exchange, commands = begin(given(**members), prompt)
    if pieces and exchange.record is None:
        commands = exchange.receive_event(UpstreamStarted(200, "text/event-stream", "u"), 2)
        for piece in pieces:
            if exchange.record is None:
                commands += exchange.receive_event(UpstreamData(delta({"content": piece})), 3)
        if exchange.record is None:
            commands += exchange.receive_event(UpstreamFinished(), 4)
    assert exchange.record is not None
    sent = b"".join(each.data for each in commands if isinstance(each, SendData | SendEnd) and each.data)
    return exchange.record, sent.decode()


@pytest.mark.parametrize(
    ("prompt", "own", "theirs"),
    [
        ("a forbidden word", "block", "allow"),
        ("an outlawed word", "allow", "block"),
        ("both forbidden and outlawed", "block", "block"),
        ("neither", "allow", "allow"),
    ],
)
def test_both_decisions_on_a_prompt_are_recorded(prompt: str, own: str, theirs: str) -> None:
    """One acts; the other is recorded, under its digest."""
    record, _ = run("fine", prompt=prompt, keywords=["forbidden"], other=other("outlawed"))
    assert (record.decision, record.other_decision, record.other_ruleset) == (own, theirs, "b" * 24)


def test_without_another_ruleset_nothing_is_said_of_one() -> None:
    """As of nearly every exchange."""
    record, _ = run("fine")
    assert (record.other_ruleset, record.other_decision) == ("", "")


def test_what_the_other_would_have_stopped_in_a_stream_goes_on() -> None:
    """Also where the term is cut; not a character waits for a second opinion."""
    record, sent = run("an out", "lawed word", keywords=["forbidden"], other=other("outlawed"))
    assert (record.decision, record.other_decision) == ("allow", "block")
    assert "an out" in sent
    assert "lawed word" in sent


def test_a_stream_that_is_stopped_ends_the_second_opinion() -> None:
    """It has read as far as the first."""
    record, _ = run("a forbidden", " word and outlawed", keywords=["forbidden"], other=other("outlawed"))
    assert (record.decision, record.other_decision) == ("block", "allow")


def test_in_shadow_mode_the_second_opinion_is_what_would_have_been() -> None:
    """Compared with what the first would have decided."""
    record, _ = run(
        "x", prompt="forbidden", keywords=["forbidden"], other=other("forbidden"), policy=Policy(shadow=True)
    )
    assert (record.decision, record.shadow, record.other_decision) == ("flag", "block", "block")


def test_what_does_not_depend_on_keywords_counts_for_both() -> None:
    """Personal data, and what was left unread."""
    second = Judge(Policy(), observe=False)
    judge = Judge(Policy(), observe=False, second=second)
    judge.act(Phase.REQUEST, Finding(Stage.PERSONAL_DATA, "A.4.f", 0, 1, term("phone", Action.MASK)))
    assert second.risks == ["A.4.f"]
    judge.act(Phase.REQUEST, Finding(Stage.KEYWORDS, "A.1.h", 0, 1, term("x")))
    assert second.risks == ["A.4.f"]
    judge.left_unread(Phase.REQUEST, Stage.KEYWORDS, "tool_definitions")
    assert second.decision is Decision.UNSCANNED


def test_a_long_text_is_read_by_both_in_the_pool() -> None:
    """The wish says so, and an answer for the other must answer for each text as well."""
    context = given(["forbidden"], other=other("outlawed"), bounds=bounds(inline_scan_characters=1))
    exchange, (wish,) = begin(context, "an outlawed word")
    assert isinstance(wish, ScanText)
    assert wish.other
    nothing = tuple(() for _ in wish.texts)
    with pytest.raises(IllegalEventError):
        exchange.receive_event(ScanCompleted(wish.phase, nothing, nothing[1:]), 2)
    found = Finding(Stage.KEYWORDS, "A.1.f", 0, 1, term("outlawed"))
    exchange.receive_event(ScanCompleted(wish.phase, nothing, tuple((found,) for _ in wish.texts)), 3)
    exchange.receive_event(UpstreamStarted(200, "text/event-stream", "u"), 4)
    (*_, append) = exchange.receive_event(UpstreamFinished(), 5)
    assert isinstance(append, AppendAudit)
    assert (append.record.decision, append.record.other_decision) == ("allow", "block")


def test_a_scan_that_could_not_be_made_says_nothing() -> None:
    """What passes by an open fail mode is unscanned for both."""
    policy = Policy(request=PhasePolicy(fail_modes=dict.fromkeys(Stage, FailMode.OPEN)))
    context = given(other=other("outlawed"), bounds=bounds(inline_scan_characters=1), policy=policy)
    exchange, (wish,) = begin(context, "an outlawed word")
    assert isinstance(wish, ScanText)
    exchange.receive_event(ScanFailed(wish.phase, "late"), 2)
    exchange.receive_event(UpstreamStarted(200, "text/event-stream", "u"), 3)
    (*_, append) = exchange.receive_event(UpstreamFinished(), 4)
    assert isinstance(append, AppendAudit)
    assert append.record.other_decision == "unscanned"


def test_more_findings_than_are_judged_are_a_block() -> None:
    """As for the first, in a document and in a stream; a finding in a stream is judged once."""
    one = Finding(Stage.KEYWORDS, "A.1.f", 0, 1, term("x", Action.FLAG))
    judge = Judge(Policy(), observe=False)
    look_again(Phase.REQUEST, Texts((TextGroup("x", ()),), 1), ((one,) * (MOST_FINDINGS + 1),), judge)
    assert judge.decision is Decision.BLOCK
    judge = Judge(Policy(), observe=False)
    stage = SecondStage(build_ruleset([term("ab", Action.FLAG)], DIGEST), judge)
    assert stage.feed("ab cd ") == stage.finish() == []
    assert (judge.decision, len(judge.recorded)) == (Decision.FLAG, 1)
    assert stage.frontier == stage.clear_before(0)
    stage = SecondStage(build_ruleset([term("ab", Action.FLAG)], DIGEST), judge)
    stage.feed("ab cd " * (MOST_FINDINGS + 1))
    stage.finish()
    assert judge.decision is Decision.BLOCK
