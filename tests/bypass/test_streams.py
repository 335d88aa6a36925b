"""Ways to bring a term to the client: in a streamed reply."""

import gzip
import json
from typing import Any

import orjson
import pytest

from tests.bypass.bench import MASKED_TERM, TERM, WIDE_TERM, Bench, choice, delta, frame, reply, shows, stream_reply
from tests.gateways import DONE, frames_of

ESCAPED = "\\u7981\\u8bcd"
# Signs alone are the beginning of no term, whatever the lists hold.
FIRST = delta(content="** ... ")


def arguments(text: str, index: int = 0) -> bytes:
    """Return a frame with a piece of a tool call's arguments."""
    return delta(tool_calls=[{"index": index, "function": {"arguments": text}}])


def each(text: str) -> bytes:
    """Return a frame for each character."""
    return b"".join(delta(content=char) for char in text)


def top(**members: Any) -> bytes:  # noqa: ANN401 any JSON
    """Return a frame with these members."""
    return frame({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "ok"}}]} | members)


def over_lines(raw: bytes, end: bytes = b"\n", mark: bytes = b"data: ") -> bytes:
    """Return a frame with its data over several lines."""
    lines = json.dumps(json.loads(raw[6:]), indent=0).encode().split(b"\n")
    return b"".join(mark + line + end for line in lines) + end


CLEAN, SPLIT = delta(content="ok"), delta(content="for") + delta(content="bidden")
BLOCKED = {
    "one frame": delta(content=TERM),
    "split over frames": SPLIT,
    "a frame for each character": each(TERM),
    "other case and width": each("ＦＯＲbidDEN"),
    "split around another choice": delta(content="for") + delta(1, content="x") + delta(content="bidden"),
    "split around a comment": delta(content="for") + b": ping\n\n" + delta(content="bidden"),
    "split around empty text": delta(content="for") + delta(content="") + delta(content="bidden"),
    "split around a role": delta(content="for") + delta(role="assistant") + delta(content="bidden"),
    "split around a usage frame": delta(content="for")
    + frame({"choices": [], "usage": {}})
    + delta(content="bidden"),
    "split over parts": delta(content=[{"type": "text", "text": "for"}, {"type": "text", "text": "bidden"}]),
    "split over parts of two frames": delta(content=[{"text": "for"}]) + delta(content=[{"text": "bidden"}]),
    "line ends CR LF": SPLIT.replace(b"\n", b"\r\n"),
    "line ends CR": SPLIT.replace(b"\n", b"\r"),
    "line ends mixed": SPLIT.replace(b"\n\n", b"\r\n\n", 1),
    "data over several lines": over_lines(delta(content=TERM)),
    "data over several lines with CR": over_lines(delta(content=TERM), b"\r", b"data:"),
    "data without a space": SPLIT.replace(b"data: ", b"data:"),
    "mark of UTF-8 before the stream": b"\xef\xbb\xbf" + SPLIT,
    "mark of UTF-8 before a frame": CLEAN + b"\xef\xbb\xbf" + delta(content=TERM),
    "JSON escapes": delta(content="@").replace(b"@", b"\\u0066orbidd\\u0065n"),
    "escapes of a JSON answer": b"".join(delta(content=piece) for piece in ('{"a":"', "\\u79", "81\\u", '8bcd"}')),
    "comment": b": forbidden\n\n",
    "event name": b"event: forbidden\n" + CLEAN,
    "event id": b"id: forbidden\n" + CLEAN,
    "time to retry": b"retry: forbidden\n" + CLEAN,
    "unknown field": b"x-field: forbidden\n" + CLEAN,
    "line without a colon": b"forbidden\n\n",
    "space before the field name": b" data: forbidden\n\n",
    "second choice": delta(1, content=TERM),
    "reasoning": delta(reasoning_content="for") + delta(reasoning_content="bidden"),
    "reasoning under another name": delta(reasoning=TERM),
    "reasoning in details": delta(reasoning_details=[{"type": "x", "text": TERM}]),
    "thinking": delta(thinking="for") + delta(thinking="bidden"),
    "refusal": delta(refusal="for") + delta(refusal="bidden"),
    "transcript of sound": delta(audio={"transcript": "for"}) + delta(audio={"transcript": "bidden"}),
    "legacy function call": delta(function_call={"arguments": "for"}) + delta(function_call={"arguments": "bidden"}),
    "tool-call arguments": arguments('{"q":"for') + arguments('bidden"}'),
    "tool-call arguments of two calls in turns": arguments("for") + arguments("x", 1) + arguments("bidden"),
    "tool-call arguments escaped": b"".join(arguments(char) for char in f'{{"q":"{ESCAPED}"}}'),
    "tool-call arguments escaped twice": b"".join(arguments(char) for char in json.dumps(f'"{ESCAPED}"')),
    "tool-call arguments half escaped": arguments('{"q":"禁') + arguments("\\u8b") + arguments('cd"}'),
    "tool-call name": delta(tool_calls=[{"index": 0, "function": {"name": TERM}}]),
    "tool-call id": delta(tool_calls=[{"index": 0, "id": TERM}]),
    "tool-call type": delta(tool_calls=[{"index": 0, "type": TERM}]),
    "role": delta(role=TERM),
    "unknown member of the delta": delta(brand_new={"deep": [[TERM]]}),
    "member name": delta(forbidden=1),
    "citation": delta(annotations=[{"url_citation": {"title": TERM}}]),
    "finish reason": choice(finish_reason=TERM),
    "unknown member of the choice": choice(text=TERM),
    "message beside the delta": choice(message={"content": TERM}),
    "delta that is a list": choice(delta=[TERM]),
    "delta that is a text": choice(delta=TERM),
    "model name": top(model=TERM),
    "id": top(id=TERM),
    "fingerprint": top(system_fingerprint=TERM),
    "usage": frame({"choices": [], "usage": {"note": TERM}}),
    "error in the stream": frame({"error": {"message": TERM}}),
    "members of the gateway's own": top(sluice={"decision": "allow", "x": TERM}, aigc={"Label": TERM}),
    "second of two equal members": CLEAN.replace(b'"content":"ok"', b'"content":"ok","content":"forbidden"'),
    "null bytes beside the term": delta(content="\0forbidden\0"),
    "frames like earlier ones": each("a clean beginning of some length") + SPLIT,
}


@pytest.mark.parametrize("frames", BLOCKED.values(), ids=BLOCKED)
def test_a_term_in_a_stream_is_blocked(bench: Bench, frames: bytes) -> None:
    """However it is cut and wherever it stands: what was clear before it is shown, and none of it."""
    seen = bench.answered(stream_reply(FIRST + frames + CLEAN + DONE), stream=True)
    assert seen.outcome == "block"
    assert shows(seen.response.content) == []
    assert FIRST in seen.response.content
    assert frames_of(seen.response.content)[-1]["sluice"]["decision"] == "block"
    assert seen.response.content.endswith(DONE)


UNENDED = {
    "whole frames": SPLIT,
    "arguments": BLOCKED["tool-call arguments escaped"],
    "no blank line": SPLIT.rstrip(b"\n"),
    "one line end": SPLIT[:-1],
}


@pytest.mark.parametrize("frames", UNENDED.values(), ids=UNENDED)
def test_a_stream_that_ends_without_a_terminator_is_blocked_too(bench: Bench, frames: bytes) -> None:
    """The end of the body is an end; nothing held is let go of unread."""
    seen = bench.answered(stream_reply(FIRST + frames), stream=True)
    assert (seen.outcome, shows(seen.response.content)) == ("block", [])


NO_FRAME = {
    "no JSON": b"data: forbidden\n\n",
    "JSON of two documents": CLEAN.rstrip(b"\n") + b'{"x":"forbidden"}\n\n',
    "a JSON text": b'data: "forbidden"\n\n',
    "a JSON list": b'data: ["forbidden"]\n\n',
    "terminator with text behind it": b"data: [DONE] forbidden\n\n",
    "choices of another shape": frame({"choices": "forbidden"}),
    "choice out of bounds": delta(10**6, content=TERM),
    "choice of another type": frame({"choices": [{"index": "0", "delta": {"content": TERM}}]}),
    "lone surrogate": delta(content="@").replace(b"@", b"\\ud83dforbidden"),
    "invalid UTF-8": delta(content="@").replace(b"@", b"\xffforbidden"),
    "overlong UTF-8": delta(content="@").replace(b"@", b"\xc1\xa6orbidden"),
    "deep nesting": b"data: " + b'{"a":' * 2000 + b'"forbidden"' + b"}" * 2000 + b"\n\n",
    "huge frame": delta(content="x" * 1_100_000 + TERM),
    "frame without an end": b"data: " + b"x" * 1_100_000 + b"forbidden",
    "text behind the end of its choice": choice(finish_reason="stop") + delta(content=TERM),
}


@pytest.mark.parametrize("frames", NO_FRAME.values(), ids=NO_FRAME)
def test_a_frame_nobody_understands_ends_the_stream(bench: Bench, frames: bytes) -> None:
    """What cannot be read as a frame does not pass as one, and the error does not quote it."""
    seen = bench.answered(stream_reply(FIRST + frames + CLEAN + DONE), stream=True)
    assert seen.outcome == "upstream_malformed"
    assert shows(seen.response.content) == []
    assert seen.response.content.startswith(FIRST)
    assert seen.response.content.endswith(DONE)


LEFT_BEHIND = {
    "behind the terminator": FIRST + DONE + delta(content=TERM) + b"data: forbidden\n\n: forbidden\n\nforbidden",
    "behind a terminator without a space": FIRST + b"data:[DONE]\n\n" + delta(content=TERM),
    "the first of two equal members": CLEAN.replace(b'"content":"ok"', b'"content":"forbidden","content":"ok"')
    + DONE,
    "token probabilities": choice(logprobs={"content": [{"token": TERM}]}) + DONE,
    "tokens that were not chosen": choice(logprobs={"content": [{"token": "x", "top_logprobs": [{"token": TERM}]}]})
    + DONE,
    "token probabilities split over frames": choice(logprobs={"content": [{"token": "for"}]})
    + choice(logprobs={"content": [{"token": "bidden"}]})
    + DONE,
    "bytes of tokens": choice(logprobs={"content": [{"token": "x", "bytes": list(TERM.encode())}]}) + DONE,
    "bytes of tokens that were not chosen": choice(
        logprobs={"content": [{"token": "x", "top_logprobs": [{"token": "y", "bytes": list(TERM.encode())}]}]}
    )
    + DONE,
}


@pytest.mark.parametrize("body", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_what_no_reader_needs_is_left_behind(bench: Bench, body: bytes) -> None:
    """The stream goes through without it."""
    seen = bench.answered(stream_reply(body), stream=True)
    assert seen.outcome == "allow"
    assert shows(seen.response.content) == []
    assert b",".join(b"%d" % number for number in TERM.encode()) not in seen.response.content
    assert seen.response.content.endswith(DONE)


@pytest.mark.parametrize(
    "content_type",
    [b"text/plain", b"application/json", b"application/octet-stream", b"text/html", b"", b"x-text/event-stream"],
)
def test_a_stream_under_another_type_is_no_stream(bench: Bench, content_type: bytes) -> None:
    """It is collected as the document it says it is, and is none."""
    seen = bench.answered(stream_reply(SPLIT + DONE, content_type), stream=True)
    assert (seen.outcome, shows(seen.response.content)) == ("upstream_malformed", [])


@pytest.mark.parametrize("content_type", [b"text/event-stream; charset=gbk", b"Text/Event-Stream;charset=utf-16"])
def test_a_charset_does_not_change_what_is_read(bench: Bench, content_type: bytes) -> None:
    """Streams are UTF-8 (WHATWG HTML 9.2), and the client is told so."""
    seen = bench.answered(stream_reply(delta(content=WIDE_TERM) + DONE, content_type), stream=True)
    assert (seen.outcome, shows(seen.response.content)) == ("block", [])
    assert b"charset=" not in seen.response.headers["content-type"].encode().replace(b"charset=utf-8", b"")


def test_a_compressed_stream_is_read_or_refused(bench: Bench) -> None:
    """It is scanned as what it unpacks to, or not passed on."""
    raw = stream_reply(gzip.compress(SPLIT + DONE), b"text/event-stream\r\ncontent-encoding: gzip")
    seen = bench.answered(raw, stream=True)
    assert seen.outcome in {"block", "upstream_malformed"}
    assert shows(seen.response.content) == []


def test_a_stream_that_breaks_off_shows_nothing_held(bench: Bench) -> None:
    """What waited for its next piece is dropped with it."""
    size = b"%x\r\n%b\r\n" % (len(delta(content="for")), delta(content="for"))
    raw = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + size
    seen = bench.answered(raw, stream=True)
    assert seen.outcome == "upstream_reset"
    assert b"for" not in seen.response.content.replace(b"before", b"")


def test_a_masked_term_in_escapes_leaves_json_valid(bench: Bench) -> None:
    """Cut inside of its escapes, it is covered whole; joined, the arguments are JSON."""
    spelled = "".join(f"\\u{ord(char):04x}" for char in MASKED_TERM)
    raw = b"".join(arguments(char) for char in f'{{"q":"so {spelled}!"}}')
    seen = bench.answered(stream_reply(raw + choice(finish_reason="tool_calls", delta={}) + DONE), stream=True)
    pieces = [
        call["function"]["arguments"]
        for document in frames_of(seen.response.content)
        for each_choice in document["choices"]
        for call in each_choice["delta"].get("tool_calls", [])
    ]
    assert orjson.loads("".join(pieces)) == {"q": "so " + "*" * len(spelled) + "!"}
    assert seen.outcome == "mask"


def test_a_reply_and_its_error_are_scanned_when_a_stream_was_asked_for(bench: Bench) -> None:
    """An error comes whole, whatever was asked for."""
    raw = reply(b'{"error":{"message":"forbidden"}}', status=b"500 Oh")
    seen = bench.answered(raw, stream=True)
    assert (seen.outcome, shows(seen.response.content)) == ("block", [])
