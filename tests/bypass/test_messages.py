"""Ways round the filter in the wire format of Anthropic Messages."""

import base64
import json
from typing import Any

import orjson
import pytest

from tests.bypass.bench import TERM, WIDE_TERM, Bench, reply, shows, stream_reply
from tests.gateways import MODEL, frames_of

PATH = "/v1/messages"
ESCAPED = "\\u7981\\u8bcd"
FILE = base64.b64encode(f"a text with {TERM} in it".encode()).decode()


def asked(*messages: Any, **members: Any) -> bytes:  # noqa: ANN401 any JSON
    """Return a request; a message that is no object is the content of one by the user."""
    said = [each if isinstance(each, dict) else {"role": "user", "content": each} for each in messages]
    own = {"model": MODEL, "max_tokens": 9, "messages": said or [{"role": "user", "content": "hello"}]}
    return orjson.dumps(own | members)


def result(content: object) -> bytes:
    """Return a request with the result of a tool."""
    return asked([{"type": "tool_result", "tool_use_id": "t", "content": content}])


def used(given: object, **members: object) -> bytes:
    """Return a request with the use of a tool in its history."""
    block = {"type": "tool_use", "id": "t", "name": "f", "input": given} | members
    return asked({"role": "assistant", "content": [block]}, "go on")


def document(**source: object) -> bytes:
    """Return a request with a document."""
    return asked([{"type": "document", "source": source}])


REQUESTS = {
    "system": asked(system=TERM),
    "system in blocks": asked(system=[{"type": "text", "text": "for"}, {"type": "text", "text": "bidden"}]),
    "made-up system reminder": asked("<system-reminder>forbidden</system-reminder>"),
    "blocks split in the term": asked([{"type": "text", "text": "for"}, {"type": "text", "text": "bidden"}]),
    "prefilled answer": asked("x", {"role": "assistant", "content": TERM}),
    "tool result": result(TERM),
    "tool result in blocks": result([{"type": "text", "text": "for"}, {"type": "text", "text": "bidden"}]),
    "tool result in blocks of blocks": result([{"type": "tool_result", "content": [{"type": "text", "text": TERM}]}]),
    "tool result in escaped JSON": result(f'{{"q":"{ESCAPED}"}}'),
    "tool input": used({"q": {"r": [TERM]}}),
    "name in tool input": used({TERM: 1}),
    "tool input with JSON inside": used({"q": json.dumps(WIDE_TERM)}),
    "tool name": used({}, name=TERM),
    "tool id": used({}, id=TERM),
    "thinking": asked({"role": "assistant", "content": [{"type": "thinking", "thinking": TERM, "signature": "s"}]}),
    "signature": asked({"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": TERM}]}),
    "redacted thinking": asked({"role": "assistant", "content": [{"type": "redacted_thinking", "data": TERM}]}),
    "redacted thinking that is a text": asked([{"type": "redacted_thinking", "data": FILE}]),
    "search result": asked([{"type": "search_result", "source": "s", "title": TERM, "content": []}]),
    "citation": asked([{"type": "text", "text": "x", "citations": [{"cited_text": TERM}]}]),
    "text document": document(type="text", media_type="text/plain", data=TERM),
    "document of blocks": document(type="content", content=[{"type": "text", "text": TERM}]),
    "document in base64": document(type="base64", media_type="text/plain", data=FILE),
    "document that is called a PDF": document(type="base64", media_type="application/pdf", data=FILE),
    "address of a document": document(type="url", url="https://example.org/forbidden"),
    "context of a document": asked(
        [{"type": "document", "context": TERM, "source": {"type": "file", "file_id": "f"}}]
    ),
    "tool definition": asked(tools=[{"name": "f", "description": TERM, "input_schema": {"type": "object"}}]),
    "tool choice": asked(tool_choice={"type": "tool", "name": TERM}),
    "server of tools": asked(mcp_servers=[{"type": "url", "url": "https://x", "name": TERM}]),
    "stop sequence": asked(stop_sequences=[TERM]),
    "end user": asked(metadata={"user_id": TERM}),
    "container": asked(container=TERM),
    "unknown block": asked([{"type": "brand_new", "brand_new": {"deep": [TERM]}}]),
    "unknown member": asked(brand_new=TERM),
}


@pytest.mark.parametrize("path", [PATH, f"{PATH}/count_tokens"], ids=["message", "count"])
@pytest.mark.parametrize("body", REQUESTS.values(), ids=REQUESTS)
def test_a_term_in_a_request_is_blocked(bench: Bench, body: bytes, path: str) -> None:
    """Wherever it stands: the model server hears nothing, also where it would only count."""
    seen = bench.send(body, path=path)
    assert (seen.outcome, seen.model) == ("block", b"")
    assert shows(seen.response.content) == []


@pytest.mark.parametrize("name", ["anthropic-version", "anthropic-beta"])
def test_a_header_that_goes_on_carries_no_term(bench: Bench, name: str) -> None:
    """Two headers of this format go on to the model server; what is no version and no name of a beta does not."""
    seen = bench.send(asked("x"), {name: f"2023-06-01,{TERM}"}, path=PATH)
    assert shows(seen.model) == []


def event(kind: str, **members: Any) -> bytes:  # noqa: ANN401 the same
    """Return an event."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind} | members))


def delta(index: int = 0, **members: Any) -> bytes:  # noqa: ANN401 the same
    """Return a piece of a block."""
    return event("content_block_delta", index=index, delta=members)


def text(piece: str, index: int = 0) -> bytes:
    """Return a piece of text."""
    return delta(index, type="text_delta", text=piece)


def given(piece: str, index: int = 0) -> bytes:
    """Return a piece of a tool's input."""
    return delta(index, type="input_json_delta", partial_json=piece)


def begun(index: int = 0, **block: Any) -> bytes:  # noqa: ANN401 the same
    """Begin a block."""
    return event("content_block_start", index=index, content_block=block)


def message(**members: Any) -> dict[str, Any]:  # noqa: ANN401 the same
    """Return a message."""
    own: dict[str, Any] = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
    }
    return own | {"stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}} | members


def ended(index: int = 0) -> bytes:
    """End a block."""
    return event("content_block_stop", index=index)


START = event("message_start", message=message())
TEXT, TOOL = begun(type="text", text=""), begun(type="tool_use", id="t", name="f", input={})
END = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2}) + event("message_stop")
STREAMS = {
    "text": TEXT + text("for") + text("bidden"),
    "text, a character each": TEXT + b"".join(text(char) for char in TERM),
    "text over two blocks": TEXT + text("for") + ended() + begun(1, type="text", text="") + text("bidden", 1),
    "text that a block begins with": begun(type="text", text=TERM),
    "text begun in a block's start": begun(type="text", text="for") + text("bidden"),
    "thinking": begun(type="thinking", thinking="")
    + delta(type="thinking_delta", thinking="for")
    + delta(type="thinking_delta", thinking="bidden"),
    "signature": begun(type="thinking", thinking="") + delta(type="signature_delta", signature=TERM),
    "redacted thinking": begun(type="redacted_thinking", data=TERM),
    "tool input": TOOL + given('{"q":"for') + given('bidden"}'),
    "tool input escaped": TOOL + b"".join(given(char) for char in f'{{"q":"{ESCAPED}"}}'),
    "tool input escaped twice": TOOL + b"".join(given(char) for char in json.dumps(f'"{ESCAPED}"')),
    "tool input that a block begins with": begun(type="tool_use", id="t", name="f", input={"q": TERM}),
    "tool name": begun(type="tool_use", id="t", name=TERM, input={}),
    "tool id": begun(type="tool_use", id=TERM, name="f", input={}),
    "result of a server's tool": begun(type="web_search_tool_result", content=[{"title": TERM}]),
    "citation": TEXT + delta(type="citations_delta", citation={"cited_text": TERM}),
    "unknown delta": TEXT + delta(type="brand_new_delta", brand_new=TERM),
    "unknown delta in pieces": TEXT
    + delta(type="brand_new_delta", x="for")
    + delta(type="brand_new_delta", x="bidden"),
    "unknown event": event("brand_new", text=TERM),
    "ping": event("ping", note=TERM),
    "event name": TEXT.replace(b"event: content_block_start", b"event: forbidden"),
    "error": event("error", error={"type": "overloaded_error", "message": TERM}),
    "stop reason": event("message_delta", delta={"stop_reason": TERM}, usage={}),
    "stop sequence": event("message_delta", delta={"stop_reason": "stop_sequence", "stop_sequence": TERM}, usage={}),
    "usage": event("message_delta", delta={"stop_reason": "end_turn"}, usage={"note": TERM}),
    "container": event("message_delta", delta={"stop_reason": "end_turn", "container": {"id": TERM}}, usage={}),
}


@pytest.mark.parametrize("events", STREAMS.values(), ids=STREAMS)
def test_a_term_in_a_stream_is_blocked(bench: Bench, events: bytes) -> None:
    """Wherever it stands: none of it is shown, and the end is one of this format."""
    seen = bench.answered(stream_reply(START + events + END), stream=True, path=PATH)
    assert (seen.outcome, shows(seen.response.content)) == ("block", [])
    assert b"event: message_stop" in seen.response.content
    assert any(each.get("delta", {}).get("stop_reason") == "refusal" for each in frames_of(seen.response.content))


STARTS = {
    "model": START.replace(b'"model":"m"', b'"model":"forbidden"'),
    "id": START.replace(b'"id":"m"', b'"id":"forbidden"'),
    "content": event("message_start", message=message(content=[{"type": "text", "text": TERM}])),
    "unknown member": event("message_start", message=message(brand_new={"x": [TERM]})),
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_term_in_the_first_event_is_blocked(bench: Bench, start: bytes) -> None:
    """Before anything is shown."""
    seen = bench.answered(stream_reply(start + TEXT + text("ok") + ended() + END), stream=True, path=PATH)
    assert (seen.outcome, shows(seen.response.content)) == ("block", [])


REPLIES = {
    "text": [{"type": "text", "text": TERM}],
    "text over two blocks": [{"type": "text", "text": "for"}, {"type": "text", "text": "bidden"}],
    "thinking": [{"type": "thinking", "thinking": TERM, "signature": "s"}],
    "signature": [{"type": "thinking", "thinking": "x", "signature": TERM}],
    "tool input": [{"type": "tool_use", "id": "t", "name": "f", "input": {"q": [TERM]}}],
    "name in tool input": [{"type": "tool_use", "id": "t", "name": "f", "input": {TERM: 1}}],
    "JSON in tool input": [{"type": "tool_use", "id": "t", "name": "f", "input": {"q": json.dumps(WIDE_TERM)}}],
    "citation": [{"type": "text", "text": "x", "citations": [{"cited_text": TERM}]}],
    "unknown block": [{"type": "brand_new", "x": TERM}],
}


@pytest.mark.parametrize("content", REPLIES.values(), ids=REPLIES)
def test_a_term_in_a_reply_is_blocked(bench: Bench, content: object) -> None:
    """Wherever it stands in the message."""
    seen = bench.answered(reply(orjson.dumps(message(content=content))), stream=False, path=PATH)
    assert (seen.outcome, shows(seen.response.content)) == ("block", [])
    assert seen.response.json()["stop_reason"] == "refusal"


def test_what_stands_behind_the_end_is_left_behind(bench: Bench) -> None:
    """Nothing follows the event that ends a message."""
    raw = START + TEXT + text("ok") + ended() + END + text(TERM) + b": forbidden\n\n"
    seen = bench.answered(stream_reply(raw), stream=True, path=PATH)
    assert (seen.outcome, shows(seen.response.content)) == ("allow", [])
