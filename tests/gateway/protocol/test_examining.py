"""The examination of a prompt or a whole reply, stage by stage."""

from typing import Any

import pytest

from filters.findings import Phase, Stage
from gateway.protocol.buffered import texts_of
from gateway.protocol.commands import ScanText, ScoreTexts
from gateway.protocol.dialects.base import ParsedRequest
from gateway.protocol.events import ScanCompleted, ScanFailed, ScoringFailed, TextsScored
from gateway.protocol.examining import Examination, Examined
from gateway.protocol.judge import Judge
from gateway.protocol.placeholders import Vault
from gateway.protocol.policy import FailMode, PhasePolicy, Policy
from gateway.protocol.recording import Recording
from tests.gateway.protocol.playbook import bounds
from tests.gateway.protocol.scoring import answer, scored_context


def examination(text: str, **members: Any) -> tuple[Examination, object]:  # noqa: ANN401 as `given` takes them
    """Begin to examine a prompt; return its first step too."""
    context = scored_context(bounds=bounds(inline_scan_characters=20), **members)
    judge = Judge(context.standing.policy, observe=False)
    made = Examination(context, judge, Vault("req"), Recording(context, judge))
    document = {"messages": [{"role": "user", "content": text}]}
    request = ParsedRequest(document, "m", streamed=False, structured=False, language_hint="")
    return made, made.begin_request(texts_of(document), request)


def test_stages_follow_one_another() -> None:
    """A long prompt is scanned, then scored, then passes."""
    made, step = examination("a long text without harm")
    assert isinstance(step, ScanText)
    step = made.scanned(ScanCompleted(Phase.REQUEST, ((),)))
    assert isinstance(step, ScoreTexts)
    scored = answer(step)
    assert isinstance(scored, TextsScored)
    assert made.scored(scored) is Examined.PASSED


def test_a_block_ends_it() -> None:
    """Keywords before scores, scores after."""
    assert examination("forbidden", keywords=["forbidden"])[1] is Examined.BLOCKED
    made, step = examination("evil")
    assert isinstance(step, ScoreTexts)
    scored = answer(step)
    assert isinstance(scored, TextsScored)
    assert made.scored(scored) is Examined.BLOCKED


def test_a_stage_that_failed_is_a_decision() -> None:
    """Of each stage's own fail mode: an open scan is still scored."""
    made, _ = examination("a long text without harm")
    assert made.scan_failed(ScanFailed(Phase.REQUEST, "scan_timeout")) is Examined.UNREAD
    half = PhasePolicy({}, {Stage.KEYWORDS: FailMode.OPEN})
    made, _ = examination("a long text without harm", policy=Policy(request=half))
    assert isinstance(made.scan_failed(ScanFailed(Phase.REQUEST, "scan_timeout")), ScoreTexts)
    assert made.scoring_failed(ScoringFailed(0, "classifier_down")) is Examined.UNREAD


def test_an_answer_about_the_other_half_is_none() -> None:
    """A late scan of a prompt says nothing of the reply."""
    made, _ = examination("a long text without harm")
    with pytest.raises(ValueError, match="a scan of the response"):
        made.scanned(ScanCompleted(Phase.RESPONSE, ((),)))
    assert made.lookups == (0, 0)
