"""Ways to bring a term to the client: in a reply that is not streamed."""

import gzip
import json
from typing import Any

import orjson
import pytest

from tests.bypass.bench import TERM, Bench, delta, frame, reply, shows, stream_reply
from tests.gateways import DONE, whole_answer

CHUNKED = b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
ESCAPED = "\\u7981\\u8bcd"


def message(**members: Any) -> bytes:  # noqa: ANN401 any JSON
    """Return a reply whose one message has these members."""
    return choice(message={"role": "assistant", "content": "ok"} | members)


def choice(**members: Any) -> bytes:  # noqa: ANN401 the same
    """Return a reply whose one choice has these members."""
    return whole(choices=[{"index": 0, "message": {"role": "assistant", "content": "ok"}} | members])


def whole(**members: Any) -> bytes:  # noqa: ANN401 the same
    """Return a reply with these members."""
    return orjson.dumps(json.loads(whole_answer("ok")) | members)


def called(arguments: object) -> bytes:
    """Return a reply with a tool call."""
    return message(content=None, tool_calls=[{"id": "c", "function": {"name": "f", "arguments": arguments}}])


BLOCKED = {
    "content": whole_answer(TERM),
    "content in parts": message(content=[{"type": "text", "text": "for"}, {"type": "text", "text": "bidden"}]),
    "content as a number": message(content=19890604123),
    "other case and width": whole_answer("ＦＯＲbidDEN"),
    "JSON escapes": whole_answer("@").replace(b"@", b"\\u0066orbidden"),
    "JSON answer with escapes": whole_answer(f'{{"a":"{ESCAPED}"}}'),
    "second choice": whole(choices=[{"message": {"content": "ok"}}, {"message": {"content": TERM}}]),
    "role": message(role=TERM),
    "reasoning": message(reasoning_content=TERM),
    "reasoning under another name": message(reasoning=TERM),
    "reasoning in details": message(reasoning_details=[{"type": "x", "text": TERM}]),
    "refusal": message(refusal=TERM),
    "transcript of sound": message(audio={"id": "a", "data": "", "transcript": TERM}),
    "citation": message(annotations=[{"type": "url_citation", "url_citation": {"url": "u", "title": TERM}}]),
    "context of a data source": message(context={"citations": [{"content": TERM}]}),
    "unknown member of the message": message(brand_new={"deep": [[TERM]]}),
    "member name": message(forbidden=1),
    "tool-call arguments": called('{"q":"forbidden"}'),
    "tool-call arguments escaped": called(f'{{"q":"{ESCAPED}"}}'),
    "tool-call arguments escaped twice": called(json.dumps({"q": f'"{ESCAPED}"'})),
    "tool-call arguments as an object": called({"q": TERM}),
    "name in tool-call arguments": called('{"forbidden":1}'),
    "tool-call name": message(tool_calls=[{"id": "c", "function": {"name": TERM, "arguments": ""}}]),
    "tool-call id": message(tool_calls=[{"id": TERM, "function": {"name": "f", "arguments": ""}}]),
    "legacy function call": message(function_call={"name": "f", "arguments": TERM}),
    "finish reason": choice(finish_reason=TERM),
    "unknown member of a choice": choice(text=TERM),
    "stop details": choice(stop_reason=TERM),
    "token probabilities": choice(logprobs={"content": [{"token": TERM}]}),
    "tokens that were not chosen": choice(logprobs={"content": [{"token": "x", "top_logprobs": [{"token": TERM}]}]}),
    "tokens split in the term": choice(logprobs={"content": [{"token": "for"}, {"token": "bidden"}]}),
    "bytes of tokens": choice(logprobs={"content": [{"token": "x", "bytes": list(TERM.encode())}]}),
    "model name": whole(model=TERM),
    "id": whole(id=TERM),
    "fingerprint": whole(system_fingerprint=TERM),
    "usage": whole(usage={"note": TERM}),
    "unknown member": whole(prompt_filter_results=[{"x": TERM}]),
    "members of the gateway's own": whole(sluice={"decision": "allow", "note": TERM}, aigc={"Label": TERM}),
    "no choices": orjson.dumps({"choices": [], "note": TERM}),
    "second of two equal members": b'{"choices":[{"message":{"content":"ok","content":"forbidden"}}]}',
    "text file": message(content=[{"type": "file", "file": {"file_data": "data:;base64,Zm9yYmlkZGVu"}}]),
}


@pytest.mark.parametrize("body", BLOCKED.values(), ids=BLOCKED)
def test_a_term_in_a_reply_is_blocked(bench: Bench, body: bytes) -> None:
    """Wherever it stands: the client is shown a refusal and nothing of the reply."""
    seen = bench.answered(reply(body), stream=False)
    assert seen.outcome == "block"
    assert seen.record.phase == "response"
    assert shows(seen.response.content) == []


@pytest.mark.parametrize("status", [b"400 Bad Request", b"404 Not Found", b"429 Slow Down", b"500 Oh", b"503 Busy"])
def test_a_term_in_an_error_of_the_model_server_is_blocked(bench: Bench, status: bytes) -> None:
    """Errors quote prompts and more; they are scanned like answers."""
    body = orjson.dumps({"error": {"message": "you said forbidden", "code": None}})
    seen = bench.answered(reply(body, status=status), stream=False)
    assert seen.outcome == "block"
    assert shows(seen.response.content) == []


NO_REPLY = {
    "no JSON": (reply(b"forbidden"), "upstream_malformed"),
    "an error page": (reply(b"<p>forbidden</p>", status=b"500 Oh", content_type=b"text/html"), "upstream_error"),
    "a JSON text": (reply(b'"forbidden"'), "upstream_malformed"),
    "a JSON list": (reply(b'["forbidden"]'), "upstream_malformed"),
    "another document behind the first": (reply(whole_answer("x") + whole_answer(TERM)), "upstream_malformed"),
    "invalid UTF-8": (reply(whole_answer("@").replace(b"@", b"\xffforbidden")), "upstream_malformed"),
    "overlong UTF-8": (reply(whole_answer("@").replace(b"@", b"\xc1\xa6orbidden")), "upstream_malformed"),
    "lone surrogate": (reply(whole_answer("@").replace(b"@", b"\\ud83dforbidden")), "upstream_malformed"),
    "deep nesting": (reply(b'{"a":' * 2000 + b'"forbidden"' + b"}" * 2000), "upstream_malformed"),
    "choices of another shape": (reply(b'{"choices":"forbidden"}'), "upstream_malformed"),
    "a stream where a whole reply was asked for": (stream_reply(delta(content=TERM) + DONE), "upstream_malformed"),
    "a redirect": (reply(b"{}", status=b"302 Found\r\nlocation: https://x/forbidden"), "upstream_malformed"),
    "no content": (b"HTTP/1.1 204 forbidden\r\n\r\n", "upstream_malformed"),
    "a refused key": (reply(b'{"error":"forbidden"}', status=b"401 forbidden"), "upstream_refused"),
    "an end before its length": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n" + whole_answer(TERM),
        "upstream_reset",
    ),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 99\r\n\r\n{}" + b"forbidden" * 11,
        "upstream_malformed",
    ),
    "an end before the last chunk": (CHUNKED + b"9\r\nforbidden\r\n", "upstream_reset"),
    "no HTTP at all": (b"forbidden\r\n\r\n", "upstream_malformed"),
}


@pytest.mark.parametrize(("raw", "code"), NO_REPLY.values(), ids=NO_REPLY)
def test_what_is_no_reply_is_replaced_by_an_error(bench: Bench, raw: bytes, code: str) -> None:
    """It cannot be scanned text by text, so none of it is passed on."""
    seen = bench.answered(raw, stream=False)
    assert seen.outcome == code
    assert shows(seen.response.content) == []
    assert TERM not in str(seen.response.headers)


def test_a_compressed_reply_is_read_or_refused(bench: Bench) -> None:
    """It is scanned as what it unpacks to, or not passed on."""
    packed = gzip.compress(whole_answer(TERM))
    seen = bench.answered(reply(packed, status=b"200 OK\r\ncontent-encoding: gzip"), stream=False)
    assert seen.outcome in {"block", "upstream_malformed"}
    assert shows(seen.response.content) == []
    assert "content-encoding" not in seen.response.headers


LEFT_BEHIND = {
    "a header": reply(whole_answer("ok"), status=b"200 OK\r\nx-note: forbidden\r\nset-cookie: a=forbidden"),
    "the reason": reply(whole_answer("ok"), status=b"200 forbidden"),
    "the content type": reply(whole_answer("ok"), content_type=b"application/json; note=forbidden"),
    "bytes behind the length": reply(whole_answer("ok")) + b"forbidden",
    "a second reply": reply(whole_answer("ok")) + reply(whole_answer(TERM)),
    "a reply before the reply": b"HTTP/1.1 103 Early\r\nlink: <forbidden>\r\n\r\n" + reply(whole_answer("ok")),
    "a chunk's extension": (
        CHUNKED + b"%x;note=forbidden\r\n%b\r\n0\r\n\r\n" % (len(whole_answer("ok")), whole_answer("ok"))
    ),
    "a trailer": (
        CHUNKED + b"%x\r\n%b\r\n0\r\nx-note: forbidden\r\n\r\n" % (len(whole_answer("ok")), whole_answer("ok"))
    ),
    "the first of two equal members": reply(b'{"choices":[{"message":{"content":"forbidden","content":"ok"}}]}'),
}


@pytest.mark.parametrize("raw", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_what_stands_beside_the_document_is_left_behind(bench: Bench, raw: bytes) -> None:
    """Nothing of a reply is passed on but the document that was scanned, or an error in its place."""
    seen = bench.answered(raw, stream=False)
    assert seen.outcome in {"allow", "upstream_malformed"}
    assert shows(seen.response.content) == []
    assert TERM not in str(seen.response.headers) + seen.response.reason_phrase


def test_the_reply_after_an_odd_one_is_its_own(bench: Bench) -> None:
    """What a model server sent too much does not become the answer to the next request."""
    bench.answered(reply(whole_answer("ok")) + reply(whole_answer("other")), stream=False)
    assert bench.answered(reply(whole_answer("mine")), stream=False).response.json()["choices"][0]["message"] == {
        "role": "assistant",
        "content": "mine",
    }


def test_a_whole_reply_where_a_stream_was_asked_for_is_scanned(bench: Bench) -> None:
    """Whole, since it came whole; and a frame in it is no reply."""
    assert bench.answered(reply(whole_answer(TERM)), stream=True).outcome == "block"
    seen = bench.answered(reply(frame({"choices": [{"delta": {"content": TERM}}]})), stream=True)
    assert (seen.outcome, shows(seen.response.content)) == ("upstream_malformed", [])
