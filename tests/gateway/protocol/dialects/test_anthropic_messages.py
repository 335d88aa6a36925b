"""Anthropic Messages: requests, whole replies, errors."""

from typing import Any

import orjson
import pytest

from gateway.errors import ErrorCode, RequestError
from gateway.protocol.dialects.anthropic_messages import AnthropicMessages, AnthropicTokenCount
from gateway.protocol.dialects.base import Identity
from gateway.protocol.labels import Position
from tests.gateway.protocol.playbook import LABEL, RISK, Outcome, ask, stream
from tests.gateway.protocol.playbook_messages import context, message, request

DIALECT = AnthropicMessages()
IDENTITY = Identity("req-1", "m", 1)


def answer(*blocks: dict[str, Any], **members: Any) -> bytes:  # noqa: ANN401 any JSON value
    """Build the body of a whole reply."""
    return orjson.dumps(message(*blocks, stop_reason="end_turn") | members)


def block(text: str) -> dict[str, Any]:
    """Build a text block."""
    return {"type": "text", "text": text}


TOOL = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"query": "x"}}
THINKING = {"type": "thinking", "thinking": "hm", "signature": "c2lnbmVk"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"model": "m", "messages": []}', "'messages'"),
        (request(None), "'messages[0].content'"),
        (request(stream=1), "'stream'"),
        (request(model=""), "'model'"),
    ],
)
def test_a_malformed_request_is_named(body: bytes, named: str) -> None:
    """The error says which member is wrong; the content of a message may not be null here."""
    with pytest.raises(RequestError) as caught:
        DIALECT.parse_request(body)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("body", "structured", "hint"),
    [
        (request("你好"), False, "你好"),
        (request([block("a"), block("b")]), False, "ab"),
        (request("x", output_config={"format": {"type": "json_schema", "schema": {}}}), True, "x"),
        (request("x", output_format={"type": "json_schema", "schema": {}}), True, "x"),
        (request("x", output_config={"effort": "low"}), False, "x"),
    ],
)
def test_a_request_is_read(body: bytes, structured: bool, hint: str) -> None:  # noqa: FBT001 a parameter
    """What the core has to know of it."""
    parsed = DIALECT.parse_request(body)
    assert (parsed.model, parsed.streamed, parsed.structured, parsed.language_hint) == ("m", True, structured, hint)


@pytest.mark.parametrize(
    "members",
    [
        {"system": "so forbidden"},
        {"system": [block("for"), block("bidden")]},
        {"tools": [{"name": "f", "description": "forbidden", "input_schema": {}}]},
        {"metadata": {"user_id": "forbidden"}},
        {"stop_sequences": ["forbidden"]},
    ],
)
def test_every_text_of_a_request_is_scanned(members: dict[str, Any]) -> None:
    """System prompt as text and as blocks, tools, metadata."""
    assert ask(context(["forbidden"]), request(stream=False, **members)).decision == "block"


@pytest.mark.parametrize(
    "part",
    [
        block("forbidden"),
        {"type": "tool_use", "id": "t", "name": "f", "input": {"deep": ["forbidden"]}},
        {"type": "tool_result", "tool_use_id": "t", "content": "forbidden"},
        {"type": "tool_result", "tool_use_id": "t", "content": [block("for"), block("bidden")]},
        {"type": "thinking", "thinking": "forbidden", "signature": "s"},
        {
            "type": "document",
            "title": "t",
            "source": {"type": "text", "media_type": "text/plain", "data": "forbidden"},
        },
        {"type": "document", "source": {"type": "content", "content": [block("forbidden")]}},
        {"type": "search_result", "source": "s", "title": "t", "content": [block("forbidden")]},
    ],
)
def test_every_kind_of_block_is_scanned(part: dict[str, Any]) -> None:
    """What stands in a message in whatever form is read by the model, and so read here."""
    assert ask(context(["forbidden"]), request([part], stream=False)).decision == "block"


def test_a_mask_in_a_prompt_is_what_the_model_reads() -> None:
    """It covers its characters, also over two blocks."""
    outcome = ask(context(masks=["mild"]), request([block("mi"), block("ld")], stream=False), answer(block("ok")))
    assert [each["text"] for each in outcome.forwarded["messages"][0]["content"]] == ["**", "**"]


def test_the_label_stands_behind_the_last_text() -> None:
    """One answer in several blocks is labelled once; thinking is not."""
    outcome = ask(context(), request(stream=False), answer(THINKING, block("one "), block("two")))
    assert [each.get("text") for each in outcome.document["content"]] == [None, "one ", f"two\n\n{LABEL['en']}"]
    assert (outcome.document["aigc"]["Label"], outcome.record.label) == ("1", "end")
    begun = ask(context(position=Position.START), request(stream=False), answer(block("one "), block("two")))
    assert begun.document["content"][0]["text"] == f"{LABEL['en']}\n\none "


@pytest.mark.parametrize("blocks", [[block("let me see"), TOOL], [TOOL], [THINKING], []])
def test_what_is_a_programs_or_no_text_is_not_labelled_inside(blocks: list[dict[str, Any]]) -> None:
    """A call of the client's tool, or an answer without text: the members say it."""
    outcome = ask(context(), request(stream=False), answer(*blocks))
    assert outcome.document["content"] == blocks
    told = "members" if any("text" in each for each in blocks) else "none"  # of no text there is nothing to tell
    assert (outcome.document["aigc"]["Label"], outcome.record.label) == ("1", told)


def test_an_answer_with_the_servers_own_tool_is_labelled() -> None:
    """It is prose for a person."""
    searched = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    outcome = ask(context(), request(stream=False), answer(searched, block("found")))
    assert outcome.document["content"][1]["text"] == f"found\n\n{LABEL['en']}"


@pytest.mark.parametrize("reply", [TOOL | {"input": {"q": "forbidden"}}, THINKING | {"thinking": "forbidden"}])
def test_every_kind_of_block_of_a_reply_is_scanned(reply: dict[str, Any]) -> None:
    """A blocked reply is replaced by the refusal, and nothing of it leaves."""
    outcome = ask(context(["forbidden"]), request(stream=False), answer(reply))
    assert outcome.document["stop_reason"] == "refusal"
    assert outcome.document["content"][0]["type"] == "text"
    assert outcome.document["id"] == "msg_req-1"
    assert outcome.document["sluice"]["risks"] == [RISK]
    assert b"forbidden" not in outcome.visible


@pytest.mark.parametrize("body", [{"content": "x"}, {"content": [1]}])
def test_what_is_no_message_is_malformed(body: dict[str, Any]) -> None:
    """Its content must be a list of blocks."""
    assert ask(context(), request(stream=False), orjson.dumps(body)).record.error == "upstream_malformed"


def test_an_error_of_the_model_server_passes_unlabelled() -> None:
    """With its own status and body."""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "later"}}
    outcome = ask(context(), request(stream=False), orjson.dumps(error), 529)
    assert (outcome.document, outcome.start.status) == (error, 529)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ErrorCode.KEY_UNKNOWN, "authentication_error"),
        (ErrorCode.ACCOUNT_EXPIRED, "permission_error"),
        (ErrorCode.BODY_TOO_LARGE, "request_too_large"),
        (ErrorCode.NOT_JSON, "invalid_request_error"),
        (ErrorCode.AUDIT_UNAVAILABLE, "overloaded_error"),
        (ErrorCode.UPSTREAM_RESET, "api_error"),
    ],
)
def test_errors_have_the_types_of_the_format_and_a_code_of_ours(code: ErrorCode, kind: str) -> None:
    """Clients tell errors apart by a closed set of types; the code is the same in every format."""
    assert DIALECT.error(code, "m") == {"type": "error", "error": {"type": kind, "message": "m", "code": code}}


def test_headers_that_decide_how_a_request_is_read_are_passed_on() -> None:
    """The model server cannot do without them."""
    assert DIALECT.forwarded_headers == (b"anthropic-version", b"anthropic-beta")


def count(prompt: str, **members: Any) -> Outcome:  # noqa: ANN401 any JSON value
    """Ask how many tokens a prompt has."""
    counting = context(["forbidden"], ["mild"], dialect=AnthropicTokenCount())
    return ask(counting, request(prompt, stream=False, **members), b'{"input_tokens":12}')


def test_a_count_of_tokens_passes_as_it_came() -> None:
    """It is no generated content: no label in body, header or record."""
    outcome = count("hi")
    assert outcome.body == b'{"input_tokens":12}'
    assert b"x-aigc-label" not in dict(outcome.start.headers)
    assert (outcome.record.label, outcome.record.produce_id, outcome.record.dialect) == (
        "none",
        "",
        "anthropic.count_tokens",
    )


def test_a_prompt_to_be_counted_is_judged_like_any_other() -> None:
    """Masked, the masked one is counted; blocked, the answer is an error, since a number can hold no refusal."""
    assert count("so mild").forwarded["messages"][0]["content"] == "so ****"
    blocked = count("forbidden")
    assert (blocked.start.status, blocked.document["error"]["code"]) == (400, "content_filter")
    assert blocked.document["sluice"]["decision"] == "block"


def test_a_count_is_never_a_stream() -> None:
    """Whatever the request says, one number is waited for."""
    counting = context(["forbidden"], dialect=AnthropicTokenCount())
    assert stream(counting, [], request("forbidden")).start.status == 400


def test_a_refusal_is_named_after_the_exchange() -> None:
    """Its id is the one of the audit entry."""
    refusal = DIALECT.refusal(IDENTITY, "no")
    assert (refusal["id"], refusal["model"], refusal["stop_reason"]) == ("msg_req-1", "m", "refusal")
    assert refusal["content"] == [block("no")]
