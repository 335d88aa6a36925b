"""Ways to bring a term to the model: in what a client sends."""

import base64
import gzip
import json

import pytest

from tests.bypass.bench import MASKED_TERM, TERM, WIDE_TERM, Bench, chat_body, shows

DEEP = b'{"a":' * 2000 + b'"forbidden"' + b"}" * 2000
ESCAPED = "\\u7981\\u8bcd"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def call(arguments: object, **members: object) -> dict[str, object]:
    """Return an assistant's message with a tool call."""
    tool = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}} | members
    return {"role": "assistant", "content": None, "tool_calls": [tool]}


def attached(data: bytes, media_type: str = "text/plain") -> bytes:
    """Return a request with a file."""
    url = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    return chat_body([{"type": "file", "file": {"filename": "notes", "file_data": url}}])


BLOCKED = {
    "system role": chat_body({"role": "system", "content": TERM}),
    "developer role": chat_body({"role": "developer", "content": TERM}),
    "tool role": chat_body({"role": "tool", "tool_call_id": "c1", "content": TERM}),
    "function role": chat_body({"role": "function", "name": "f", "content": TERM}),
    "unknown role": chat_body({"role": "wizard", "content": TERM}),
    "term as role": chat_body({"role": TERM, "content": "x"}),
    "old message of a long history": chat_body(TERM, *["next"] * 50),
    "assistant's own words": chat_body({"role": "assistant", "content": TERM}, "go on"),
    "other case and width": chat_body("ＦＯＲbidDEN"),
    "made-up system reminder": chat_body("<system-reminder>forbidden</system-reminder>"),
    "made-up code fence": chat_body("```\nforbidden\n```"),
    "parts split in the term": chat_body([{"type": "text", "text": "for"}, {"type": "text", "text": "bidden"}]),
    "parts split around a picture": chat_body(
        [
            {"type": "text", "text": "for"},
            {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}},
            {"type": "text", "text": "bidden"},
        ]
    ),
    "parts as plain strings": chat_body(["forbidden"]),
    "unknown part type": chat_body([{"type": "x_text", "x_text": TERM}]),
    "nested tool result": chat_body([{"type": "tool_result", "content": [{"type": "text", "text": TERM}]}]),
    "thinking block with signature": chat_body([{"type": "thinking", "thinking": "x", "signature": TERM}]),
    "refusal part": chat_body({"role": "assistant", "content": [{"type": "refusal", "refusal": TERM}]}),
    "reasoning in the history": chat_body({"role": "assistant", "content": "x", "reasoning_content": TERM}),
    "transcript in the history": chat_body({"role": "assistant", "audio": {"id": "a", "transcript": TERM}}),
    "citation in the history": chat_body({"role": "assistant", "annotations": [{"url_citation": {"title": TERM}}]}),
    "name of a message": chat_body({"role": "user", "name": TERM, "content": "x"}),
    "tool-call arguments": chat_body(call('{"q":"forbidden"}')),
    "tool-call arguments as an object": chat_body(call({"q": TERM})),
    "tool-call arguments escaped": chat_body(call(f'{{"q":"{ESCAPED}"}}')),
    "tool-call arguments escaped in a string of JSON": chat_body(call(json.dumps({"q": json.dumps(WIDE_TERM)}))),
    "tool-call arguments half escaped": chat_body(call('{"q":"禁\\u8bcd"}')),
    "name in tool-call arguments escaped": chat_body(call(f'{{"{ESCAPED}":1}}')),
    "tool-call id": chat_body(call("{}", id=TERM)),
    "tool-call name": chat_body(call("{}", function={"name": TERM, "arguments": "{}"})),
    "custom tool input": chat_body(call("{}", custom={"name": "f", "input": TERM})),
    "legacy function call": chat_body({"role": "assistant", "function_call": {"name": "f", "arguments": TERM}}),
    "tool output in escaped JSON": chat_body({"role": "tool", "tool_call_id": "c1", "content": f'["{ESCAPED}"]'}),
    "tool description": chat_body("x", tools=[{"type": "function", "function": {"name": "f", "description": TERM}}]),
    "tool schema": chat_body("x", tools=[{"function": {"parameters": {"properties": {"q": {"enum": [TERM]}}}}}]),
    "legacy function definition": chat_body("x", functions=[{"name": "f", "description": TERM}]),
    "answer schema": chat_body("x", response_format={"type": "json_schema", "json_schema": {"description": TERM}}),
    "prediction": chat_body("x", prediction={"type": "content", "content": TERM}),
    "suffix": chat_body("x", suffix=TERM),
    "stop sequence": chat_body("x", stop=["a", TERM]),
    "end user": chat_body("x", user=TERM),
    "metadata value": chat_body("x", metadata={"k": TERM}),
    "metadata name": chat_body("x", metadata={TERM: "v"}),
    "unknown member": chat_body("x", brand_new={"deep": [[TERM]]}),
    "member name": chat_body("x", forbidden=1),
    "member name of a map of numbers": chat_body("x", logit_bias={TERM: 1}),
    "model name": chat_body("x", model=TERM),
    "web search options": chat_body("x", web_search_options={"user_location": {"city": TERM}}),
    "address of a picture": chat_body([{"type": "image_url", "image_url": {"url": "https://x/?q=forbidden"}}]),
    "name of a file": chat_body([{"type": "file", "file": {"filename": "forbidden.txt", "file_id": "f1"}}]),
    "text file": attached("很长的一段文字，其中有禁词。".encode()),
    "text file in another encoding": attached("很长的一段文字，其中有禁词。".encode("gb18030")),
    "text file with a bad byte": attached(b"\xff forbidden"),
    "text file that is called a picture": attached(b"forbidden", "image/png"),
    "text file that begins like a picture": attached(PNG + b"forbidden"),
    "data URL without base64": chat_body([{"type": "file", "file": {"file_data": "data:,%66orbidden"}}]),
    "number in place of a text": chat_body([{"type": "text", "text": 19890604123}]),
    "null bytes beside the term": chat_body("\0forbidden\0"),
    "JSON escapes in the body": b'{"model":"m","messages":[{"role":"user","content":"\\u0066orbidd\\u0065n"}]}',
    "JSON escapes in a name": b'{"model":"m","messages":[{"role":"user","content":"x"}],"\\u0066orbidden":1}',
    "second of two equal members": b'{"model":"m","messages":[{"role":"user","content":"x","content":"forbidden"}]}',
}


@pytest.mark.parametrize("body", BLOCKED.values(), ids=BLOCKED)
def test_a_term_in_a_request_is_blocked(bench: Bench, body: bytes) -> None:
    """Wherever it stands and however it is spelled: the model server hears nothing, the client is refused."""
    seen = bench.send(body)
    assert (seen.outcome, seen.model) == ("block", b"")
    assert seen.record.phase == "request"
    assert shows(seen.response.content) == []


NO_REQUEST = {
    "deep nesting": b'{"model":"m","messages":[{"role":"user","content":"x"}],"x":' + DEEP + b"}",
    "lone surrogate": b'{"model":"m","messages":[{"role":"user","content":"forbidden\\ud83d"}]}',
    "overlong UTF-8": b'{"model":"m","messages":[{"role":"user","content":"\xc1\xa6orbidden"}]}',
    "invalid UTF-8": b'{"model":"m","messages":[{"role":"user","content":"\xff forbidden"}]}',
    "UTF-16": chat_body(TERM).decode().encode("utf-16"),
    "UTF-8 with a mark before it": b"\xef\xbb\xbf" + chat_body(TERM),
    "another document behind the first": chat_body("x") + chat_body(TERM),
    "comment in JSON": b'{"model":"m",/*forbidden*/"messages":[{"role":"user","content":"x"}]}',
    "single quotes": b"{'model':'m','messages':[{'role':'user','content':'forbidden'}]}",
    "not a number": b'{"model":"m","messages":[{"role":"user","content":"forbidden"}],"x":NaN}',
}


@pytest.mark.parametrize("body", NO_REQUEST.values(), ids=NO_REQUEST)
def test_what_two_readers_might_read_in_two_ways_is_refused(bench: Bench, body: bytes) -> None:
    """A body that is not JSON in UTF-8 goes nowhere, and its error does not quote it."""
    seen = bench.send(body)
    assert (seen.outcome, seen.response.status_code, seen.model) == ("not_json", 400, b"")
    assert shows(seen.response.content) == []


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=gbk", "application/json; charset=utf-16", "text/plain", "multipart/form-data", ""],
)
def test_the_content_type_does_not_change_what_is_read(bench: Bench, content_type: str) -> None:
    """The body is JSON in UTF-8, or it is refused; a header does not make it something else."""
    seen = bench.send(chat_body(WIDE_TERM), {"content-type": content_type})
    assert seen.outcome in {"block", "unsupported_media_type"}
    assert seen.model == b""


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "gzip, gzip", "identity", "br", "deflate", "unknown"])
def test_a_compressed_body_is_read_or_refused(bench: Bench, coding: str) -> None:
    """What it says it is compressed with, it is read as; nothing is passed on packed."""
    seen = bench.send(gzip.compress(chat_body(TERM)), {"content-encoding": coding})
    assert seen.outcome == "block" or seen.response.status_code in {400, 415}
    assert (seen.model, shows(seen.response.content)) == (b"", [])


@pytest.mark.parametrize("value", ['"true"', "1", '"forbidden"', "[]"])
def test_a_stream_that_may_be_none_is_refused(bench: Bench, value: str) -> None:
    """The model server must not stream where a whole reply is waited for."""
    body = b'{"model":"m","messages":[{"role":"user","content":"x"}],"stream":%b}' % value.encode()
    seen = bench.send(body)
    assert (seen.response.status_code, seen.model) == ((200, seen.model) if value == "[]" else (400, b""))


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","messages":[{"role":"user","content":"forbidden","content":"x"}]}',
        b'{"messages":[{"role":"user","content":"forbidden"}],"model":"m","messages":[{"role":"user","content":"x"}]}',
    ],
    ids=["in a message", "in the body"],
)
def test_the_first_of_two_equal_members_goes_nowhere(bench: Bench, body: bytes) -> None:
    """One reading is scanned, and that one is written anew for the model server."""
    seen = bench.send(body)
    assert seen.outcome == "allow"
    assert shows(seen.model) == []
    assert b'"content":"x"' in seen.model


@pytest.mark.parametrize(
    ("arguments", "masked"),
    [('{"q":"mild"}', '{"q":"****"}'), ('{"q":"\\u006dild!"}', '{"q":"*********!"}')],
    ids=["plain", "escaped"],
)
def test_a_masked_term_leaves_json_valid(bench: Bench, arguments: str, masked: str) -> None:
    """A mask covers the whole spelling, so what is JSON stays JSON."""
    seen = bench.send(chat_body(call(arguments)))
    sent = json.loads(seen.model.partition(b"\r\n\r\n")[2])
    assert sent["messages"][0]["tool_calls"][0]["function"]["arguments"] == masked
    assert json.loads(masked)["q"].strip("!*") == ""
    assert (seen.outcome, MASKED_TERM.encode() in seen.model) == ("mask", False)
