"""A verdict without an answer of a model: an exchange like any other, told in the shape of OpenAI's moderations."""

from typing import Any

import orjson
import pytest

from filters.findings import MOST_FINDINGS, Action, Finding, Phase, Stage, Step
from filters.taxonomy import load_taxonomy
from gateway.protocol.commands import AppendAudit, OpenUpstream, ScanText, SendEnd, SendStart
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import Identity, Input
from gateway.protocol.dialects.openai_moderations import OpenAIModerations
from gateway.protocol.events import AuditAppended, AuditFailed, RequestReceived, ScanFailed
from gateway.protocol.judge import Judge
from gateway.protocol.moderations import CATEGORIES, CATEGORY_OF_RISK, moderate
from gateway.protocol.policy import FailMode, PhasePolicy, Policy, RiskPolicy
from tests.gateway.protocol.playbook import LAST, RISK, Outcome, Play, bounds, entry, given, head, run, term

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}


def _context(*keywords: Any, **members: Any) -> ExchangeContext:  # noqa: ANN401 as `given` takes them
    return given(keywords, dialect=OpenAIModerations(), **members)


def _body(asked: object) -> bytes:
    return orjson.dumps({"input": asked, "model": "omni-moderation-latest"})


def _ask(context: ExchangeContext, asked: object) -> Outcome:
    return run(context, [RequestReceived(_body(asked))])


def _found(result: dict[str, Any]) -> list[tuple[str, str, int, int]]:
    findings = result["sluice"]["findings"]
    return [(each["risk"], each["action"], each["start"], each["end"]) for each in findings]


def test_each_input_has_its_result() -> None:
    """Risk, action and offsets in the text as given; what is clean has none."""
    outcome = _ask(_context("forbidden"), ["it is ＦＯＲbidden", "fine"])
    bad, fine = outcome.document["results"]
    assert (bad["flagged"], fine["flagged"]) == (True, False)
    assert (_found(bad), _found(fine)) == ([(RISK, "block", 6, 15)], [])
    assert (outcome.document["id"], outcome.document["model"]) == ("modr-req-1", "sluice")


def test_no_model_server_is_asked() -> None:
    """The record is made first, durable where the text would have been stopped; then the answer leaves."""
    for asked, durable, decision in (("forbidden", True, "block"), ("fine", False, "allow")):
        outcome = _ask(_context("forbidden"), asked)
        kinds = [type(each) for each in outcome.commands]
        assert OpenUpstream not in kinds
        assert kinds.index(AppendAudit) < kinds.index(SendStart)
        assert outcome.commands[0] == entry(durable=durable, decision=decision)


def test_it_is_recorded_as_an_exchange_of_its_own_kind() -> None:
    """Its dialect, what was found and how much was scanned; no generated content, so no label and no number."""
    record = _ask(_context("forbidden"), ["is forbidden", "fine"]).record
    assert (record.dialect, record.model, record.status) == ("openai.moderations", "omni-moderation-latest", 200)
    assert [(each.risk, each.term, each.count) for each in record.findings] == [(RISK, "forbidden", 1)]
    assert (record.prompt_characters, record.reply_characters) == (16, 0)
    assert (record.label, record.produce_id, record.phase) == ("none", "", Phase.REQUEST)


def test_the_matched_term_is_for_operators() -> None:
    """Law 10: neither the term nor the text asked about is in the answer."""
    outcome = _ask(_context("forbidden"), "it is forbidden")
    assert b"forbidden" not in outcome.visible
    assert outcome.record.findings[0].term == "forbidden"


def test_the_answer_says_what_was_decided() -> None:
    """The decision in the header, and the member that every answer has that was acted on."""
    outcome = _ask(_context("forbidden"), "forbidden")
    assert outcome.start == head(200, x_sluice_decision="block", content_type="application/json")
    assert outcome.document["sluice"]["risks"] == [RISK]
    assert "aigc" not in outcome.document


def test_the_policy_decides() -> None:
    """Actions are the policy's, nothing is rewritten, and what it switches off is no finding."""
    policy = Policy(risks={"A.2.a": RiskPolicy(Action.MASK), "A.3.a": RiskPolicy(Action.OFF)})
    context = _context(term("one", risk="A.2.a"), term("two", risk="A.3.a"), policy=policy)
    both, off = _ask(context, ["one two", "two"]).document["results"]
    assert _found(both) == [("A.2.a", "mask", 0, 3)]
    assert (off["flagged"], _found(off)) == (False, [])


def test_an_observed_account_is_told_that_nothing_acts() -> None:
    """As in its other exchanges: found and recorded, never more than flagged."""
    outcome = _ask(_context("forbidden", observe=True), "forbidden")
    assert outcome.decision == "unfiltered"
    assert _found(outcome.document["results"][0]) == [(RISK, "flag", 0, 9)]


def test_parts_are_one_text_and_images_are_said_not_to_be_scanned() -> None:
    """A term over two parts is found; an image alone has no category that anything could be said of."""
    parts = [{"type": "text", "text": "for"}, IMAGE, {"type": "text", "text": "bidden"}]
    (result,) = _ask(_context("forbidden"), parts).document["results"]
    assert _found(result) == [(RISK, "block", 0, 9)]
    assert result["sluice"]["unscanned"] == ["image_url"]
    assert result["category_applied_input_types"]["hate"] == ["text"]
    (image,) = _ask(_context("forbidden"), [IMAGE]).document["results"]
    assert (image["flagged"], image["sluice"]) == (False, {"findings": [], "unscanned": ["image_url"]})
    assert set(map(tuple, image["category_applied_input_types"].values())) == {()}


def test_a_category_is_told_where_its_definition_covers_the_risk() -> None:
    """Discrimination by gender is hate; a class that holds both violence and pornography is neither of them."""
    context = _context(term("one", risk="A.2.e"), term("two", risk="A.1.f"))
    one, two = _ask(context, ["one", "two"]).document["results"]
    assert [name for name in CATEGORIES if one["categories"][name]] == ["hate"]
    assert [name for name in CATEGORIES if one["category_scores"][name]] == ["hate"]
    assert (two["flagged"], any(two["categories"].values())) == (True, False)
    assert one["category_applied_input_types"]["sexual"] == []


def test_the_table_names_risks_and_categories_that_exist() -> None:
    """A slip in either would never be seen in an answer."""
    assert CATEGORY_OF_RISK.keys() <= load_taxonomy().risks.keys()
    assert set(CATEGORY_OF_RISK.values()) <= set(CATEGORIES)


def test_the_steps_that_were_needed_are_told() -> None:
    """How a spelling was undone, without the term."""
    finding = Finding(Stage.KEYWORDS, RISK, 0, 3, term("one"), (Step.WIDTH, Step.PINYIN))
    judge = Judge(Policy(), observe=False)
    (result,) = moderate([Input("Ｏne")], ((finding,),), Identity("r", "", 0), judge)["results"]
    assert result["sluice"]["findings"][0]["via"] == ["width", "pinyin"]
    assert result["sluice"]["findings"][0]["stage"] == "keywords"


def test_long_inputs_go_to_the_scan_pool() -> None:
    """The loop is not held up, and the answer is the same."""
    asked = ["x" * 50 + "forbidden", "fine"]
    outcome = _ask(_context("forbidden", bounds=bounds(inline_scan_characters=10)), asked)
    assert outcome.commands[0] == ScanText(Phase.REQUEST, tuple(asked), personal=True)
    assert outcome.document == _ask(_context("forbidden"), asked).document


def test_an_input_known_to_be_clean_is_not_scanned_again() -> None:
    """What was asked about comes back as a prompt, or the other way round."""
    context = _context("forbidden", bounds=bounds(inline_scan_characters=10))
    assert any(isinstance(each, ScanText) for each in _ask(context, "fine " * 30).commands)
    assert not any(isinstance(each, ScanText) for each in _ask(context, ["fine " * 30, "short"]).commands)


@pytest.mark.parametrize("mode", FailMode)
def test_a_scan_that_failed_is_never_a_clean_text(mode: FailMode) -> None:
    """Closed, the answer is an error; open, each result says that its text was not read."""
    policy = Policy(request=PhasePolicy(fail_modes={Stage.KEYWORDS: mode}))
    play = Play(_context("forbidden", bounds=bounds(inline_scan_characters=1), policy=policy))
    play >> RequestReceived(_body("is it?")) >> ScanFailed(Phase.REQUEST, "scan_timeout")
    play >> AuditAppended()
    (end,) = [each for each in play.commands if isinstance(each, SendEnd)]
    document = orjson.loads(end.data)
    if mode is FailMode.CLOSED:
        assert document["error"]["code"] == "scan_failed"
    else:
        assert document["results"][0]["sluice"] == {"findings": [], "unscanned": ["text"]}
        assert document["sluice"]["decision"] == "unscanned"


def test_too_many_findings_flag_what_was_not_read() -> None:
    """The scan ends there; nothing is said to be clean that nobody read, and the answer stays bounded."""
    outcome = _ask(_context("xy"), ["xy", "xy" * MOST_FINDINGS, "z"])
    results = outcome.document["results"]
    assert [each["flagged"] for each in results] == [True, True, True]
    assert [each["sluice"]["unscanned"] for each in results] == [[], ["text"], ["text"]]
    assert sum(len(_found(each)) for each in results) == MOST_FINDINGS
    assert outcome.decision == "block"


def test_as_many_findings_as_are_judged_are_told() -> None:
    """The bound itself is not over it."""
    outcome = _ask(_context(term("xy", Action.FLAG)), ["xy" * MOST_FINDINGS, "z"])
    assert [each["sluice"]["unscanned"] for each in outcome.document["results"]] == [[], []]
    assert outcome.decision == "flag"


def test_what_cannot_be_recorded_is_not_answered() -> None:
    """As for every exchange: 503 in place of the verdict."""
    play = Play(_context("forbidden")) >> RequestReceived(_body("forbidden"))
    play.commands.clear()
    play >> AuditFailed() << [head(503), LAST]


def test_a_wrong_question_is_answered_in_the_shape_of_the_format() -> None:
    """400 with the member's name."""
    outcome = _ask(_context(), 7)
    assert (outcome.record.status, outcome.record.error) == (400, "invalid_request")
    assert "'input'" in outcome.document["error"]["message"]
