"""OpenAI Responses: requests, whole replies, errors."""

from typing import Any

import orjson
import pytest

from gateway.errors import ErrorCode, RequestError
from gateway.protocol.dialects.base import Identity
from gateway.protocol.dialects.openai_responses import OpenAIResponses
from gateway.protocol.labels import Position
from tests.gateway.protocol.playbook import LABEL, RISK, ask
from tests.gateway.protocol.playbook_responses import Item, context, request, response

DIALECT = OpenAIResponses()


def answer(*items: dict[str, Any], **members: Any) -> bytes:  # noqa: ANN401 any JSON value
    """Build the body of a whole reply."""
    return orjson.dumps(response(*items, **members))


def item(kind: str, text: str) -> dict[str, Any]:
    """Build an item."""
    return Item(0, kind, []).item(text)


@pytest.mark.parametrize(
    ("body", "named"),
    [(request(5), "'input'"), (request({"a": 1}), "'input'"), (request(stream=1), "'stream'"), (b"[]", "object")],
)
def test_a_malformed_request_is_named(body: bytes, named: str) -> None:
    """The error says which member is wrong."""
    with pytest.raises(RequestError) as caught:
        DIALECT.parse_request(body)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("body", "structured", "hint"),
    [
        (request("你好"), False, "你好"),
        (request(None), False, ""),
        (request([]), False, ""),
        (request([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]), False, "b"),
        (request("x", text={"format": {"type": "json_schema", "schema": {}}}), True, "x"),
        (request("x", text={"format": {"type": "json_object"}}), True, "x"),
        (request("x", text={"format": {"type": "text"}}), False, "x"),
        (request("x", text={"verbosity": "low"}), False, "x"),
    ],
)
def test_a_request_is_read(body: bytes, structured: bool, hint: str) -> None:  # noqa: FBT001 a parameter
    """What the core has to know of it; input is a text, a list, or stored at the server."""
    parsed = DIALECT.parse_request(body)
    assert (parsed.model, parsed.streamed, parsed.structured) == ("m", True, structured)
    assert hint in parsed.language_hint


@pytest.mark.parametrize(
    "members",
    [
        {"input": "so forbidden"},
        {"instructions": "forbidden"},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "forbidden"}]}]},
        {
            "input": [
                {
                    "role": "user",
                    "content": [{"type": "input_text", "text": "for"}, {"type": "input_text", "text": "bidden"}],
                }
            ]
        },
        {"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"q":"forbidden"}'}]},
        {"input": [{"type": "function_call_output", "call_id": "c", "output": "forbidden"}]},
        {"input": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "forbidden"}]}]},
        {"prompt": {"id": "p", "variables": {"topic": "forbidden"}}},
    ],
)
def test_every_text_of_a_request_is_scanned(members: dict[str, Any]) -> None:
    """Input in any form, instructions, calls with their output, reasoning, variables of a stored prompt."""
    assert ask(context(["forbidden"]), request(stream=False, **members)).decision == "block"


def test_the_label_stands_behind_the_last_text() -> None:
    """One answer in several messages is labelled once; reasoning is not."""
    reply = answer(item("reasoning", "hm"), item("text", "one "), item("text", "two"))
    outcome = ask(context(), request(stream=False), reply)
    texts = [part["text"] for each in outcome.document["output"] for part in each.get("content", each.get("summary"))]
    assert texts == ["hm", "one ", f"two\n\n{LABEL['en']}"]
    assert (outcome.document["aigc"]["Label"], outcome.record.label) == ("1", "end")
    begun = ask(context(position=Position.START), request(stream=False), answer(item("text", "one")))
    assert begun.document["output"][0]["content"][0]["text"] == f"{LABEL['en']}\n\none"


@pytest.mark.parametrize(
    "items", [[item("text", "see"), item("call", "{}")], [item("call", "{}")], [], [{"type": "message"}]]
)
def test_what_is_a_programs_or_no_text_is_not_labelled_inside(items: list[dict[str, Any]]) -> None:
    """A call of the client's function, or an answer without text: the members say it."""
    outcome = ask(context(), request(stream=False), answer(*items))
    assert outcome.document["output"] == items
    told = "members" if len(items) == 2 else "none"  # of no text there is nothing to tell
    assert (outcome.document["aigc"]["Label"], outcome.record.label) == ("1", told)


@pytest.mark.parametrize("kind", ["text", "reasoning", "call", "server_call"])
def test_every_kind_of_item_of_a_reply_is_scanned(kind: str) -> None:
    """A blocked reply is replaced by the refusal, and nothing of it leaves."""
    outcome = ask(context(["forbidden"]), request(stream=False), answer(item(kind, "so forbidden")))
    assert outcome.document["status"] == "incomplete"
    assert outcome.document["incomplete_details"] == {"reason": "content_filter"}
    assert outcome.document["sluice"]["risks"] == [RISK]
    assert b"forbidden" not in outcome.visible


def test_token_probabilities_leave_with_untouched_text_alone() -> None:
    """A masked text takes them along; they would spell it."""
    part = {"type": "output_text", "text": "so mild", "logprobs": [{"token": "so"}]}
    reply = answer({"type": "message", "content": [part]})
    masked = ask(context(masks=["mild"], position=Position.INTERFACE), request(stream=False), reply)
    assert masked.document["output"][0]["content"] == [{"type": "output_text", "text": "so ****", "logprobs": []}]
    kept = ask(context(position=Position.INTERFACE), request(stream=False), reply)
    assert kept.document["output"][0]["content"] == [part]


@pytest.mark.parametrize("body", [{"output": "x"}, {"output": [1]}])
def test_what_is_no_response_is_malformed(body: dict[str, Any]) -> None:
    """Its output must be a list of items."""
    assert ask(context(), request(stream=False), orjson.dumps(body)).record.error == "upstream_malformed"


def test_what_is_made_here_is_named_after_the_exchange() -> None:
    """Refusals, and errors in OpenAI's shape."""
    refusal = DIALECT.refusal(Identity("req-1", "m", 1), "no")
    assert (refusal["id"], refusal["output"][0]["id"], refusal["created_at"]) == ("resp_req-1", "msg_req-1", 1)
    assert refusal["output"][0]["content"][0]["text"] == "no"
    assert DIALECT.error(ErrorCode.INTERNAL, "m")["error"]["code"] == "internal_error"
