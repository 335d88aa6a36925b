"""What users ask of such gateways and where others fail (the numbers are those of the list of demands).

A test's name begins with the line of the list it answers: lines 1 to 14 and 16 to 19 are in
`tests/gateway/protocol/test_demands.py`, with 15, 26 and 31 and the client's side of 25; lines 20 to 23 and the
operator's side of 25 are in `tests/filters/test_demands.py`; line 24 is in `tests/gateway/rulesets/test_reloader.py`.
"""

import orjson
import pytest

from filters.findings import Action, Stage
from gateway.protocol.commands import CloseUpstream, SendData, SendEnd
from gateway.protocol.dialects.anthropic_messages import AnthropicMessages
from gateway.protocol.dialects.base import Dialect
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.protocol.dialects.openai_responses import OpenAIResponses
from gateway.protocol.events import AuditAppended, ClientDisconnected, ClientWaited, UpstreamData
from gateway.protocol.labels import Position
from gateway.protocol.policy import PhasePolicy, Policy, RefusalStyle, RiskPolicy
from tests.gateway.protocol.playbook import (
    DONE,
    LABEL,
    Play,
    arguments,
    ask,
    chunk,
    delta,
    finish,
    frame,
    given,
    joined,
    read,
    reply,
    request,
    stream,
    term,
)

FORBIDDEN = ["forbidden"]


@pytest.mark.parametrize("asked", [True, False])
def test_01_stream_true_never_switches_output_checks_off(asked: bool) -> None:  # noqa: FBT001 a parameter
    """The same text is blocked streamed and whole."""
    context = given(FORBIDDEN)
    body = request(stream=asked)
    outcome = stream(context, [chunk("forbidden")], body) if asked else ask(context, body, reply("forbidden"))
    assert outcome.decision == "block"
    assert b"forbidden" not in outcome.visible


def test_02_nothing_forbidden_leaves_before_the_notice() -> None:
    """The notice takes the place of the text; it does not follow it."""
    outcome = stream(given(FORBIDDEN), [chunk("it is forbidden"), finish(), DONE])
    assert read(outcome.body).content().startswith("it is \n\n[The answer was stopped")


def test_03_a_split_term_is_caught_before_its_first_character_leaves() -> None:
    """One character in each frame."""
    play = Play(given(FORBIDDEN)).streaming()
    for letter in "forbidde":
        play >> UpstreamData(chunk(letter))
    assert all(
        set(joined(each.data).values()) <= {""} for each in play.commands if isinstance(each, SendData | SendEnd)
    )
    play >> UpstreamData(chunk("n"))
    assert any(isinstance(each, CloseUpstream) for each in play.commands)


def test_04_guarding_does_not_turn_a_stream_into_one_burst() -> None:
    """Each clean frame leaves with the event that brought it."""
    play = Play(given(FORBIDDEN)).streaming()
    for number in range(20):
        play >> UpstreamData(chunk(f"word {number} "))
        play << [SendData(chunk(f"word {number} "))]


def test_05_held_text_leaves_with_the_next_frame_of_its_channel() -> None:
    """What is held is as long as a term at most, and leaves once it cannot become one."""
    play = Play(given(FORBIDDEN)).streaming() >> UpstreamData(chunk("so forbid")) >> UpstreamData(chunk("ding"))
    assert joined(b"".join(each.data for each in play.commands if isinstance(each, SendData | SendEnd))) == {
        (0, "content"): "so forbidding"
    }


@pytest.mark.parametrize(
    ("said", "held"),
    [
        ("", ""),
        ("fine", ""),
        ("so for", "for"),
        ("so forbidd", "forbidd"),
        ("forf", "f"),
        ("for the", ""),
        ("bid", ""),
    ],
)
def test_05_a_pause_leaves_exactly_what_may_become_a_term_held(said: str, held: str) -> None:
    """What is cleared left with the event that cleared it: when the model pauses, there is nothing to flush."""
    play = Play(given(FORBIDDEN)).streaming()
    play.commands.clear()
    play >> UpstreamData(chunk(said))
    out = b"".join(each.data for each in play.commands if isinstance(each, SendData))
    assert joined(out)[0, "content"] == said.removesuffix(held)
    assert play.exchange.held_characters == len(held)
    play.commands.clear()
    play >> ClientWaited() << [SendData(b": keep-alive\n\n")]
    assert play.exchange.held_characters == len(held)


def test_06_a_guard_never_empties_a_stream() -> None:
    """A flagged, a masked and an observed stream come through to the end."""
    for context in (given(flags=["x"]), given(masks=["x"]), given(["x"], observe=True)):
        outcome = stream(context, [chunk("an x ray"), finish(), DONE])
        assert read(outcome.body).content().startswith("an ")
        assert "ray" in read(outcome.body).content()


@pytest.mark.parametrize("text", ["forbidden", "fine"])
def test_07_the_end_of_a_stream_is_valid(text: str) -> None:
    """A last frame with a finish reason and the members, then the terminator, then nothing."""
    outcome = stream(given(FORBIDDEN), [chunk(text), finish(), DONE, b"data: behind\n\n", DONE])
    assert outcome.body.endswith(b"\n\ndata: [DONE]\n\n")
    assert outcome.body.count(DONE) == 1
    assert b"behind" not in outcome.body
    reason = "content_filter" if text == "forbidden" else "stop"
    assert [each["finish_reason"] for each in read(outcome.body).last["choices"]] == [reason]


def test_08_joined_text_equals_the_models_and_metadata_survives() -> None:
    """No added spaces, no lost usage."""
    pieces = [" so", "", " for", "est", "\n", " end. "]
    usage = frame([], usage={"prompt_tokens": 1, "total_tokens": 3})
    outcome = stream(given(FORBIDDEN), [delta({"role": "assistant"}), *map(chunk, pieces), finish(), usage, DONE])
    assert read(outcome.body).content() == "".join(pieces) + "\n\n" + LABEL["en"]
    assert read(outcome.body).last["usage"] == {"prompt_tokens": 1, "total_tokens": 3}
    assert outcome.body.startswith(delta({"role": "assistant"}))


def test_09_every_frame_forwarded_was_scanned() -> None:
    """A payload over several data lines is one text to the reader, and to the scan."""
    payload = chunk("forbidden")[6:-2].replace(b',"', b',\ndata: "')
    outcome = stream(given(FORBIDDEN), [b"data: " + payload + b"\n\n"])
    assert outcome.decision == "block"


def test_10_records_are_split_by_the_wire_format() -> None:
    """Two frames in one read, and one frame in two reads, are the same."""
    first, second = chunk("a"), chunk("b")
    whole = stream(given(), [first + second[:20], second[20:], DONE])
    assert whole.body == stream(given(), [first, second, DONE]).body


def test_11_interleaved_choices_and_calls_are_kept_apart() -> None:
    """Halves in different choices are no term; halves in one tool call are, whatever comes between."""
    apart = stream(given(FORBIDDEN), [chunk("for", 0), chunk("bidden", 1), finish(0), finish(1), DONE])
    assert apart.decision == "allow"
    assert [read(apart.body).content(index).split("\n")[0] for index in (0, 1)] == ["for", "bidden"]
    calls = [delta(arguments("for", 1)), delta(arguments("x", 0)), delta(arguments("bidden", 1))]
    assert stream(given(FORBIDDEN), calls).decision == "block"


def test_12_a_disconnect_closes_the_upstream_before_the_first_token() -> None:
    """At once, with the event that says so."""
    play = Play(given()).streaming() >> ClientDisconnected()
    assert isinstance(play.commands[0], CloseUpstream)


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning_content": "forbidden"},
        {"refusal": "forbidden"},
        {"tool_calls": [{"function": {"name": "f", "arguments": '{"q":"forbidden"}'}}]},
        {"function_call": {"arguments": "forbidden"}},
        {"content": [{"type": "text", "text": "for"}, {"type": "text", "text": "bidden"}]},
        {"annotations": [{"url_citation": {"title": "forbidden"}}]},
    ],
)
def test_13_reasoning_and_arguments_are_scanned(message: dict[str, object]) -> None:
    """In a whole reply as in a stream; every choice of several."""
    body = orjson.dumps({"choices": [{"message": {"content": "x"}}, {"message": message}]})
    outcome = ask(given(FORBIDDEN), request(stream=False), body)
    assert outcome.decision == "block"
    assert b"orbidden" not in outcome.visible
    assert b"bidden" not in stream(given(FORBIDDEN), [delta(message), finish(), DONE]).body


def test_14_a_comment_goes_out_while_text_is_held() -> None:
    """Between frames, as often as the client waits; it is no part of the answer, and the record does not change."""
    pieces = [chunk("so forbid"), chunk("ding"), finish(), DONE]
    play = Play(given(FORBIDDEN)).streaming()
    for piece in pieces[:-1]:
        play >> UpstreamData(piece) >> ClientWaited()
    play >> UpstreamData(pieces[-1]) >> AuditAppended()
    out = b"".join(each.data for each in play.commands if isinstance(each, SendData | SendEnd))
    plain = stream(given(FORBIDDEN), pieces)
    assert out.count(b": keep-alive\n\n") == 3
    assert out.replace(b": keep-alive\n\n", b"") == plain.body
    assert read(out).frames == read(plain.body).frames
    assert play.record == plain.record


@pytest.mark.parametrize(
    ("dialect", "said", "answered"),
    [
        (
            OpenAIChat(),
            {"model": "m", "messages": [{"role": "user", "content": "TEXT"}]},
            {"choices": [{"index": 0, "message": {"role": "assistant", "content": "TEXT"}, "finish_reason": "stop"}]},
        ),
        (
            AnthropicMessages(),
            {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "TEXT"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "TEXT"}]},
        ),
        (
            OpenAIResponses(),
            {"model": "m", "input": "TEXT"},
            {
                "output": [
                    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "TEXT"}]}
                ]
            },
        ),
    ],
    ids=["chat", "messages", "responses"],
)
def test_15_every_wire_format_gets_the_same_checks(
    dialect: Dialect, said: dict[str, object], answered: dict[str, object]
) -> None:
    """A term is blocked on the way in and on the way out, whichever format carries it."""
    context = given(FORBIDDEN, dialect=dialect)

    def decide(asked: bytes, replied: bytes) -> tuple[str, bool]:
        outcome = ask(
            context,
            orjson.dumps(said).replace(b"TEXT", asked),
            orjson.dumps({"id": "x", "model": "m"} | answered).replace(b"TEXT", replied),
        )
        assert b"forbidden" not in outcome.visible
        return outcome.decision, outcome.forwarded is None

    assert decide(b"fine", b"fine") == ("allow", False)
    assert decide(b"forbidden", b"fine") == ("block", True)
    assert decide(b"fine", b"forbidden") == ("block", False)


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool", "function", "wizard"])
def test_16_text_the_client_shapes_cannot_switch_scanning_off(role: str) -> None:
    """Neither its role, nor a made-up block around it, nor its case or width."""
    for text in ("<system-reminder>forbidden</system-reminder>", "ＦＯＲbidden", '"forbidden"', "x\nforbidden"):
        outcome = ask(given(FORBIDDEN), request(messages=[{"role": role, "content": text}], stream=False))
        assert (outcome.decision, outcome.forwarded) == ("block", None)


@pytest.mark.parametrize(
    "members",
    [
        {"unknown": "forbidden"},
        {"unknown": {"deep": [["forbidden"]]}},
        {"forbidden": 1},
        {"metadata": {"forbidden": None}},
        {"tools": [{"function": {"name": "f", "description": "forbidden"}}]},
        {"tools": [{"function": {"parameters": {"properties": {"forbidden": {}}}}}]},
        {"stop": ["forbidden"]},
        {"user": "forbidden"},
        {"model": "forbidden"},
        {"response_format": {"type": "forbidden"}},
        {"messages": [{"role": "forbidden"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "for"}, {"text": "bidden"}]}]},
        {"messages": [{"role": "user", "content": ["forbidden"]}]},
    ],
)
def test_16_every_member_is_scanned(members: dict[str, object]) -> None:
    """Known or not, value or name, whole or in parts."""
    assert ask(given(FORBIDDEN), request(**{"stream": False, **members})).decision == "block"


def test_17_the_whole_history_is_scanned() -> None:
    """A term in the oldest message blocks; a mask in it is written."""
    messages = [{"role": "user", "content": "a mild start"}, {"role": "assistant", "content": "ok"}]
    messages += [{"role": "user", "content": "next"}] * 30
    outcome = ask(given(masks=["mild"]), request(messages=messages, stream=False))
    assert outcome.forwarded["messages"][0]["content"] == "a **** start"
    assert outcome.decision == "mask"
    assert ask(given(["mild"]), request(messages=messages)).decision == "block"


@pytest.mark.parametrize("name", ["tools", "functions"])
def test_18_leaving_tool_definitions_unread_is_a_setting_and_recorded(name: str) -> None:
    """By default they are read like the rest; where the policy spares them, the exchange is ``unscanned``."""
    body = request(stream=False, **{name: [{"function": {"name": "f", "description": "forbidden"}}]})
    assert ask(given(FORBIDDEN), body).decision == "block"
    spared = given(FORBIDDEN, policy=Policy(scan_tool_definitions=False))
    outcome = ask(spared, body)
    assert outcome.forwarded[name] == [{"function": {"name": "f", "description": "forbidden"}}]
    assert outcome.decision == "unscanned"
    assert [(each.phase, each.reason) for each in outcome.record.unscanned] == [("request", "tool_definitions")]
    assert ask(spared, request(stream=False, **{name: []})).decision == "allow"
    # Nothing but the request's own member is spared.
    hidden = request(stream=False, metadata={name: "forbidden"})
    assert ask(spared, hidden).decision == "block"


def test_19_all_findings_are_handled() -> None:
    """The record names every term with its count, also behind a block."""
    context = given(["one", term("two", risk="A.1.a")], ["three"], ["four"])
    outcome = ask(context, request("four three two one one", stream=False))
    counts = {each.term: (each.action, each.count) for each in outcome.record.findings}
    assert counts == {
        "one": (Action.BLOCK, 2),
        "two": (Action.BLOCK, 1),
        "three": (Action.MASK, 1),
        "four": (Action.FLAG, 1),
    }
    assert outcome.document["sluice"]["risks"] == ["A.1.a", "A.1.f"]


@pytest.mark.parametrize("style", RefusalStyle)
@pytest.mark.parametrize("asked", [True, False])
def test_25_operators_see_the_term_and_clients_never(style: RefusalStyle, asked: bool) -> None:  # noqa: FBT001 a parameter
    """Not in head, body or error; in the record as the list spells it."""
    context = given(["ForBidden"], policy=Policy(refusal=style))
    outcome = stream(context, [], request("so FORBIDDEN", stream=asked))
    assert b"forbidden" not in outcome.visible.lower()
    assert [each.term for each in outcome.record.findings] == ["ForBidden"]


@pytest.mark.parametrize(
    ("action", "decision", "sent", "recorded"),
    [
        (Action.BLOCK, "block", None, [Action.BLOCK]),
        (Action.MASK, "mask", "say *********", [Action.MASK]),
        (Action.FLAG, "flag", "say forbidden", [Action.FLAG]),
        (Action.OFF, "allow", "say forbidden", []),
    ],
)
def test_26_what_is_done_has_tiers_and_each_group_its_own(
    action: Action, decision: str, sent: str | None, recorded: list[Action]
) -> None:
    """Block, mask, flag or nothing, by the account's policy and risk: the same list for all, and a record of each."""
    stage = Policy("group", request=PhasePolicy({Stage.KEYWORDS: action}))
    risk = Policy("group", risks={"A.1.f": RiskPolicy(action)})
    for policy in (stage, risk):
        outcome = ask(given(FORBIDDEN, policy=policy), request("say forbidden", stream=False))
        assert outcome.decision == decision
        assert (outcome.forwarded and outcome.forwarded["messages"][-1]["content"]) == sent
        assert [each.action for each in outcome.record.findings] == recorded


@pytest.mark.parametrize(
    ("position", "starts", "ends"), [("end", 0, 1), ("start", 1, 0), ("both", 1, 1), ("interface", 0, 0)]
)
def test_31_text_is_labelled_for_people_and_machines(position: str, starts: int, ends: int) -> None:
    """Streamed and whole, each choice once, members and head always."""
    context = given(position=Position(position))
    streamed = stream(context, [chunk("你"), chunk("好", 1), finish(0), finish(1), DONE])
    whole = ask(context, request(stream=False), reply("你", "好"))
    label = LABEL["zh"]
    for index, text in enumerate("你好"):
        expected = f"{label}\n\n" * starts + text + f"\n\n{label}" * ends
        assert read(streamed.body).content(index) == expected
        assert whole.document["choices"][index]["message"]["content"] == expected
    assert read(streamed.body).last["aigc"] == whole.document["aigc"]
    assert streamed.record.label == whole.record.label == position


def test_31_structured_output_is_not_broken_by_a_label() -> None:
    """JSON stays JSON; the members are there."""
    body = request(response_format={"type": "json_object"})
    outcome = stream(given(position=Position.BOTH), [chunk('{"a":'), chunk("1}"), finish(), DONE], body)
    assert read(outcome.body).content() == '{"a":1}'
    assert (outcome.record.label, read(outcome.body).last["aigc"]["Label"]) == ("members", "1")


def test_31_a_labelled_reply_is_not_labelled_twice() -> None:
    """Also where the model's label came in pieces and no terminator followed."""
    said = "你好。\n\n（本回答由AI生成）"
    outcome = stream(given(), [chunk(letter) for letter in said])
    assert (read(outcome.body).content(), outcome.record.label) == (said, "present")


def test_an_observed_exchange_is_recorded_and_not_acted_on() -> None:
    """Account kind ``unfiltered``: prompt, stream and reply pass as they are, and say so."""
    context = given(FORBIDDEN, ["mild"], observe=True, account_kind="unfiltered", position=Position.INTERFACE)
    text = "a forbidden and mild text"
    streamed = stream(context, [chunk(text), finish(), DONE], request(text))
    whole = ask(context, request(text, stream=False), reply(text))
    for outcome in (streamed, whole):
        assert dict(outcome.start.headers)[b"x-sluice-decision"] == b"unfiltered"
        assert outcome.forwarded["messages"][0]["content"] == text
        assert (outcome.decision, outcome.record.phase) == ("unfiltered", None)
        assert [(each.term, each.action.value) for each in outcome.record.findings] == [
            ("forbidden", "block"),
            ("mild", "mask"),
        ] * 2
    assert read(streamed.body).content() == whole.document["choices"][0]["message"]["content"] == text
    assert whole.document["sluice"]["decision"] == "unfiltered"


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","messages":[{"role":"user","content":"forbidden"}],"messages":[{"role":"user","content":"ok"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"forbidden","content":"ok"}]}',
    ],
)
def test_what_is_forwarded_is_what_was_scanned(body: bytes) -> None:
    """Of two members of one name the model server gets the one that was read, and not the other."""
    outcome = ask(given(FORBIDDEN), body)
    assert outcome.forwarded["messages"] == [{"role": "user", "content": "ok"}]


def test_masks_reach_the_model_server_and_the_client() -> None:
    """Same length, only the term, in prompt, whole reply and stream."""
    context = given(masks=["mild"], position=Position.INTERFACE)
    parts = [{"type": "text", "text": "a mi"}, {"type": "text", "text": "ld one"}]
    outcome = ask(context, request(parts, stream=False), reply("so MILD!"))
    assert [each["text"] for each in outcome.forwarded["messages"][0]["content"]] == ["a **", "** one"]
    assert outcome.document["choices"][0]["message"]["content"] == "so ****!"
    assert outcome.document["sluice"]["decision"] == "mask"
    streamed = stream(context, [chunk("so MI"), chunk("LD!"), finish(), DONE])
    assert read(streamed.body).content() == "so ****!"


def test_probabilities_do_not_spell_what_was_masked() -> None:
    """They are dropped from a reply that was changed."""
    body = orjson.loads(reply("mild"))
    body["choices"][0]["logprobs"] = {"content": [{"token": "mi"}, {"token": "ld"}]}
    outcome = ask(given(masks=["mild"]), request(stream=False), orjson.dumps(body))
    assert outcome.document["choices"][0]["logprobs"] is None


@pytest.mark.parametrize("bad", ['for"bidden', "for\nbidden", "for\\bidden", "禁\t词", '词":[{禁', "data: x\n\ndata"])
def test_terms_with_characters_of_the_formats_are_found(bad: str) -> None:
    """JSON escapes and line ends of the stream hide nothing."""
    outcome = stream(given([bad]), [chunk("x" + bad[:2]), chunk(bad[2:] + "y"), finish(), DONE])
    assert outcome.decision == "block"
    assert read(outcome.body).content().startswith("x\n\n[")
    assert ask(given([bad]), request(bad)).decision == "block"
