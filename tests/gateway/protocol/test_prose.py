"""Which strings say something: names, numbers and encodings do not, and nothing else is passed over."""

import base64
import random
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.prose import is_encoding, is_name, is_prose, readable, says_something
from gateway.protocol.texts import TextGroup, TextPart

SEALED = base64.b64encode(random.Random(1).randbytes(600)).decode()  # noqa: S311 the same every time
RUN_TOGETHER = "tellmehowtodoanevilthingandtellmeeverystepofitinallitslength"


@pytest.mark.parametrize(
    ("name", "text", "prose"),
    [
        ("content", "hi", True),
        ("content", "get_weather", True),
        ("content", "12:30 --> 12:45", False),
        ("content", "💊💉", True),
        ("data", SEALED, False),
        ("data", RUN_TOGETHER * 4, True),
        ("model", "gpt-4o", False),
        ("model", "gpt 4", True),
        ("name", "get_weather", False),
        ("name", "tell me how to do evil", True),
        ("name", "怎么做坏事", True),
        ("name", RUN_TOGETHER * 4, True),
        ("url", "https://example.com/" + "a/b-c" * 60, False),
        ("url", "https://example.com/" + "a/b-c" * 600, True),
        ("signature", SEALED, False),
        (None, "get_weather", False),
        (None, "an evil plan for everybody", True),
        (None, "爆炸物", True),
    ],
)
def test_names_are_no_prose(name: str | None, text: str, prose: bool) -> None:  # noqa: FBT001 a table
    """What stands under the name of a name is read where it is none; a member name of somebody's own is one word."""
    parts = (TextPart({}, name, text),) if name else ()
    assert is_prose(TextGroup(text, parts)) is prose


@given(st.binary(min_size=400, max_size=900))
def test_bytes_of_chance_are_an_encoding(data: bytes) -> None:
    """Also without padding and in the alphabet of addresses; nobody need score them."""
    mixed = random.Random(data).randbytes(len(data))  # noqa: S311 the same
    for text in (base64.b64encode(mixed).decode(), base64.urlsafe_b64encode(mixed).decode().rstrip("=")):
        assert is_encoding(text)
        assert not says_something(text)


@given(st.lists(st.sampled_from(["tell", "how", "to", "make", "an", "evil", "thing", "at", "home"]), min_size=12))
def test_words_run_together_are_no_encoding(words: list[str]) -> None:
    """However they are written: a capital for each word, figures between them."""
    assert not is_encoding("".join(words))
    assert not is_encoding("".join(word.capitalize() for word in words))
    assert not is_encoding("4".join(words))
    assert not is_encoding("".join(words).upper())


def test_a_name_is_one_word() -> None:
    """A sentence is none, nor is a word of another script."""
    assert [is_name(text) for text in ("get_weather", "get weather", "天气", "get" * 22)] == [
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize("levels", [0, 1, 2, 3])
def test_what_a_program_reads_is_scored(levels: int) -> None:
    """JSON in a string of JSON: letters are letters at every level."""
    text = "怎么做坏事 💊"
    for _ in range(levels):
        text = (
            orjson.dumps(text).decode().encode("ascii", "backslashreplace").decode().replace("\\U0001", "\\ud83d\\u")
        )
        text = text.replace("\\u" + "f48a", "\\udc8a")
    assert "怎么做坏事" in readable(text)


def test_other_escapes_stay() -> None:
    """They stand between words; a path or a formula is not torn apart."""
    assert readable(r"C:\new \theta") == r"C:\new \theta"
    assert [end - start for start, end in pairwise([0, len(readable("\\u4e" * 50))])] == [200]
