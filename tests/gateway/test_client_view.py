"""What clients of the wire format receive, over real sockets and with the client most of them use."""

import base64
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest

from gateway.accounts.account import AccountKind
from gateway.standin.replies import HARM_TERM, LABEL_TEXT, MASK_TERM
from tests.gateways import (
    BLOCKED,
    CHAT,
    DONE,
    HTTP,
    MODEL,
    Gateway,
    chat,
    frames_of,
    gateway,
    messages_of,
    said_in,
    scripted,
    stream_of,
)
from tests.raw_server import Do


@pytest.mark.parametrize("streamed", [False, True])
def test_a_clean_answer_passes_and_is_labelled_once(shared: Gateway, standin_url: str, streamed: bool) -> None:  # noqa: FBT001 a parameter of the table
    """The text is the model's, and behind it the label; nothing is lost or doubled."""
    asked: dict[str, Any] = {"model": MODEL, "messages": messages_of("你好")}
    original = HTTP.post(f"{standin_url}{CHAT}", json=asked).json()["choices"][0]["message"]["content"]
    if streamed:
        with shared.openai().chat.completions.create(**asked, stream=True) as stream:
            said = "".join(each.choices[0].delta.content or "" for each in stream if each.choices)
    else:
        said = shared.openai().chat.completions.create(**asked).choices[0].message.content or ""
    assert said == f"{original}\n\n{LABEL_TEXT}"


def test_the_label_members_are_in_header_and_last_frame(shared: Gateway) -> None:
    """`aigc` and `x-aigc-label` are the same seven members, and name the exchange."""
    response = shared.post(chat("你好", stream=True))
    frames = frames_of(response.content)
    assert orjson.loads(response.headers["x-aigc-label"]) == frames[-1]["aigc"]
    assert frames[-1]["aigc"]["ProduceID"] == response.headers["x-request-id"]
    assert frames[-1]["sluice"]["decision"] == "allow"
    assert not any("aigc" in frame or "sluice" in frame for frame in frames[:-1])
    assert response.content.endswith(DONE)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_blocked_prompt_is_answered_with_a_refusal(shared: Gateway, streamed: bool) -> None:  # noqa: FBT001 the same
    """Chat clients show it like an answer, and see that the filter stopped it; it bears no label of the model's."""
    asked: dict[str, Any] = {"model": MODEL, "messages": messages_of(BLOCKED)}
    if streamed:
        with shared.openai().chat.completions.create(**asked, stream=True) as stream:
            choices = [each.choices[0] for each in stream if each.choices]
        said, reason = "".join(each.delta.content or "" for each in choices), choices[-1].finish_reason
    else:
        choice = shared.openai().chat.completions.create(**asked).choices[0]
        said, reason = choice.message.content or "", str(choice.finish_reason)
    assert reason == "content_filter"
    assert said.startswith("很抱歉")
    assert "冰毒" not in said


def test_a_refusal_names_risk_and_request_but_not_the_term(shared: Gateway) -> None:
    """The member `sluice` is for the client's program; the term is in the entry."""
    response = shared.post(chat(BLOCKED))
    outcome = response.json()["sluice"]
    assert outcome == {
        "request_id": response.headers["x-request-id"],
        "decision": "block",
        "phase": "request",
        "risks": ["A.1.h"],
        "retract": False,
        "released_characters": 0,
    }
    assert response.headers["x-sluice-decision"] == "block"
    assert "出售冰毒" not in response.text
    record = shared.record(outcome["request_id"])
    assert (record.decision, record.phase, record.findings[0].risk) == ("block", "request", "A.1.h")


def test_the_model_server_never_sees_a_blocked_prompt(tmp_path: Path) -> None:
    """Nothing is sent to it, not even a connection."""
    with scripted((Do.READ_REQUEST,)) as upstream, gateway(tmp_path, upstream.url) as running:
        running.post(chat(BLOCKED))
        assert upstream.server.connections == 0


def test_refusals_as_errors(tmp_path: Path, standin_url: str) -> None:
    """In style `error` a blocked prompt is status 400 with its stable code, and so is a blocked reply."""
    settings = {"policies": {"default": {"refusal": "error"}}}
    with gateway(tmp_path, standin_url, settings) as running:
        for prompt in (BLOCKED, "[[harm]] 讲个故事"):
            with pytest.raises(openai.BadRequestError) as caught:
                running.openai().chat.completions.create(model=MODEL, messages=messages_of(prompt))
            assert caught.value.code == "content_filter"


def test_a_reply_that_turns_harmful_is_stopped(shared: Gateway) -> None:
    """No character of the term leaves; the end is well formed, and asks to take back what was shown."""
    raw = stream_of(shared, "[[harm]] 讲个故事")
    frames = frames_of(raw)
    said = said_in(frames)
    assert "好的，先说说天气" in said
    shown = said.partition("\n\n［")[0]
    assert shown.endswith("这里可以")
    assert not any(character.encode() in raw for character in "售冰毒")
    assert frames[-1]["choices"][0]["finish_reason"] == "content_filter"
    outcome = frames[-1]["sluice"]
    assert (outcome["decision"], outcome["phase"], outcome["retract"]) == ("block", "response", True)
    assert outcome["released_characters"] == len(shown)
    assert raw.endswith(DONE)
    assert shared.record(outcome["request_id"]).released_characters == len(shown)


def test_a_whole_reply_that_is_harmful_is_replaced(shared: Gateway) -> None:
    """Not streamed, nothing of it leaves."""
    response = shared.post(chat("[[harm]] 讲个故事"))
    body = response.json()
    assert body["choices"][0]["finish_reason"] == "content_filter"
    assert body["sluice"]["phase"] == "response"
    assert "天气" not in response.text


@pytest.mark.parametrize("streamed", [False, True])
def test_an_insult_in_a_reply_is_masked(shared: Gateway, streamed: bool) -> None:  # noqa: FBT001 the same
    """Its characters are covered; the rest is the model's."""
    response = shared.post(chat("[[mask]] 随便说点什么", stream=streamed))
    if streamed:
        frames = frames_of(response.content)
        said, outcome = said_in(frames), frames[-1]["sluice"]
    else:
        body = response.json()
        said, outcome = body["choices"][0]["message"]["content"], body["sluice"]
    assert MASK_TERM not in said
    assert "他说“**”，然后走开了。" in said
    assert outcome["decision"] == "mask"
    assert shared.record(response.headers["x-request-id"]).decision == "mask"


def test_parallel_tool_calls_come_whole_and_unlabelled(shared: Gateway) -> None:
    """Arguments of both calls put together are the JSON the model wrote."""
    with shared.openai().chat.completions.create(
        model=MODEL, messages=messages_of("[[tools]] 查一下天气"), stream=True
    ) as stream:
        calls: dict[int, str] = {}
        for part in (call for each in stream for choice in each.choices for call in choice.delta.tool_calls or ()):
            arguments = part.function.arguments if part.function else ""
            calls[part.index] = calls.get(part.index, "") + (arguments or "")
    assert orjson.loads(calls[0]) == {"query": "水位", "limit": 3}
    assert orjson.loads(calls[1]) == {"title": "stand-in", "text": "晴"}


def test_a_term_in_the_arguments_of_a_tool_call_is_stopped(shared: Gateway) -> None:
    """Tool calls are read like text."""
    raw = stream_of(shared, f"[[tools:{_hidden(HARM_TERM)}]] 查一下")
    assert frames_of(raw)[-1]["sluice"]["decision"] == "block"
    assert HARM_TERM.encode() not in raw


def test_reasoning_is_scanned_and_kept_apart(shared: Gateway) -> None:
    """A term in the reasoning stops the stream; clean reasoning passes, and is not labelled."""
    clean = frames_of(stream_of(shared, "[[reasoning]] 你好"))
    deltas = [choice["delta"] for frame in clean for choice in frame["choices"]]
    reasoning = "".join(each.get("reasoning_content", "") for each in deltas)
    assert reasoning.startswith("先想一想")
    assert LABEL_TEXT not in reasoning
    harmful = stream_of(shared, f"[[reasoning:{_hidden(HARM_TERM)}]] 你好")
    assert frames_of(harmful)[-1]["sluice"]["phase"] == "response"
    assert HARM_TERM.encode() not in harmful


def test_every_choice_is_labelled_and_scanned(shared: Gateway) -> None:
    """With n = 2 both answers end with the label; a term in both stops both."""
    frames = frames_of(stream_of(shared, "你好", n=2))
    assert [said_in(frames, index).count(LABEL_TEXT) for index in (0, 1)] == [1, 1]
    stopped = frames_of(stream_of(shared, "[[harm]] 讲个故事", n=2))
    assert {choice["index"] for choice in stopped[-1]["choices"]} == {0, 1}
    assert {choice["finish_reason"] for choice in stopped[-1]["choices"]} == {"content_filter"}


def test_usage_comes_last(shared: Gateway) -> None:
    """With `include_usage` the usage frame is the last one, and carries the members."""
    last = frames_of(stream_of(shared, "你好", stream_options={"include_usage": True}))[-1]
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] > 0
    assert last["aigc"]["Label"] == "1"


@pytest.mark.parametrize("streamed", [False, True])
def test_json_stays_json(shared: Gateway, streamed: bool) -> None:  # noqa: FBT001 the same
    """Text that must be JSON gets no label inside; the members still come."""
    response = shared.post(chat("你好", stream=streamed, response_format={"type": "json_object"}))
    frames = frames_of(response.content) if streamed else [response.json()]
    said = said_in(frames) if streamed else frames[0]["choices"][0]["message"]["content"]
    assert orjson.loads(said)["stand_in"] is True
    assert frames[-1]["aigc"]["Label"] == "1"


def test_an_unfiltered_account_is_observed_marked_and_labelled(shared: Gateway) -> None:
    """Its prompt passes, its answers say so and bear the label, its entry has what was found."""
    response = shared.post(chat(BLOCKED), headers=shared.headers(AccountKind.UNFILTERED))
    assert response.headers["x-sluice-decision"] == "unfiltered"
    assert response.json()["choices"][0]["message"]["content"].endswith(LABEL_TEXT)
    record = shared.record(response.headers["x-request-id"])
    assert (record.account_kind, record.decision) == ("unfiltered", "unfiltered")
    assert [finding.risk for finding in record.findings] == ["A.1.h"]


def test_an_audit_account_meets_the_same_filters(shared: Gateway) -> None:
    """A regulator sees what users see."""
    response = shared.post(chat(BLOCKED), headers=shared.headers(AccountKind.AUDIT))
    assert response.json()["choices"][0]["finish_reason"] == "content_filter"
    assert shared.record(response.headers["x-request-id"]).account_kind == "audit"


@pytest.mark.parametrize(("prompt", "decision"), [(BLOCKED, "block"), ("水闸。", "allow")])
def test_a_long_prompt_is_read_beside_the_loop(shared: Gateway, prompt: str, decision: str) -> None:
    """What takes long to scan goes to the scan pool, and is decided on alike."""
    response = shared.post(chat("水位正常。" * 5000 + prompt))
    assert response.headers["x-sluice-decision"] == decision


def _hidden(term: str) -> str:
    """Return a term as an argument that no scanner of prompts knows."""
    return "base64=" + base64.urlsafe_b64encode(term.encode()).decode()
