"""Transcripts: uploads of every kind, and what says a transcript once more."""

from typing import Any

import pytest

from gateway.errors import RequestError
from gateway.protocol.carriage import RequestHead
from gateway.protocol.dialects.base import ParsedRequest
from gateway.protocol.dialects.openai_transcriptions import OpenAITranscriptions, encode_upload, spelled_words
from gateway.protocol.multipart import read_upload, write_upload

FILE: dict[str, Any] = {"name": "file", "content": b"\xff", "file": "a.wav", "type": "audio/wav"}
MODEL: dict[str, Any] = {"name": "model", "content": "m"}


def text(name: str, content: str) -> dict[str, Any]:
    """Build a text field."""
    return {"name": name, "content": content}


def parse(*parts: dict[str, Any]) -> ParsedRequest:
    """Read an upload of these parts."""
    content_type, body = write_upload(list(parts), "edge")
    return OpenAITranscriptions().parse_request(body, RequestHead(content_type.decode()))


@pytest.mark.parametrize(("value", "streamed"), [("true", True), ("True", True), ("false", False), (None, False)])
def test_a_stream_is_asked_for_in_a_field(value: str | None, *, streamed: bool) -> None:
    """As clients write it."""
    fields = [] if value is None else [text("stream", value)]
    request = parse(FILE, MODEL, *fields)
    assert (request.model, request.streamed, request.structured) == ("m", streamed, False)


@pytest.mark.parametrize(
    ("fields", "hint"),
    [([], ""), ([text("prompt", "水")], "水"), ([text("prompt", "x"), text("language", "zh")], "中文")],
)
def test_a_stop_is_told_in_the_language_that_is_spoken(fields: list[dict[str, Any]], hint: str) -> None:
    """As far as the client says which it is."""
    assert parse(FILE, MODEL, *fields).language_hint == hint


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([MODEL], "'file' and 'model'"),
        ([FILE], "'file' and 'model'"),
        ([FILE, text("model", "")], "'file' and 'model'"),
        ([FILE, MODEL, text("stream", "1")], "'stream' must be true or false"),
        ([FILE, FILE, MODEL], "'file' must be sent once"),
        ([FILE, MODEL, text("prompt", "a"), text("prompt", "b")], "'prompt' must be sent once"),
        ([text("file", "x"), MODEL], "'file' must be a file"),
        ([FILE, MODEL, FILE | {"name": "prompt"}], "every other field a text"),
        ([FILE, FILE | {"name": "model"}], "every other field a text"),
    ],
)
def test_an_upload_that_could_be_read_in_two_ways_is_refused(parts: list[dict[str, Any]], message: str) -> None:
    """The message names the field."""
    with pytest.raises(RequestError, match=message):
        parse(*parts)


def test_fields_that_may_come_again_may_come_again() -> None:
    """Lists are sent as fields of one name."""
    request = parse(FILE, MODEL, text("include[]", "logprobs"), text("keywords", "a"), text("keywords", "b"))
    assert len(request.document["parts"]) == 5


def test_a_file_hidden_behind_another_of_its_name_is_seen() -> None:
    """Of two fields of a list, each is looked at."""
    with pytest.raises(RequestError, match="every other field a text"):
        parse(FILE, MODEL, FILE | {"name": "keywords"}, text("keywords", "b"))


def test_what_is_no_upload_is_told() -> None:
    """Also what is wrong with it."""
    with pytest.raises(RequestError, match=r"multipart/form-data\): the content type"):
        OpenAITranscriptions().parse_request(b"{}", RequestHead("application/json"))


def test_an_upload_is_encoded_from_its_parts() -> None:
    """Under the id of the exchange, which no client knows beforehand."""
    encoded = encode_upload({"parts": [MODEL, FILE]}, "req-1")
    assert encoded.content_type.endswith(b"boundary=sluice-req-1")
    assert [part["name"] for part in read_upload(encoded.body, encoded.content_type.decode())] == ["model", "file"]


@pytest.mark.parametrize(
    ("document", "keys"),
    [
        ({"text": "x"}, []),
        ({"words": [{"word": "x"}], "logprobs": [{"token": "x"}]}, ["words", "logprobs"]),
        ({"words": "forbidden", "logprobs": {"token": "forbidden"}, "segments": "forbidden"}, []),
        ({"segments": [{"words": [{"word": "x"}]}, {"words": "x"}]}, ["words"]),
        ({"words": None, "segments": [1, {"tokens": ["forbidden"]}, {"tokens": [1]}, {}]}, ["tokens"]),
    ],
)
def test_what_says_the_text_once_more_is_known_by_its_form(document: dict[str, Any], keys: list[str]) -> None:
    """Anything else in these places is scanned as it stands."""
    asides = spelled_words(document)
    assert [aside.key for aside in asides] == keys
    assert all(aside.spelling for aside in asides)


def test_words_are_read_joined_and_one_by_one() -> None:
    """A term may be one of them, or run over several; odd entries are read too."""
    (aside,) = spelled_words({"words": [{"word": "for"}, {"word": "bidden"}, {"note": "x"}, "y", {"word": 1}]})
    assert aside.texts[0] == "forbidden"
    assert {"for", "bidden", "x", "y"} <= set(aside.texts)
