"""The stage `personal_data`: what policies make of it, in prompts, whole replies and streams."""

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from filters.findings import Action, Phase, Stage
from filters.personal.detector import Unhurried
from filters.personal.kinds import PRIVACY, SECRET
from gateway.protocol.context import ExchangeContext
from gateway.protocol.events import RequestReceived, ScanFailed
from gateway.protocol.labels import Position
from gateway.protocol.personal import UNFOLLOWED, acts_on_personal_data, following, reads_personal_data, scan_texts
from gateway.protocol.policy import FailMode, PhasePolicy, Policy, RiskPolicy
from tests.filters.personal.samples import EMAIL, ID_NUMBER, MOBILE, pem
from tests.filters.test_patterns import cut
from tests.gateway.protocol.playbook import (
    DONE,
    Outcome,
    Play,
    arguments,
    ask,
    bounds,
    chunk,
    delta,
    entry,
    finish,
    given,
    read,
    reply,
    request,
    stream,
)

SAID = f"请打 {MOBILE} 或写信到 {EMAIL}，谢谢。"


def context(
    asked: Action | None = None,
    answered: Action | None = None,
    **members: Any,  # noqa: ANN401 any field of the context
) -> ExchangeContext:
    """Build a context whose policy does this about personal data in prompts and in replies."""
    phases = [PhasePolicy({} if each is None else {Stage.PERSONAL_DATA: each}) for each in (asked, answered)]
    policy = Policy(request=phases[0], response=phases[1])
    fields: dict[str, Any] = {"policy": policy, "position": Position.INTERFACE} | members
    return given(**fields)


def found(outcome: Outcome) -> list[tuple[Phase, str, Action, int]]:
    """Return what was recorded."""
    return [(each.phase, each.term, each.action, each.count) for each in outcome.record.findings]


def pieces(text: str, *cuts: int) -> list[bytes]:
    """Return a model's stream that says a text, cut there."""
    return [*(chunk(piece) for piece in cut(text, list(cuts))), finish(), DONE]


def test_personal_data_is_flagged_where_no_policy_says_more() -> None:
    """Nothing changes for the client; the record names kinds and no values."""
    outcome = ask(context(), request(SAID, stream=False), reply(SAID))
    assert outcome.decision == "flag"
    assert outcome.forwarded["messages"][0]["content"] == SAID
    assert outcome.document["choices"][0]["message"]["content"] == SAID
    assert found(outcome) == [
        (phase, term, Action.FLAG, 1) for phase in Phase for term in ("personal_data.phone", "personal_data.email")
    ]
    assert MOBILE not in repr(outcome.record)


def test_personal_data_that_is_off_is_not_read() -> None:
    """Neither in the prompt nor in the reply."""
    assert ask(context(Action.OFF, Action.OFF), request(SAID, stream=False), reply(SAID)).record.findings == ()
    assert stream(context(Action.OFF, Action.OFF), pieces(SAID)).record.findings == ()


def test_personal_data_in_a_prompt_is_blocked() -> None:
    """The model server is not asked; the client learns the risk, nobody the value."""
    outcome = ask(context(Action.BLOCK), request(SAID, stream=False))
    assert outcome.decision == "block"
    assert outcome.forwarded is None
    assert MOBILE.encode() not in outcome.visible


def test_personal_data_in_prompt_and_reply_is_masked() -> None:
    """Character by character, as terms are."""
    masked = SAID.replace(MOBILE, "*" * len(MOBILE)).replace(EMAIL, "*" * len(EMAIL))
    outcome = ask(context(Action.MASK, Action.MASK), request(SAID, stream=False), reply(SAID))
    assert outcome.forwarded["messages"][0]["content"] == masked
    assert outcome.document["choices"][0]["message"]["content"] == masked


@pytest.mark.parametrize("action", [Action.MASK, Action.RESTORE])
@generate(st.lists(st.integers(0, 60), max_size=6))
@settings(max_examples=40, deadline=None)
def test_no_character_of_a_masked_value_leaves_in_a_stream(action: Action, cuts: list[int]) -> None:
    """Law 3, for any cutting; in a reply there is nothing to restore from, so both are masks."""
    outcome = stream(context(None, action), pieces(SAID, *cuts))
    masked = SAID.replace(MOBILE, "*" * len(MOBILE)).replace(EMAIL, "*" * len(EMAIL))
    assert read(outcome.body).content() == masked
    assert [each[2] for each in found(outcome)] == [Action.MASK] * 2


@generate(st.lists(st.integers(0, 60), max_size=6))
@settings(max_examples=40, deadline=None)
def test_no_character_of_a_blocked_value_leaves_in_a_stream(cuts: list[int]) -> None:
    """What was cleared before it does, and is the same however the reply was cut."""
    outcome = stream(context(None, Action.BLOCK), pieces(SAID, *cuts))
    assert outcome.decision == "block"
    assert read(outcome.body).content().partition("\n\n")[0] == "请打 "
    assert [each[1] for each in found(outcome)] == ["personal_data.phone"]


@generate(st.lists(st.integers(0, 900), max_size=6))
@settings(max_examples=30, deadline=None)
def test_nothing_of_a_private_key_leaves_in_a_stream(cuts: list[int]) -> None:
    """Longer than any match, it is masked from head to foot."""
    key = pem(lines=12)
    outcome = stream(context(None, Action.MASK), pieces(f"密钥：{key}。请收好", *cuts))
    assert read(outcome.body).content() == f"密钥：{'*' * len(key)}。请收好"


def test_a_stream_is_not_delayed_where_nothing_acts() -> None:
    """Flagged values leave with their frames, untouched, and are recorded all the same."""
    frames = [chunk("电话138"), chunk("12345678"), chunk("。"), finish(), DONE]
    play = Play(context()).streaming()
    outcome = stream(context(), frames)
    assert all(raw in outcome.body for raw in frames[:3])
    assert found(outcome) == [(Phase.RESPONSE, "personal_data.phone", Action.FLAG, 1)]
    assert play.exchange.decision == "allow"


def test_a_value_at_the_very_end_of_a_stream_is_found() -> None:
    """The end of the text makes it certain, also where nothing was held."""
    assert found(stream(context(), pieces(f"电话{MOBILE}")))[0][1] == "personal_data.phone"
    assert read(stream(context(None, Action.MASK), pieces(f"电话{MOBILE}")).body).content() == "电话" + "*" * 11


@pytest.mark.parametrize("end", [[finish(), DONE], [DONE], []])
def test_a_value_at_the_very_end_of_a_stream_blocks(end: list[bytes]) -> None:
    """The notice stands where the value would have: nothing of it was let go."""
    outcome = stream(context(None, Action.BLOCK), [chunk(f"电话{MOBILE[:6]}"), chunk(MOBILE[6:]), *end])
    assert outcome.decision == "block"
    assert MOBILE[:3] not in read(outcome.body).content()
    assert outcome.record.released_characters == 2


def test_an_observed_exchange_is_not_held_back() -> None:
    """It is recorded with what the policy would have done."""
    outcome = stream(context(None, Action.BLOCK, observe=True), pieces(SAID))
    assert read(outcome.body).content() == SAID
    assert {each[2] for each in found(outcome)} == {Action.BLOCK}


def test_identifiers_are_nobodys_data() -> None:
    """A masked id would be another id; the same digits in a text are what they are."""
    call = {"tool_calls": [{"index": 0, "id": MOBILE, "function": {"name": "f", "arguments": f'"{MOBILE}"'}}]}
    outcome = stream(context(None, Action.MASK), [delta(call), finish(), DONE])
    assert outcome.body.count(MOBILE.encode()) == 1
    body = request("hi", stream=False, user=MOBILE)
    document = ask(context(Action.MASK), body, reply("x", id=MOBILE))
    assert document.forwarded["user"] == "*" * len(MOBILE)
    assert document.document["id"] == MOBILE


@generate(st.lists(st.integers(0, 90), max_size=6))
@settings(max_examples=60, deadline=None)
def test_a_restored_value_is_hidden_from_the_model_and_shown_to_the_user(cuts: list[int]) -> None:
    """The model reads a placeholder; its reply, cut anywhere, has the value again."""
    asked = context(Action.RESTORE)
    prompt = f"{SAID}{MOBILE}"
    replaced = ask(asked, request(prompt, stream=False), reply("x")).forwarded["messages"][0]["content"]
    assert MOBILE not in replaced
    assert EMAIL not in replaced
    outcome = stream(asked, pieces(replaced, *cuts), request(prompt))
    assert outcome.forwarded["messages"][0]["content"] == replaced
    assert read(outcome.body).content() == prompt
    assert outcome.decision == "mask"
    assert {each[2] for each in found(outcome) if each[0] is Phase.REQUEST} == {Action.RESTORE}
    assert MOBILE not in repr(outcome.record)


def test_a_whole_reply_is_restored() -> None:
    """In content and in arguments; token probabilities, which spell the placeholder, are dropped."""
    asked = context(Action.RESTORE)
    placeholder = ask(asked, request(MOBILE, stream=False), reply("x")).forwarded["messages"][0]["content"]
    message = {"role": "assistant", "content": f"您的号码是 {placeholder}。"}
    choices = [{"index": 0, "message": message, "logprobs": {"content": [{"token": placeholder}]}}]
    outcome = ask(asked, request(MOBILE, stream=False), orjson.dumps({"choices": choices}))
    (choice,) = outcome.document["choices"]
    assert choice["message"]["content"] == f"您的号码是 {MOBILE}。"
    assert choice["logprobs"] is None
    assert (
        ask(asked, request(MOBILE, stream=False), reply("fine")).document["choices"][0]["message"]["content"]
        == "fine"
    )


def test_tool_calls_are_restored_as_json() -> None:
    """A value with line ends is written as JSON writes it, also when its placeholder comes in two frames."""
    asked, key = context(Action.RESTORE), pem(lines=2)
    placeholder = ask(asked, request(key, stream=False), reply("x")).forwarded["messages"][0]["content"]
    assert placeholder.startswith("PRIVATE-KEY-1-")
    halves = [
        delta(arguments('{"key": "' + placeholder[:9])),
        delta(arguments(placeholder[9:] + '"}')),
        finish(),
        DONE,
    ]
    outcome = stream(asked, halves, request(key))
    said = read(outcome.body).texts[0, "tool_calls", 0, "function", "arguments"]
    assert orjson.loads(said) == {"key": key}


def test_a_placeholder_half_said_at_the_end_or_at_a_block_is_shown() -> None:
    """It is no placeholder then, and was cleared."""
    asked = context(Action.RESTORE, keywords=["forbidden"])
    assert read(stream(asked, pieces("电话 PHO"), request(MOBILE)).body).content() == "电话 PHO"
    outcome = stream(asked, [chunk("电话 PHO"), chunk(" forbidden"), finish(), DONE], request(MOBILE))
    assert read(outcome.body).content().startswith("电话 PHO ")


def test_a_name_is_restored_in_its_frame() -> None:
    """Clients take it from one frame, so no part of it waits."""
    call = {"tool_calls": [{"index": 0, "function": {"name": "PHO"}}]}
    outcome = stream(context(Action.RESTORE), [delta(call), finish(), DONE], request(MOBILE))
    assert delta(call) in outcome.body


def test_token_probabilities_do_not_spell_what_is_masked() -> None:
    """A number is many tokens and none of them alone, so they do not leave where it would be masked."""
    spelled = [{"token": each, "top_logprobs": []} for each in MOBILE]
    frames = [delta({"content": MOBILE}, logprobs={"content": spelled}), finish(), DONE]
    assert b'"logprobs":null' in stream(context(None, Action.MASK), frames).body
    assert b'"token":"1"' in stream(context(), frames).body


@pytest.mark.parametrize(
    ("action", "mode", "decision"),
    [
        (Action.BLOCK, FailMode.CLOSED, "error"),
        (Action.BLOCK, FailMode.OPEN, "unscanned"),
        (Action.FLAG, FailMode.CLOSED, "unscanned"),
    ],
)
def test_a_failed_scan_follows_the_stage_that_would_have_acted(action: Action, mode: FailMode, decision: str) -> None:
    """Law 8: any stage may close; one that only notes never does."""
    rules = PhasePolicy({Stage.PERSONAL_DATA: action}, {Stage.KEYWORDS: FailMode.OPEN, Stage.PERSONAL_DATA: mode})
    play = Play(given(policy=Policy(request=rules), bounds=bounds(inline_scan_characters=0)))
    play >> RequestReceived(request(stream=False))
    assert play.commands.pop().personal  # type: ignore[union-attr]
    play >> ScanFailed(Phase.REQUEST, "scan_timeout")
    if decision == "error":
        play << [entry(decision="error", error="scan_failed")]
    else:
        assert play.exchange.decision.value == decision


def test_policies_say_who_reads_and_who_holds() -> None:
    """A rule for one of the two risks is enough; what is only flagged is not held."""
    only_secrets = Policy(
        risks={SECRET: RiskPolicy(Action.BLOCK), PRIVACY: RiskPolicy(Action.OFF)},
    )
    off = Policy(response=PhasePolicy({Stage.PERSONAL_DATA: Action.OFF}))
    assert acts_on_personal_data(only_secrets, Phase.RESPONSE)
    assert not acts_on_personal_data(Policy(), Phase.RESPONSE)
    assert reads_personal_data(off, Phase.REQUEST)
    assert not reads_personal_data(off, Phase.RESPONSE)
    assert following(given(policy=only_secrets)).holds
    assert following(given(policy=off)) is UNFOLLOWED
    (stage,) = following(given()).stages()
    assert isinstance(stage, Unhurried)


def test_a_document_is_scanned_by_every_stage() -> None:
    """Findings of a text stand together; without personal data they are the keywords' alone."""
    ruleset, texts = given(keywords=["bad"]).standing.ruleset, ["bad", f"bad {ID_NUMBER}"]
    found = scan_texts(ruleset, Phase.REQUEST, texts, personal=True)
    assert [[each.stage for each in one] for one in found] == [
        [Stage.KEYWORDS],
        [Stage.KEYWORDS, Stage.PERSONAL_DATA],
    ]
    assert scan_texts(ruleset, Phase.REQUEST, texts, personal=False) == (found[0], found[1][:1])
    assert scan_texts(ruleset, Phase.REQUEST, ["bad"], personal=True) == (found[0],)


ACTIONS = st.sampled_from([None, Action.OFF, Action.MASK, Action.BLOCK])
WORDS = st.sampled_from([MOBILE, EMAIL, pem(lines=2), "甲乙", "甲", "电话", "PHONE-1-", " ", "x" * 300])


@generate(st.lists(WORDS, max_size=6), ACTIONS, st.lists(st.integers(0, 3_000), max_size=6), st.booleans())
@settings(max_examples=120, deadline=None)
def test_output_and_record_do_not_depend_on_the_cutting(
    said: list[str],
    action: Action | None,
    cuts: list[int],
    restoring: bool,  # noqa: FBT001 drawn
) -> None:
    """Law 2 holds with every stage and with restoring: the same bytes, however cut, give the same."""
    rules = context(Action.RESTORE if restoring else None, action, keywords=["甲乙"])
    prompt = request(f"{MOBILE} {EMAIL}")
    # A frame for each word: what is held of one is in the hands of the next.
    data = b"".join([*map(chunk, said), delta(arguments("".join(said))), finish(), DONE])
    edges = [0, *sorted(min(each, len(data)) for each in cuts), len(data)]
    whole, pieces = stream(rules, [data], prompt), [data[a:b] for a, b in pairwise(edges)]
    cut_up = stream(rules, pieces, prompt)
    assert (cut_up.body, cut_up.start, cut_up.record) == (whole.body, whole.start, whole.record)
