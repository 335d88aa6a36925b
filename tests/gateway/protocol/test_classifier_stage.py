"""The classifier on streams: what leaves when, what stops, and that neither cutting nor pace decides."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from filters.classifier.scores import Score, Side
from filters.classifier.windows import PASSAGE_CHARACTERS
from filters.findings import Action, Phase, Stage
from gateway.errors import ErrorCode
from gateway.protocol.bars import bars_of
from gateway.protocol.classifier_stage import ClassifierStage, Lead
from gateway.protocol.commands import CloseUpstream, OpenUpstream, ScoreTexts, SendData
from gateway.protocol.events import (
    ClientWaited,
    Event,
    RequestReceived,
    UpstreamData,
    UpstreamFailed,
    UpstreamFinished,
    UpstreamStarted,
)
from gateway.protocol.labels import Position
from gateway.protocol.policy import PhasePolicy, Policy, StreamMode
from gateway.protocol.states import State
from gateway.protocol.stream_scoring import scoring_of
from tests.filters.personal.samples import MOBILE
from tests.gateway.protocol import playbook_messages as messages
from tests.gateway.protocol import playbook_responses as responses
from tests.gateway.protocol.playbook import (
    DONE,
    Outcome,
    Play,
    arguments,
    chunk,
    delta,
    entry,
    finish,
    given,
    read,
    request,
)
from tests.gateway.protocol.scoring import (
    CLASSIFICATION,
    RISK,
    answer,
    phase_policy,
    run_scored,
    scored_context,
    stream_scored,
)
from tests.gateway.protocol.streams import CUTS, cut, events_of

CLEAN = "The first sentence is harmless. So is the second one! 第三句话也没有问题，大家可以放心。"
TEXTS = [CLEAN * 5, CLEAN * 4 + "evil " + CLEAN, "doubtful" + CLEAN, "odd evil"]
MODES = list(StreamMode)
UNLABELLED: dict[str, Any] = {"position": Position.INTERFACE}


def stage(mode: StreamMode = StreamMode.TRAIL, lead: int | None = 80) -> tuple[ClassifierStage, list[str]]:
    """Build a stage by itself, and the list of what it asks."""
    asked: list[str] = []

    def ask(text: str, _early: bool) -> int:  # noqa: FBT001 as it is called
        asked.append(text)
        return len(asked)

    return ClassifierStage(ask, bars_of(CLASSIFICATION, Policy(), Side.OUTPUT), Lead(mode, lead)), asked


def pieces_of(text: str, size: int = 7) -> list[bytes]:
    """Cut a reply into frames."""
    return [*(chunk(text[at : at + size]) for at in range(0, len(text), size)), finish(), DONE]


def shown(outcome: Outcome) -> str:
    """Return what a stream showed, its notice left out."""
    content = read(outcome.body).content()
    return content.partition("[The answer was stopped")[0].removesuffix("\n\n") if _blocked(outcome) else content


def _blocked(outcome: Outcome) -> bool:
    return outcome.decision == "block"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("late", [0, 1, 100])
def test_a_clean_reply_comes_whole(mode: StreamMode, late: int) -> None:
    """In each mode, however late the scores are."""
    outcome = stream_scored(scored_context(stream=mode, **UNLABELLED), pieces_of(CLEAN), late=late)
    assert shown(outcome) == CLEAN
    assert outcome.decision == "allow"


@pytest.mark.parametrize(("mode", "most"), [(StreamMode.TRAIL, 90), (StreamMode.HOLD, 0), (StreamMode.FULL, 0)])
@pytest.mark.parametrize("late", [0, 3, 100])
def test_a_leak_is_bounded(mode: StreamMode, most: int, late: int) -> None:
    """Beyond what was found clean no more leaves than the policy says, also when scores come late."""
    clean = "A sentence that is all right. " * 5
    text = clean + "Here comes the evil plan in all its length. " * 8
    outcome = stream_scored(scored_context(stream=mode, trail=50, **UNLABELLED), pieces_of(text), late=late)
    assert outcome.decision == "block"
    leaked = len(shown(outcome)) - len(clean)
    assert leaked <= most
    assert outcome.closed == 1
    assert outcome.record.released_characters == len(shown(outcome))


def test_without_any_answer_a_trail_ends_where_it_may() -> None:
    """The evaluator hangs: what was not scored is ahead by the stated number of characters and no more."""
    play = Play(scored_context(trail=50, policy=_replies(trail=50), **UNLABELLED)).streaming()
    for piece in pieces_of("甲" * 400)[:-2]:
        play >> UpstreamData(piece)
    out = b"".join(each.data for each in play.commands if isinstance(each, SendData))
    assert out.decode().count("甲") == 50
    assert play.exchange.held_characters == 350


def _replies(**members: Any) -> Policy:  # noqa: ANN401 fields of the policy
    own = phase_policy(Phase.RESPONSE, Action.BLOCK)
    return Policy(
        request=own.request,
        response=own.response,
        stream=members.get("stream", StreamMode.TRAIL),
        trail_characters=members.get("trail", 80),
    )


def test_a_held_sentence_leaves_when_its_score_comes() -> None:
    """While the model is silent: it does not wait for the next frame."""
    play = Play(scored_context(policy=_replies(stream=StreamMode.HOLD), **UNLABELLED)).streaming()
    play >> UpstreamData(chunk("A whole sentence! And"))
    (asked,) = [each for each in play.commands if isinstance(each, ScoreTexts)]
    assert not any(b"whole" in each.data for each in play.commands if isinstance(each, SendData))
    play.commands.clear()
    play >> answer(asked)
    assert isinstance(play.commands[0], SendData)
    assert b"A whole sentence!" in play.commands[0].data


def test_a_held_value_is_restored_when_its_score_comes() -> None:
    """The model wrote a placeholder; what leaves with the score is the user's own value."""
    policy = _replies(stream=StreamMode.HOLD)
    hidden = replace(policy.request, actions={**policy.request.actions, Stage.PERSONAL_DATA: Action.RESTORE})
    context = scored_context(policy=replace(policy, request=hidden), **UNLABELLED)
    play = Play(context) >> RequestReceived(request(f"call {MOBILE}"))
    (opened,) = [each for each in play.commands if isinstance(each, OpenUpstream)]
    placeholder = orjson.loads(opened.body)["messages"][0]["content"].removeprefix("call ")
    assert placeholder != MOBILE
    play >> UpstreamStarted(200, "text/event-stream") >> UpstreamData(chunk(f"I call {placeholder}! And"))
    (asked,) = [each for each in play.commands if isinstance(each, ScoreTexts)]
    play.commands.clear()
    play >> answer(asked)
    assert isinstance(play.commands[0], SendData)
    assert f"I call {MOBILE}!".encode() in play.commands[0].data


@pytest.mark.parametrize("mode", MODES)
def test_the_whole_is_judged_at_the_end(mode: StreamMode) -> None:
    """By the lower bar; what was shown of it is to be retracted."""
    outcome = stream_scored(scored_context(stream=mode, **UNLABELLED), pieces_of("This is doubtful. " * 3))
    assert outcome.decision == "block"
    member = read(outcome.body).last["sluice"]
    assert member["retract"] is (mode is not StreamMode.FULL)
    assert (shown(outcome) == "") is (mode is StreamMode.FULL)


@pytest.mark.parametrize("mode", MODES)
def test_a_failed_score_ends_a_closed_stream(mode: StreamMode) -> None:
    """With an error of the format and not with a notice: nobody knows that it was harmful."""
    outcome = stream_scored(
        scored_context(stream=mode, policy=_replies(stream=mode)), pieces_of(CLEAN), "classifier_timeout"
    )
    assert (outcome.record.error, outcome.record.decision) == ("scan_failed", "error")
    assert b"scan_failed" in outcome.body


@pytest.mark.parametrize("mode", MODES)
def test_an_open_stream_goes_on_unscanned(mode: StreamMode) -> None:
    """All of it leaves, and the record says so."""
    outcome = stream_scored(
        scored_context(stream=mode, open_=True, **UNLABELLED), pieces_of(CLEAN + "evil"), "classifier_down"
    )
    assert shown(outcome) == CLEAN + "evil"
    assert outcome.decision == "unscanned"
    assert {each.reason for each in outcome.record.unscanned} == {"classifier_down"}


def test_flags_hold_nothing_back() -> None:
    """Every frame leaves as it came, and the record has the findings of passages and of the whole."""
    context = scored_context(action=Action.FLAG, stream=StreamMode.HOLD, **UNLABELLED)
    frames = pieces_of("An evil plan it is. " * 3)
    outcome = stream_scored(context, frames, late=100)
    assert shown(outcome) == "An evil plan it is. " * 3
    assert outcome.decision == "flag"
    assert all(frame in outcome.body for frame in frames[:-2])


def test_nothing_is_asked_where_the_policy_is_off() -> None:
    """Nor where there is no classifier."""
    assert scoring_of(scored_context(policy=phase_policy(Phase.REQUEST, Action.BLOCK))) is None
    assert scoring_of(given()) is None
    outcome = stream_scored(scored_context(action=Action.OFF), pieces_of("evil"))
    assert not any(isinstance(each, ScoreTexts) for each in outcome.commands)


def test_an_end_without_terminator_waits_too() -> None:
    """The server ends its side and sends nothing more; the last score decides."""
    frames = pieces_of("Rather doubtful")[:-2]
    outcome = stream_scored(scored_context(stream=StreamMode.FULL), frames, late=100)
    assert (outcome.decision, outcome.record.released_characters) == ("block", 0)


@pytest.mark.parametrize("late", [0, 100])
def test_an_end_in_an_unfinished_frame_waits_too(late: int) -> None:
    """The last frame has no blank line behind it, and is read when the server has ended its side."""
    frames = [chunk("Hello you."), finish().rstrip(b"\n")]
    outcome = stream_scored(scored_context(stream=StreamMode.HOLD, **UNLABELLED), frames, late=late)
    assert read(outcome.body).content() == "Hello you."
    assert outcome.decision == "allow"


def test_choices_and_tool_calls_are_scored_apart() -> None:
    """Each text is asked about by itself; names of functions are not."""
    frames = [
        chunk("Hello you."),
        chunk("Bye then.", 1),
        delta({"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "send_mail", "arguments": ""}}]}),
        delta(arguments('{"to": "somebody"}')),
        finish(),
        finish(1),
        DONE,
    ]
    outcome = stream_scored(scored_context(), frames)
    texts = [each.windows[0].text for each in outcome.commands if isinstance(each, ScoreTexts)][1:]
    assert sorted(texts) == ["Bye then.", "Hello you.", '{"to": "somebody"}']
    assert outcome.decision == "allow"


def test_frames_behind_an_end_wait_their_turn() -> None:
    """One read brings the end of one choice and the text of another: nothing is lost, and the order stays."""
    text = b"".join([chunk("Hello you."), finish(), chunk("Bye then.", 1), finish(1), DONE])
    outcome = stream_scored(scored_context(stream=StreamMode.HOLD, **UNLABELLED), [text])
    reading = read(outcome.body)
    assert (reading.content(0), reading.content(1)) == ("Hello you.", "Bye then.")
    assert [choice["index"] for each in reading.frames for choice in each["choices"] if choice["finish_reason"]] == [
        0,
        1,
    ]


def test_a_waiting_client_is_told_while_a_stream_settles() -> None:
    """A slow evaluator must not look like a dead line."""
    play = Play(scored_context(policy=_replies())).streaming()
    play >> UpstreamData(chunk("Hello you.") + finish())
    assert play.exchange.state is State.SETTLING
    play.commands.clear()
    play >> ClientWaited() << [SendData(b": keep-alive\n\n")]


def test_a_failing_model_server_ends_it_as_ever() -> None:
    """What was asked stays unanswered, and what was held is dropped."""
    play = Play(scored_context(policy=_replies(stream=StreamMode.HOLD))).streaming()
    play >> UpstreamData(chunk("A whole sentence! And"))
    play.commands.clear()
    play >> UpstreamFailed(ErrorCode.UPSTREAM_RESET) << [CloseUpstream(), entry(error="upstream_reset")]


@pytest.mark.parametrize("mode", MODES)
@generate(
    CUTS, st.sampled_from([CLEAN * 5, CLEAN * 4 + "evil " + CLEAN, "doubtful" + CLEAN, "odd evil"]), st.integers(0, 4)
)
@settings(max_examples=100, deadline=None)
def test_cutting_and_pace_decide_nothing(mode: StreamMode, places: list[int], text: str, late: int) -> None:
    """Law: same bytes and scores, same decision and findings; what is shown of a blocked one is a beginning of it."""
    raw = b"".join(pieces_of(text))
    context = scored_context(stream=mode, trail=30, **UNLABELLED)
    plain = stream_scored(context, [raw])
    outcome = stream_scored(context, cut(raw, places), late=late)
    assert outcome.record.findings == plain.record.findings
    assert outcome.decision == plain.decision
    if outcome.decision == "block":
        assert text.startswith(shown(outcome))
        if mode is not StreamMode.TRAIL:
            assert shown(outcome) == shown(plain)
    else:
        assert shown(outcome) == shown(plain) == text


@generate(st.text("ab.! \n。甲", max_size=700), st.lists(st.integers(0, 700), max_size=20))
@settings(max_examples=300, deadline=None)
def test_the_questions_depend_on_the_text_alone(text: str, places: list[int]) -> None:
    """However it is cut; every letter is asked about, and no passage is longer than it may be."""
    whole, one = stage()
    pieces, other = stage()
    whole.feed(text)
    edges = sorted({0, len(text), *(min(place, len(text)) for place in places)})
    for start, end in pairwise(edges):
        pieces.feed(text[start:end])
    for each in (whole, pieces):
        each.end()
        each.end()
    assert one == other
    assert [asked.end - asked.start <= PASSAGE_CHARACTERS for asked in whole._asked if asked.passage].count(
        False
    ) == 0
    covered = {at for asked in whole._asked if not asked.passage for at in range(asked.start, asked.end)}
    assert covered >= {at for at, character in enumerate(text) if character in "ab。甲"}


def test_answers_count_in_the_order_of_the_questions() -> None:
    """A later harm waits for the earlier answer: the first in the text stops it."""
    running, asked = stage()
    running.feed("An evil sentence it is. Another evil one follows!")
    evil = Score(0.99, "fraud", RISK)
    assert len(asked) == 2
    assert running.take(2, evil) == []
    first, second = running.take(1, evil)
    assert (first.finding.start, first.at) == (0, 24)
    assert second.finding.start == 24
    assert running.settled


def _said(body: bytes) -> str:
    """Join the pieces of text of a typed stream."""
    deltas = [each.get("delta") for each in events_of(body) if "text" in each["type"] or "delta" in each["type"]]
    return "".join(each if isinstance(each, str) else (each or {}).get("text", "") for each in deltas)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("book", [messages, responses])
@pytest.mark.parametrize("late", [0, 100])
def test_other_formats_wait_for_scores_too(mode: StreamMode, book: Any, late: int) -> None:  # noqa: ANN401 a module
    """Ends of blocks and items, and frames that say a text once more, leave with all of it and in their order."""
    rules = scored_context(stream=mode, **UNLABELLED)
    own = book.context()
    context = replace(own, standing=rules.standing, classification=rules.classification)
    pieces = ["Hello you. ", "And more of it, ", "at some length!"]
    started: list[Event] = [RequestReceived(book.request()), UpstreamStarted(200, "text/event-stream")]
    events = [*started, *map(UpstreamData, book.said(*pieces)), UpstreamFinished()]
    clean, plain = run_scored(context, events, late=late), run_scored(replace(context, classification=None), events)
    assert book.read(clean.body)
    assert _said(clean.body) == _said(plain.body) == "".join(pieces)
    assert clean.decision == "allow"
    evil = [*started, *map(UpstreamData, book.said("An evil plan. ", "And more.")), UpstreamFinished()]
    stopped = run_scored(context, evil, late=late)
    assert (stopped.decision, stopped.record.phase) == ("block", Phase.RESPONSE)
    assert (b"evil" in stopped.body) <= (mode is StreamMode.TRAIL)


def test_an_early_hit_of_a_full_window_stops_at_once() -> None:
    """A window needs no end of the text where it is sure enough."""
    running, _ = stage(StreamMode.FULL, 0)
    running.feed("evil " * 200)
    (known,) = running.take(1, Score(0.95, "fraud", RISK))
    assert known.finding.end == 512
    assert running.frontier == 0
    assert running.clear_before(3) == 0


def test_a_stage_speaks_of_the_whole_once() -> None:
    """At the end, and not again."""
    running, _ = stage()
    running.feed("doubtful")
    running.end()
    assert running.take(1, Score(0.85, "fraud", RISK)) == []
    (known,) = running.finish()
    assert (known.at, known.finding.start, known.finding.end) == (8, 0, 8)
    assert running.finish() == []


def test_what_a_score_lets_go_of_is_restored() -> None:
    """Between two frames too: what was held came before the value could be given back."""
    half = PhasePolicy({Stage.PERSONAL_DATA: Action.RESTORE})
    context = scored_context(policy=Policy(request=half, stream=StreamMode.HOLD), **UNLABELLED)
    asked = RequestReceived(request(f"Call {MOBILE} for me"))
    first = run_scored(context, [asked])
    placeholder = first.forwarded["messages"][0]["content"].split()[1]
    started = UpstreamStarted(200, "text/event-stream")
    pieces = [UpstreamData(chunk(f"I will call {placeholder} today. And then?")), UpstreamData(DONE)]
    outcome = run_scored(context, [asked, started, *pieces, UpstreamFinished()])
    assert read(outcome.body).content() == f"I will call {MOBILE} today. And then?"
