"""The classifier on prompts and whole replies."""

from typing import Any

import orjson
import pytest

from filters.classifier.scores import Score, Side
from filters.findings import Action, Phase, Stage
from gateway.protocol.buffered import texts_of
from gateway.protocol.classifying import DOCUMENT_TICKET, Classifying
from gateway.protocol.commands import OpenUpstream, ScoreTexts
from gateway.protocol.dialects.openai_moderations import OpenAIModerations
from gateway.protocol.dialects.openai_transcriptions import OpenAITranscriptions
from gateway.protocol.events import Event, RequestReceived, UpstreamData, UpstreamFinished, UpstreamStarted
from gateway.protocol.labels import Position
from gateway.protocol.policy import Policy, RiskPolicy
from gateway.protocol.questions import MOST_WINDOWS
from gateway.protocol.verdicts import VerdictMemory
from tests.gateway.protocol.playbook import Outcome, given, reply, request
from tests.gateway.protocol.scoring import RISK, phase_policy, run_scored, score, scored_context
from tests.gateway.protocol.test_whole import upload


def asked(outcome: Outcome) -> list[tuple[str, Side]]:
    """Return what the classifier was asked about."""
    return [
        (window.text, window.side)
        for each in outcome.commands
        if isinstance(each, ScoreTexts)
        for window in each.windows
    ]


def ask(prompt: Any = "hi there", answer: str = "fine", how: Any = score, **members: Any) -> Outcome:  # noqa: ANN401 as the helpers take them
    """Run an exchange whose reply is read whole."""
    body = request(prompt, stream=False, **members.pop("body", {}))
    context = members.pop("context", None) or scored_context(**members)
    events: list[Event] = [
        RequestReceived(body),
        UpstreamStarted(200, "application/json"),
        UpstreamData(reply(answer)),
        UpstreamFinished(),
    ]
    return run_scored(context, events, how)


def test_prompt_and_reply_are_scored_each_as_what_it_is() -> None:
    """Ids, roles and model names are not; a clean exchange is allowed."""
    outcome = ask("how are you?")
    assert asked(outcome) == [("how are you?", Side.INPUT), ("fine", Side.OUTPUT)]
    assert outcome.decision == "allow"


def test_a_harmful_prompt_is_refused_before_the_model_is_asked() -> None:
    """The record names stage, category, risk and how sure it is."""
    outcome = ask("an evil plan")
    assert outcome.decision == "block"
    assert not any(isinstance(each, OpenUpstream) for each in outcome.commands)
    (found,) = outcome.record.findings
    assert (found.stage, found.risk, found.term, found.score) == (Stage.CLASSIFIER, RISK, "fraud", 990)
    assert outcome.record.phase is Phase.REQUEST


def test_a_harmful_reply_is_not_delivered() -> None:
    """Nothing of it is shown."""
    outcome = ask(answer="an evil plan")
    assert (outcome.decision, outcome.record.phase) == ("block", Phase.RESPONSE)
    assert b"evil" not in outcome.visible


def test_what_keywords_decide_is_not_scored() -> None:
    """A blocked prompt costs no score."""
    outcome = ask("forbidden and evil", keywords=["forbidden"])
    assert asked(outcome) == []
    assert {each.stage for each in outcome.record.findings} == {Stage.KEYWORDS}


def test_masks_of_other_stages_stay() -> None:
    """What was masked in a reply before it was scored is delivered masked."""
    outcome = ask(answer="a mild joke", masks=["mild"])
    assert "a **** joke" in outcome.document["choices"][0]["message"]["content"]
    assert asked(outcome)[-1] == ("a mild joke", Side.OUTPUT)


@pytest.mark.parametrize(
    ("action", "decision"), [(Action.FLAG, "flag"), (Action.MASK, "block"), (Action.OFF, "allow")]
)
def test_the_policy_says_what_follows(action: Action, decision: str) -> None:
    """A flag lets pass, a mask is a block, and off asks nothing."""
    outcome = ask("an evil plan", action=action)
    assert outcome.decision == decision
    assert bool(asked(outcome)) is (action is not Action.OFF)


def test_a_risk_that_is_off_is_no_finding() -> None:
    """Off wins from any level."""
    outcome = ask("an evil plan", policy=Policy(risks={RISK: RiskPolicy(Action.OFF)}))
    assert (outcome.decision, outcome.record.findings) == ("allow", ())


def test_an_observed_exchange_is_scored_and_goes_on() -> None:
    """The record shows what would have been done."""
    outcome = ask("an evil plan", observe=True)
    assert outcome.decision == "unfiltered"
    assert outcome.record.findings[0].action is Action.BLOCK


def test_closed_is_closed() -> None:
    """A prompt nobody could score gets 503."""
    outcome = ask(how="classifier_timeout")
    assert (outcome.start.status, outcome.record.error) == (503, "scan_failed")
    assert not any(isinstance(each, OpenUpstream) for each in outcome.commands)


def test_open_passes_as_unscanned() -> None:
    """Both halves are named in the record."""
    outcome = ask(how="classifier_down", open_=True)
    assert outcome.decision == "unscanned"
    assert {(each.phase, each.stage, each.reason) for each in outcome.record.unscanned} == {
        (phase, Stage.CLASSIFIER, "classifier_down") for phase in Phase
    }


def test_what_would_only_be_flagged_never_closes() -> None:
    """Its absence is recorded all the same."""
    outcome = ask(how="classifier_down", action=Action.FLAG)
    assert (outcome.start.status, outcome.decision) == (200, "unscanned")


def test_a_text_known_to_be_clean_is_not_scored_again() -> None:
    """Whether short or long; one with findings is."""
    context = scored_context(memory=VerdictMemory(b"key"), action=Action.FLAG)
    first, second = ask("hi there", context=context), ask("hi there", context=context)
    assert [text for text, _ in asked(first)] == ["hi there", "fine"]
    assert asked(second) == []
    assert asked(ask("an evil plan", context=context)) == asked(ask("an evil plan", context=context)) != []


def test_another_model_knows_nothing() -> None:
    """Nor do other bars."""
    memory = VerdictMemory(b"key")
    context = scored_context(memory=memory)
    ask("hi there", context=context)
    bars = Policy(risks={RISK: RiskPolicy(threshold_request=0.001)})
    assert asked(ask("hi there", context=scored_context(memory=memory, policy=bars)))[0][0] == "hi there"


@pytest.mark.parametrize("said", ["I said so", [{"type": "text", "text": "I said "}, {"type": "text", "text": "so"}]])
def test_what_the_model_said_earlier_is_measured_as_a_reply(said: Any) -> None:  # noqa: ANN401 any content
    """A conversation comes with every turn; prompts and replies have bars of their own."""
    messages = [
        {"role": "user", "content": "ask"},
        {"role": "assistant", "content": said},
        {"role": "user", "content": None},
    ]
    outcome = ask(body={"messages": messages})
    assert set(asked(outcome)) == {("ask", Side.INPUT), ("I said so", Side.OUTPUT), ("fine", Side.OUTPUT)}


def test_a_long_text_is_scored_in_windows() -> None:
    """Harm anywhere in it is found, and located."""
    outcome = ask("blah " * 300 + "evil" + " blah" * 300)
    (found,) = outcome.record.findings
    assert found.count >= 1
    assert len(asked(outcome)) > 4


def test_a_text_of_too_many_windows_is_a_decision() -> None:
    """Of the fail mode, before any of it is scored."""
    long = "甲" * 170 * (MOST_WINDOWS + 1)
    closed, passed = ask(long), ask(long, open_=True)
    assert (closed.record.error, asked(closed)) == ("scan_failed", [])
    assert passed.record.unscanned[0].reason == "classifier_text_too_long"


def test_an_answer_must_be_whole() -> None:
    """A missing score would let its text through."""
    classifying = Classifying(scored_context())
    document = {"messages": [{"role": "user", "content": "hi"}]}
    wish = classifying.begin(Phase.REQUEST, texts_of(document), document)
    assert isinstance(wish, ScoreTexts)
    assert wish.ticket == DOCUMENT_TICKET
    with pytest.raises(ValueError, match="each window"):
        classifying.settle([])


def test_without_prose_nothing_is_asked() -> None:
    """An empty document has no scores."""
    assert Classifying(scored_context()).begin(Phase.REQUEST, texts_of({"model": "m"}), {"model": "m"}) is None
    assert Classifying(given()).begin(Phase.REQUEST, texts_of({}), {}) is None


def test_a_question_for_a_verdict_is_told_of_both_stages() -> None:
    """Keywords do not spare it the scores: who asks wants to know everything."""
    context = scored_context(keywords=["forbidden"], dialect=OpenAIModerations())
    body = orjson.dumps({"input": ["forbidden and evil", "fine"]})
    outcome = run_scored(context, [RequestReceived(body)])
    first, second = outcome.document["results"]
    assert [each["stage"] for each in first["sluice"]["findings"]] == ["keywords", "classifier"]
    assert [first["flagged"], second["flagged"]] == [True, False]


def test_the_highest_score_of_a_category_is_recorded() -> None:
    """Counted together like the findings of a term."""
    scores = iter([0.91, 0.97, 0.93])
    messages = [{"role": "user", "content": text} for text in ("one", "two", "three")]
    policy = phase_policy(Phase.REQUEST, Action.FLAG)
    outcome = ask(how=lambda _: Score(next(scores), "fraud", RISK), body={"messages": messages}, policy=policy)
    (found,) = outcome.record.findings
    assert (found.count, found.score) == (3, 970)


def test_a_long_transcript_is_scored_line_by_line() -> None:
    """Its numbers and times say nothing, and its words need not be scored one by one and once more."""
    lines = "".join(f"{number}\n00:00:01,000 --> 00:00:02,000\n第{number}句话没有问题\n\n" for number in range(1500))
    context = scored_context(dialect=OpenAITranscriptions(), position=Position.INTERFACE)
    started: list[Event] = [upload(response_format="srt"), UpstreamStarted(200, "text/plain")]
    outcome = run_scored(context, [*started, UpstreamData(lines.encode()), UpstreamFinished()])
    assert outcome.decision == "allow"
    assert not any("-->" in text for text, _ in asked(outcome))
    words = [{"word": "好吧", "start": 1.0, "end": 2.0}] * 2500
    spelled = orjson.dumps({"text": "好吧" * 2500, "words": words})
    started = [upload(response_format="verbose_json"), UpstreamStarted(200, "application/json")]
    outcome = run_scored(context, [*started, UpstreamData(spelled), UpstreamFinished()])
    assert outcome.decision == "allow"
