"""Tests of `gateway.standin.transcriptions`: the file's text comes back in every format."""

from typing import Any

import orjson
import pytest

from gateway.protocol.multipart import write_upload
from gateway.standin.script import Script, compose_form
from gateway.standin.transcriptions import TRANSCRIPTIONS

SAID = "水位正常，闸门已开。"


def plan(said: str = f"[[echo:{SAID}]]", **fields: str) -> Script:
    """Plan a reply that is sent at once."""
    parts: list[dict[str, Any]] = [{"name": "file", "content": said.encode(), "file": "a.wav", "type": "audio/wav"}]
    parts += [{"name": name, "content": text} for name, text in ({"model": "m"} | fields).items()]
    return compose_form(write_upload(parts, "edge")[1], 0, TRANSCRIPTIONS)


def body(script: Script) -> bytes:
    """Return what a script sends."""
    return b"".join(step.data for step in script.steps)


def test_json_says_what_was_in_the_file() -> None:
    """The cue's argument is the transcript."""
    assert orjson.loads(body(plan())) == {"text": SAID}


def test_segments_and_words_say_it_again() -> None:
    """Joined, each of them is the text."""
    reply = orjson.loads(body(plan(response_format="verbose_json")))
    assert "".join(segment["text"] for segment in reply["segments"]) == SAID
    assert "".join(word["word"] for word in reply["words"]) == SAID
    assert reply["language"] == "chinese"


@pytest.mark.parametrize(
    ("chosen", "content_type", "first"),
    [
        ("text", b"text/plain; charset=utf-8", SAID),
        ("srt", b"text/plain; charset=utf-8", "1\n00:00:00,000 --> 00:00:00,400\n"),
        ("vtt", b"text/vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:00.400\n"),
    ],
)
def test_plain_formats(chosen: str, content_type: bytes, first: str) -> None:
    """Text, and subtitles with their times."""
    script = plan(response_format=chosen)
    assert script.content_type == content_type
    assert body(script).decode().startswith(first)


def test_a_stream_ends_with_the_whole_text() -> None:
    """Pieces, then all of it once more; the last event is the end."""
    frames = [step.data for step in plan(stream="true").steps if step.data]
    events = [orjson.loads(frame.split(b"data: ")[1]) for frame in frames]
    assert "".join(event.get("delta", "") for event in events) == SAID
    assert (events[-1]["type"], events[-1]["text"]) == ("transcript.text.done", SAID)
    assert frames[-1].startswith(b"event: transcript.text.done\n")


def test_garbage_is_no_json() -> None:
    """The same for all routes."""
    assert body(plan("[[garbage]]")).endswith(b"\xff")


@pytest.mark.parametrize(
    "script",
    [plan(response_format="?"), compose_form(b"{}", 0, TRANSCRIPTIONS), compose_form(b"--b\r\n", 0, TRANSCRIPTIONS)],
)
def test_what_is_no_request_is_told(script: Script) -> None:
    """Status 400 in OpenAI's shape."""
    assert script.status == 400


@pytest.mark.parametrize("part", [{"name": "model", "content": "m"}, {"name": "file", "content": "x"}])
def test_file_and_model_are_needed(part: dict[str, Any]) -> None:
    """One without the other is no request."""
    assert compose_form(write_upload([part], "edge")[1], 0, TRANSCRIPTIONS).status == 400
