"""What clients of OpenAI Responses receive, over real sockets and with the client most of them use."""

import base64
from typing import Any

import openai
import orjson
import pytest
from openai.types.responses import Response

from gateway.standin.replies import HARM_TERM, LABEL_TEXT, MASK_TERM
from tests.gateway.protocol.playbook_responses import read
from tests.gateways import BLOCKED, HTTP, MODEL, Gateway

RESPONSES = "/v1/responses"


def body(prompt: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401 any JSON
    """Return the body of a request."""
    return {"model": MODEL, "input": prompt, **members}


def ask(served: Gateway, prompt: str, *, streamed: bool) -> Response:
    """Ask with the real client; of a stream, its last event has the response."""
    if not streamed:
        return served.openai().responses.create(model=MODEL, input=prompt)
    final: Response | None = None
    with served.openai().responses.create(model=MODEL, input=prompt, stream=True) as stream:
        for event in stream:
            if event.type in {"response.completed", "response.incomplete"}:
                final = getattr(event, "response", None)
    assert final is not None
    return final


@pytest.mark.parametrize("streamed", [False, True])
def test_a_clean_answer_passes_and_is_labelled_once(shared: Gateway, standin_url: str, streamed: bool) -> None:  # noqa: FBT001 a parameter of the table
    """The text is the model's, and behind it the label; nothing is lost or doubled."""
    original = HTTP.post(f"{standin_url}{RESPONSES}", json=body("你好")).json()["output"][0]["content"][0]["text"]
    response = ask(shared, "你好", streamed=streamed)
    assert response.output_text == f"{original}\n\n{LABEL_TEXT}"
    assert (response.status, len(response.output)) == ("completed", 1)


def test_pieces_together_are_the_text(shared: Gateway) -> None:
    """The client's own reading of the stream is what the last event says."""
    with shared.openai().responses.stream(model=MODEL, input="[[mask]] 随便说点什么") as stream:
        said = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert stream.get_final_response().output_text == said
    assert said.endswith(LABEL_TEXT)


def test_the_label_members_are_in_header_and_last_event(shared: Gateway) -> None:
    """`aigc` and `x-aigc-label` are the same seven members, and name the exchange."""
    response = shared.post(body("你好", stream=True), path=RESPONSES)
    last = read(response.content).last
    assert orjson.loads(response.headers["x-aigc-label"]) == last["aigc"] == last["response"]["aigc"]
    assert last["aigc"]["ProduceID"] == response.headers["x-request-id"]
    assert shared.record(response.headers["x-request-id"]).dialect == "openai.responses"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_blocked_prompt_is_answered_with_a_refusal(shared: Gateway, streamed: bool) -> None:  # noqa: FBT001 the same
    """Clients show it like an answer, and see that the filter left it incomplete."""
    response = ask(shared, BLOCKED, streamed=streamed)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "content_filter"
    assert response.output_text.startswith("很抱歉")


def test_a_reply_that_turns_harmful_is_stopped(shared: Gateway) -> None:
    """No character of the term leaves, in no repetition; the end asks to take back what was shown."""
    response = ask(shared, "[[harm]] 讲个故事", streamed=True)
    shown = response.output_text.partition("\n\n［")[0]
    assert (response.status, shown.endswith("这里可以")) == ("incomplete", True)
    raw = shared.post(body("[[harm]] 讲个故事", stream=True), path=RESPONSES).content
    assert not any(character.encode() in raw for character in "售冰毒")
    outcome = read(raw).last["sluice"]
    assert (outcome["decision"], outcome["retract"], outcome["released_characters"]) == ("block", True, len(shown))


def test_a_whole_reply_that_is_harmful_is_replaced(shared: Gateway) -> None:
    """Not streamed, nothing of it leaves."""
    response = ask(shared, "[[harm]] 讲个故事", streamed=False)
    assert response.status == "incomplete"
    assert "天气" not in response.output_text


@pytest.mark.parametrize("streamed", [False, True])
def test_an_insult_in_a_reply_is_masked(shared: Gateway, streamed: bool) -> None:  # noqa: FBT001 the same
    """Its characters are covered everywhere; the rest is the model's."""
    assert "他说“**”，然后走开了。" in ask(shared, "[[mask]] 随便说点什么", streamed=streamed).output_text
    raw = shared.post(body("[[mask]] 随便说点什么", stream=streamed), path=RESPONSES).text
    assert MASK_TERM not in raw


@pytest.mark.parametrize("streamed", [False, True])
def test_function_calls_come_whole_and_unlabelled(shared: Gateway, streamed: bool) -> None:  # noqa: FBT001 the same
    """Their arguments are the JSON the model wrote."""
    response = ask(shared, "[[tools]] 查一下天气", streamed=streamed)
    calls = [item for item in response.output if item.type == "function_call"]
    assert [orjson.loads(call.arguments) for call in calls] == [
        {"query": "水位", "limit": 3},
        {"title": "stand-in", "text": "晴"},
    ]
    assert response.output_text == ""


@pytest.mark.parametrize("cue", ["tools", "reasoning"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_term_in_calls_and_reasoning_is_stopped(shared: Gateway, cue: str, streamed: bool) -> None:  # noqa: FBT001 the same
    """They are read like text."""
    hidden = "base64=" + base64.urlsafe_b64encode(HARM_TERM.encode()).decode()
    raw = shared.post(body(f"[[{cue}:{hidden}]] 查一下", stream=streamed), path=RESPONSES).text
    assert '"content_filter"' in raw
    assert HARM_TERM not in raw


def test_json_stays_json(shared: Gateway) -> None:
    """Text that must be JSON gets no label inside; the members still come."""
    asked = body("你好", text={"format": {"type": "json_object"}}, stream=True)
    reading = read(shared.post(asked, path=RESPONSES).content)
    assert orjson.loads(reading.content())["stand_in"] is True
    assert reading.last["aigc"]["Label"] == "1"


def test_errors_have_the_shape_of_the_format(shared: Gateway) -> None:
    """The client raises what it raises for the original."""
    with pytest.raises(openai.AuthenticationError) as caught:
        shared.openai().with_options(api_key="sk-sluice-unknown").responses.create(model=MODEL, input="你好")
    assert caught.value.code == "key_unknown"


def test_a_stream_that_breaks_off_is_a_response_that_failed(shared: Gateway) -> None:
    """With the code that is the same in all formats, and what was shown before."""
    with shared.openai().responses.create(model=MODEL, input="[[reset]] 你好", stream=True) as stream:
        last = list(stream)[-1]
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert str(last.response.error.code) == "upstream_reset"
    assert last.response.output_text.endswith(LABEL_TEXT)
