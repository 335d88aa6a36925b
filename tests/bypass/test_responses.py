"""Ways round the filter in the wire format of OpenAI Responses."""

import base64
import json
from typing import Any

import orjson
import pytest

from tests.bypass.bench import TERM, WIDE_TERM, Bench, reply, shows, stream_reply
from tests.gateways import MODEL

PATH = "/v1/responses"
ESCAPED = "\\u7981\\u8bcd"
FILE = base64.b64encode(f"a text with {TERM} in it".encode()).decode()


def asked(given: object = "hello", **members: Any) -> bytes:  # noqa: ANN401 any JSON
    """Return a request."""
    return orjson.dumps({"model": MODEL, "input": given} | members)


def output(content: object) -> bytes:
    """Return a request with the output of a function."""
    return asked([{"type": "function_call_output", "call_id": "c", "output": content}])


def part(**members: Any) -> bytes:  # noqa: ANN401 the same
    """Return a request whose message has one part."""
    return asked([{"role": "user", "content": [members]}])


REQUESTS = {
    "input": asked(TERM),
    "input in items": asked([{"role": "user", "content": TERM}]),
    "developer": asked([{"role": "developer", "content": TERM}, {"role": "user", "content": "x"}]),
    "instructions": asked(instructions=TERM),
    "parts split in the term": asked(
        [
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "for"}, {"type": "input_text", "text": "bidden"}],
            }
        ]
    ),
    "output of a function": output(TERM),
    "output in escaped JSON": output(f'{{"q":"{ESCAPED}"}}'),
    "output in JSON of JSON": output(json.dumps({"q": json.dumps(WIDE_TERM)})),
    "output in parts": output([{"type": "input_text", "text": "for"}, {"type": "input_text", "text": "bidden"}]),
    "arguments in the history": asked([{"type": "function_call", "call_id": "c", "name": "f", "arguments": ESCAPED}]),
    "name of a function": asked([{"type": "function_call", "call_id": "c", "name": TERM, "arguments": "{}"}]),
    "input of a custom tool": asked([{"type": "custom_tool_call", "call_id": "c", "name": "f", "input": TERM}]),
    "reasoning in the history": asked([{"type": "reasoning", "summary": [{"type": "summary_text", "text": TERM}]}]),
    "sealed reasoning": asked([{"type": "reasoning", "summary": [], "encrypted_content": TERM}]),
    "code in the history": asked([{"type": "code_interpreter_call", "code": TERM, "outputs": []}]),
    "text file": part(type="input_file", filename="f", file_data=f"data:text/plain;base64,{FILE}"),
    "text file without a head": part(type="input_file", filename="f", file_data=FILE),
    "name of a file": part(type="input_file", filename=TERM, file_id="f"),
    "address of a picture": part(type="input_image", image_url="https://x/forbidden.png"),
    "text that is called a picture": part(type="input_image", image_url=f"data:image/png;base64,{FILE}"),
    "unknown part": part(type="brand_new", x=TERM),
    "variable of a stored prompt": asked(prompt={"id": "p", "variables": {"city": TERM}}),
    "name of a variable": asked(prompt={"id": "p", "variables": {TERM: "x"}}),
    "tool definition": asked(tools=[{"type": "function", "name": "f", "description": TERM, "parameters": {}}]),
    "grammar of a tool": asked(tools=[{"type": "custom", "name": "f", "format": {"definition": TERM}}]),
    "answer schema": asked(text={"format": {"type": "json_schema", "schema": {"description": TERM}}}),
    "metadata": asked(metadata={"k": TERM}),
    "end user": asked(user=TERM),
    "safety identifier": asked(safety_identifier=TERM),
    "earlier response": asked(previous_response_id=TERM),
    "unknown member": asked(brand_new=[[TERM]]),
}


@pytest.mark.parametrize("body", REQUESTS.values(), ids=REQUESTS)
def test_a_term_in_a_request_is_blocked(bench: Bench, body: bytes) -> None:
    """Wherever it stands: the model server hears nothing."""
    seen = bench.send(body, path=PATH)
    assert (seen.outcome, seen.model) == ("block", b"")
    assert shows(seen.response.content) == []


def event(kind: str, **members: Any) -> bytes:  # noqa: ANN401 the same
    """Return an event."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind} | members))


def response(*items: object, **members: Any) -> dict[str, Any]:  # noqa: ANN401 the same
    """Return a response."""
    own = {"id": "r", "object": "response", "model": "m", "status": "completed", "output": list(items)}
    return own | {"usage": None} | members


def said(*parts: object, kind: str = "message", **members: Any) -> dict[str, Any]:  # noqa: ANN401 the same
    """Return an item of output."""
    return {"id": "i", "type": kind, "role": "assistant", "content": list(parts)} | members


def shown(text: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401 the same
    """Return a part of a message."""
    return {"type": "output_text", "text": text, "annotations": []} | members


ITEM = {"item_id": "i", "output_index": 0, "content_index": 0}
START = event("response.created", response=response(status="in_progress"))
BEGUN = event("response.output_item.added", output_index=0, item=said()) + event(
    "response.content_part.added", part=shown(""), **ITEM
)


def text(piece: str) -> bytes:
    """Return a piece of text."""
    return event("response.output_text.delta", delta=piece, **ITEM)


def piece_of(kind: str, piece: str, **place: Any) -> bytes:  # noqa: ANN401 the same
    """Return a piece of another running text."""
    return event(f"response.{kind}.delta", delta=piece, item_id="i", output_index=0, **place)


def call(**members: Any) -> bytes:  # noqa: ANN401 the same
    """Begin the call of a function."""
    item = {"id": "i", "type": "function_call", "call_id": "c", "name": "f", "arguments": ""} | members
    return event("response.output_item.added", output_index=0, item=item)


def argued(piece: str) -> bytes:
    """Return a piece of a function's arguments."""
    return piece_of("function_call_arguments", piece)


def twice(kind: str) -> bytes:
    """Return the halves of the term as pieces of a running text."""
    return piece_of(kind, "for") + piece_of(kind, "bidden")


CALL = call()
END = event("response.completed", response=response(said(shown("ok"))))
STREAMS = {
    "text": BEGUN + text("for") + text("bidden"),
    "text, a character each": BEGUN + b"".join(text(char) for char in TERM),
    "text only where it is said again": BEGUN + text("ok") + event("response.output_text.done", text=TERM, **ITEM),
    "text only in its part": BEGUN + event("response.content_part.done", part=shown(TERM), **ITEM),
    "text only in its item": BEGUN + event("response.output_item.done", output_index=0, item=said(shown(TERM))),
    "text only at the end": event("response.completed", response=response(said(shown(TERM)))),
    "text only in an incomplete end": event("response.incomplete", response=response(said(shown(TERM)))),
    "text that an item begins with": event("response.output_item.added", output_index=0, item=said(shown(TERM))),
    "text over two parts": BEGUN
    + text("for")
    + event("response.content_part.added", part=shown(""), item_id="i", output_index=0, content_index=1)
    + event("response.output_text.delta", delta="bidden", item_id="i", output_index=0, content_index=1),
    "text over two messages": BEGUN
    + text("for")
    + event("response.output_text.delta", delta="bidden", item_id="j", output_index=1, content_index=0),
    "refusal": BEGUN + piece_of("refusal", "for", content_index=0) + piece_of("refusal", "bidden", content_index=0),
    "reasoning": piece_of("reasoning_text", "for", content_index=0)
    + piece_of("reasoning_text", "bidden", content_index=0),
    "summary of reasoning": piece_of("reasoning_summary_text", "for", summary_index=0)
    + piece_of("reasoning_summary_text", "bidden", summary_index=0),
    "arguments": CALL
    + piece_of("function_call_arguments", '{"q":"for')
    + piece_of("function_call_arguments", 'bidden"'),
    "arguments escaped": CALL
    + b"".join(piece_of("function_call_arguments", char) for char in f'{{"q":"{ESCAPED}"}}'),
    "arguments only where they are said again": CALL
    + event("response.function_call_arguments.done", arguments=f'{{"q":"{ESCAPED}"}}', item_id="i", output_index=0),
    "arguments only in their item": event(
        "response.output_item.done",
        output_index=0,
        item={"id": "i", "type": "function_call", "call_id": "c", "name": "f", "arguments": TERM},
    ),
    "name of a function": call(name=TERM),
    "id of a call": call(call_id=TERM),
    "input of a custom tool": piece_of("custom_tool_call_input", "for")
    + piece_of("custom_tool_call_input", "bidden"),
    "code": twice("code_interpreter_call_code"),
    "arguments of a server's tool": twice("mcp_call_arguments"),
    "transcript of sound": event("response.audio.transcript.delta", delta="for")
    + event("response.audio.transcript.delta", delta="bidden"),
    "citation": BEGUN
    + event("response.output_text.annotation.added", annotation={"title": TERM}, annotation_index=0, **ITEM),
    "token probabilities in a part": BEGUN
    + event("response.content_part.done", part=shown("ok", logprobs=[{"token": TERM}]), **ITEM),
    "error": event("error", message=TERM, code=None),
    "failure": event("response.failed", response=response(status="failed", error={"code": "x", "message": TERM})),
    "unknown event": event("response.brand_new", text=TERM),
    "unknown event in pieces": event("response.brand_new.delta", delta="for")
    + event("response.brand_new.delta", delta="bidden"),
    "event name": BEGUN.replace(b"event: response.output_item.added", b"event: forbidden", 1),
    "model": event("response.in_progress", response=response(model=TERM)),
    "metadata": event("response.in_progress", response=response(metadata={"k": TERM})),
    "instructions said again": event("response.in_progress", response=response(instructions=TERM)),
    "incomplete for a reason": event("response.incomplete", response=response(incomplete_details={"reason": TERM})),
}


@pytest.mark.parametrize("events", STREAMS.values(), ids=STREAMS)
def test_a_term_in_a_stream_is_caught(bench: Bench, events: bytes) -> None:
    """Wherever it stands: none of it is shown. What is said again in other words is replaced by what was shown."""
    seen = bench.answered(stream_reply(START + events + END), stream=True, path=PATH)
    assert shows(seen.response.content) == []
    assert seen.outcome == "block" or b'"text":"ok' in seen.response.content


REPLIES = {
    "text": response(said(shown(TERM))),
    "text over two parts": response(said(shown("for"), shown("bidden"))),
    "refusal": response(said({"type": "refusal", "refusal": TERM})),
    "reasoning": response(said(kind="reasoning", summary=[{"type": "summary_text", "text": TERM}])),
    "arguments": response(
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": f'{{"q":"{ESCAPED}"}}'}
    ),
    "citation": response(said(shown("x", annotations=[{"title": TERM}]))),
    "token probabilities": response(said(shown("x", logprobs=[{"token": "for"}, {"token": "bidden"}]))),
    "error": response(error={"message": TERM}),
    "unknown item": response({"type": "brand_new", "x": [TERM]}),
}


@pytest.mark.parametrize("document", REPLIES.values(), ids=REPLIES)
def test_a_term_in_a_reply_is_blocked(bench: Bench, document: object) -> None:
    """Wherever it stands in the response."""
    seen = bench.answered(reply(orjson.dumps(document)), stream=False, path=PATH)
    assert (seen.outcome, shows(seen.response.content)) == ("block", [])
