"""What clients of Anthropic Messages receive, over real sockets and with the client most of them use."""

import base64
from typing import Any

import anthropic
import orjson
import pytest
from anthropic.types import Message

from gateway.accounts.account import AccountKind
from gateway.standin.replies import HARM_TERM, LABEL_TEXT, MASK_TERM
from tests.gateway.protocol.playbook_messages import read
from tests.gateways import BLOCKED, HTTP, MODEL, Gateway, messages_of

MESSAGES = "/v1/messages"


def body(prompt: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401 any JSON
    """Return the body of a request."""
    return {"model": MODEL, "max_tokens": 1000, "messages": messages_of(prompt), **members}


def ask(served: Gateway, prompt: str, *, streamed: bool, kind: AccountKind = AccountKind.USER) -> Message:
    """Ask with the real client; a stream is put together by the client itself."""
    asked: dict[str, Any] = body(prompt)
    if not streamed:
        whole: Message = served.anthropic(kind).messages.create(**asked)
        return whole
    with served.anthropic(kind).messages.stream(**asked) as stream:
        return stream.get_final_message()


def text_of(message: Message) -> str:
    """Return what a message says."""
    return "".join(block.text for block in message.content if block.type == "text")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_clean_answer_passes_and_is_labelled_once(shared: Gateway, standin_url: str, streamed: bool) -> None:  # noqa: FBT001 a parameter of the table
    """The text is the model's, and behind it the label; nothing is lost or doubled."""
    original = HTTP.post(f"{standin_url}{MESSAGES}", json=body("你好")).json()["content"][0]["text"]
    message = ask(shared, "你好", streamed=streamed)
    assert text_of(message) == f"{original}\n\n{LABEL_TEXT}"
    assert (message.stop_reason, len(message.content)) == ("end_turn", 1)
    assert message.usage.output_tokens > 0


def test_the_label_members_are_in_header_and_last_frame(shared: Gateway) -> None:
    """`aigc` and `x-aigc-label` are the same seven members, and name the exchange."""
    response = shared.post(body("你好", stream=True), path=MESSAGES)
    last = read(response.content).last
    assert orjson.loads(response.headers["x-aigc-label"]) == last["aigc"]
    assert last["aigc"]["ProduceID"] == response.headers["x-request-id"]
    assert (last["type"], last["sluice"]["decision"]) == ("message_delta", "allow")
    assert shared.record(response.headers["x-request-id"]).dialect == "anthropic.messages"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_blocked_prompt_is_answered_with_a_refusal(shared: Gateway, streamed: bool) -> None:  # noqa: FBT001 the same
    """Clients show it like an answer, and see that it is a refusal."""
    message = ask(shared, BLOCKED, streamed=streamed)
    assert message.stop_reason == "refusal"
    assert text_of(message).startswith("很抱歉")


def test_a_reply_that_turns_harmful_is_stopped(shared: Gateway) -> None:
    """No character of the term leaves; the end is well formed, and asks to take back what was shown."""
    message = ask(shared, "[[harm]] 讲个故事", streamed=True)
    shown = text_of(message).partition("\n\n［")[0]
    assert (message.stop_reason, shown.endswith("这里可以")) == ("refusal", True)
    raw = shared.post(body("[[harm]] 讲个故事", stream=True), path=MESSAGES).content
    assert not any(character.encode() in raw for character in "售冰毒")
    outcome = read(raw).last["sluice"]
    assert (outcome["decision"], outcome["retract"], outcome["released_characters"]) == ("block", True, len(shown))


def test_a_whole_reply_that_is_harmful_is_replaced(shared: Gateway) -> None:
    """Not streamed, nothing of it leaves."""
    message = ask(shared, "[[harm]] 讲个故事", streamed=False)
    assert message.stop_reason == "refusal"
    assert "天气" not in text_of(message)


@pytest.mark.parametrize("streamed", [False, True])
def test_an_insult_in_a_reply_is_masked(shared: Gateway, streamed: bool) -> None:  # noqa: FBT001 the same
    """Its characters are covered; the rest is the model's."""
    said = text_of(ask(shared, "[[mask]] 随便说点什么", streamed=streamed))
    assert MASK_TERM not in said
    assert "他说“**”，然后走开了。" in said


@pytest.mark.parametrize("streamed", [False, True])
def test_tool_calls_come_whole_and_unlabelled(shared: Gateway, streamed: bool) -> None:  # noqa: FBT001 the same
    """Their input is the JSON the model wrote."""
    message = ask(shared, "[[tools]] 查一下天气", streamed=streamed)
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [call.input for call in calls] == [{"query": "水位", "limit": 3}, {"title": "stand-in", "text": "晴"}]
    assert (message.stop_reason, text_of(message)) == ("tool_use", "")


@pytest.mark.parametrize("cue", ["tools", "reasoning"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_term_in_calls_and_thinking_is_stopped(shared: Gateway, cue: str, streamed: bool) -> None:  # noqa: FBT001 the same
    """They are read like text."""
    hidden = "base64=" + base64.urlsafe_b64encode(HARM_TERM.encode()).decode()
    raw = shared.post(body(f"[[{cue}:{hidden}]] 查一下", stream=streamed), path=MESSAGES).text
    assert '"refusal"' in raw
    assert HARM_TERM not in raw


def test_thinking_passes_with_its_signature(shared: Gateway) -> None:
    """As the model sent it, and without a label."""
    message = ask(shared, "[[reasoning]] 你好", streamed=True)
    thinking = message.content[0]
    assert thinking.type == "thinking"
    assert thinking.thinking.startswith("先想一想")
    assert thinking.signature
    assert LABEL_TEXT not in thinking.thinking


def test_a_tool_result_is_scanned(shared: Gateway) -> None:
    """What a tool brought back goes to the model like any text."""
    asked: Any = [
        {"role": "user", "content": "查一下"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look_up", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": BLOCKED}]},
    ]
    message = shared.anthropic().messages.create(model=MODEL, max_tokens=9, messages=asked)
    assert message.stop_reason == "refusal"


def test_tokens_are_counted(shared: Gateway) -> None:
    """The number is the model server's; a prompt that is blocked is an error with its stable code."""
    client = shared.anthropic()
    assert client.messages.count_tokens(model=MODEL, messages=messages_of("你好")).input_tokens == 2
    with pytest.raises(anthropic.BadRequestError) as caught:
        client.messages.count_tokens(model=MODEL, messages=messages_of(BLOCKED))
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["code"] == "content_filter"


def test_errors_have_the_shape_of_the_format(shared: Gateway) -> None:
    """The client raises what it raises for the original."""
    stranger = shared.anthropic().with_options(api_key="sk-sluice-unknown")
    with pytest.raises(anthropic.AuthenticationError) as caught:
        stranger.messages.create(model=MODEL, max_tokens=9, messages=messages_of("你好"))
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == "authentication_error"
    assert caught.value.body["error"]["code"] == "key_unknown"
    assert shared.post(b"{", path=MESSAGES).json()["error"]["code"] == "not_json"


def test_a_stream_that_breaks_off_raises(shared: Gateway) -> None:
    """The error event is one to the client too."""
    with pytest.raises(anthropic.APIStatusError):
        ask(shared, "[[reset]] 你好", streamed=True)


def test_an_unfiltered_account_is_observed(shared: Gateway) -> None:
    """Its prompt passes and its answer is labelled."""
    assert text_of(ask(shared, BLOCKED, streamed=True, kind=AccountKind.UNFILTERED)).endswith(LABEL_TEXT)
