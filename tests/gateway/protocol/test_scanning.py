"""What of a document is scanned, and where."""

import pytest

from filters.findings import Action, Phase, Stage
from gateway.protocol.buffered import texts_of
from gateway.protocol.commands import ScanText
from gateway.protocol.context import Bounds
from gateway.protocol.judge import Judge
from gateway.protocol.policy import PhasePolicy, Policy
from gateway.protocol.scanning import Scanning, left_out
from tests.gateway.protocol.playbook import given


def test_a_short_document_is_scanned_at_once_and_a_long_one_elsewhere() -> None:
    """The bound is of what has to be scanned; the wish says whether personal data is looked for."""
    texts = texts_of({"content": "a forbidden word"})
    found = Scanning(given(["forbidden"])).begin(Phase.REQUEST, texts)
    assert not isinstance(found, ScanText)
    assert [each.term.text for each in found[0]] == ["forbidden"]
    asked = Scanning(given(["forbidden"], bounds=Bounds(inline_scan_characters=3))).begin(Phase.REQUEST, texts)
    assert asked == ScanText(Phase.REQUEST, ("a forbidden word",), personal=True)


def test_a_scan_answers_for_each_text() -> None:
    """One text more would pass unread."""
    scanning = Scanning(given())
    scanning.begin(Phase.RESPONSE, texts_of({"content": "word"}))
    with pytest.raises(ValueError, match="each text"):
        scanning.settle(((), ()))


def test_what_a_known_text_costs_is_one_look() -> None:
    """The second time it is a hit, and a reply is never looked up."""
    context, texts = (
        given(),
        texts_of({"content": "so far nothing was found in this long text of the conversation. " * 2}),
    )
    first, second, reply = Scanning(context), Scanning(context), Scanning(context)
    for scanning, phase in ((first, Phase.REQUEST), (second, Phase.REQUEST), (reply, Phase.RESPONSE)):
        scanning.begin(phase, texts)
    assert [each.lookups for each in (first, second, reply)] == [(0, 1), (1, 0), (0, 0)]


def test_a_failed_scan_misses_the_stages_that_would_act() -> None:
    """A stage that only notes closes nothing."""
    assert Scanning(given()).missed_stages(Phase.REQUEST) == [Stage.KEYWORDS]
    masks = Policy(request=PhasePolicy({Stage.PERSONAL_DATA: Action.MASK}))
    assert Scanning(given(policy=masks)).missed_stages(Phase.REQUEST) == [Stage.KEYWORDS, Stage.PERSONAL_DATA]


def test_tool_definitions_are_left_out_where_the_policy_says_so() -> None:
    """What passes so is recorded; where there are none, nothing is."""
    context = given(policy=Policy(scan_tool_definitions=False))
    judge = Judge(context.standing.policy, observe=False)
    assert left_out(context, {"messages": []}, judge) == frozenset()
    assert not judge.not_scanned
    assert "tools" in left_out(context, {"tools": [{}]}, judge)
    assert [each.reason for each in judge.not_scanned] == ["tool_definitions"]
