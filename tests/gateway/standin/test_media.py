"""Tests of `gateway.standin.media`: vectors, pictures and sound, all well formed."""

import io
import struct
from base64 import b64decode
from typing import Any

import orjson
import pytest
from PIL import Image

from gateway.standin.media import (
    DIMENSIONS,
    EMBEDDINGS,
    IMAGES,
    SPEECH,
    vector_of,
)
from gateway.standin.script import Form, Script, compose_form
from gateway.standin.works import SOUND_BYTES_A_CHARACTER


def plan(form: Form, **members: object) -> Script:
    """Plan a reply that is sent at once."""
    return compose_form(orjson.dumps({"model": "m", **members}), 0, form)


def whole(form: Form, **members: object) -> Any:  # noqa: ANN401 any JSON value
    """Return a whole reply."""
    return orjson.loads(b"".join(step.data for step in plan(form, **members).steps))


def test_each_text_has_its_vector() -> None:
    """The same text has the same vector, in either encoding."""
    plain = whole(EMBEDDINGS, input=["a", "b", "a"])["data"]
    packed = whole(EMBEDDINGS, input="a", encoding_format="base64")["data"]
    assert [row["index"] for row in plain] == [0, 1, 2]
    assert plain[0]["embedding"] == plain[2]["embedding"] == list(vector_of("a")) != plain[1]["embedding"]
    assert struct.unpack(f"<{DIMENSIONS}f", b64decode(packed[0]["embedding"])) == vector_of("a")


def test_pictures_come_as_data_or_as_addresses() -> None:
    """As many as asked for, each with what the model made of the prompt."""
    rows = whole(IMAGES, prompt="[[echo:a gate]]", n=2)["data"]
    assert [row["revised_prompt"] for row in rows] == ["a gate"] * 2
    for row in rows:
        with Image.open(io.BytesIO(b64decode(row["b64_json"]))) as picture:
            assert (picture.format, picture.size) == ("PNG", (256, 256))
    row = whole(IMAGES, prompt="x", response_format="url")["data"][0]
    assert row["url"].endswith(".png")
    assert "b64_json" not in row


@pytest.mark.parametrize(
    ("asked", "content_type"),
    [(None, b"audio/mpeg"), ("wav", b"audio/wav"), ("pcm", b"audio/pcm;rate=24000;channels=1"), ("?", b"audio/mpeg")],
)
def test_sound_comes_in_pieces(asked: str | None, content_type: bytes) -> None:
    """Of unknown length, under the type of the format asked for."""
    script = plan(SPEECH, input="水闸", response_format=asked)
    assert (script.content_type, script.content_length) == (content_type, None)
    assert len(script.steps) >= 2


def test_a_wave_is_a_head_and_a_piece_for_each_character() -> None:
    """As servers that stream write it."""
    script = plan(SPEECH, input="水闸", response_format="wav")
    assert [len(step.data) for step in script.steps[1:]] == [SOUND_BYTES_A_CHARACTER] * 2
    assert script.steps[0].data.startswith(b"RIFF")


def test_long_sound_can_be_asked_for() -> None:
    """By the cue for a long text."""
    assert len(plan(SPEECH, input="[[length:50]]", response_format="wav").steps) == 51


def test_garbage_is_nothing_of_the_format() -> None:
    """No sound, and no JSON."""
    assert plan(SPEECH, input="[[garbage]]").content_type == b"text/html"
    for form, member in ((EMBEDDINGS, "input"), (IMAGES, "prompt")):
        assert plan(form, **{member: "[[garbage]]"}).steps[0].data.endswith(b"\xff")


@pytest.mark.parametrize(
    ("form", "members"),
    [
        (EMBEDDINGS, {}),
        (EMBEDDINGS, {"input": [1]}),
        (IMAGES, {"prompt": "x", "n": 11}),
        (IMAGES, {"prompt": "x", "n": "2"}),
    ],
)
def test_what_is_no_request_is_told(form: Form, members: dict[str, object]) -> None:
    """Status 400 in OpenAI's shape."""
    assert plan(form, **members).status == 400
