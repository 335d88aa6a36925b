r"""JSON escapes, read piece by piece."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocol.escapes import EscapeReader, Place

PIECES = [
    "\\",
    "u",
    "n",
    "x",
    '"',
    "/",
    "51b0",
    "d83d",
    "\\ud83d",
    "\\ude00",
    "\\u51b0",
    "\\n",
    "冰",
    "dc",
    "8",
    "\\\\",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=10).map("".join)
CUTS = st.lists(st.integers(0, 60), max_size=6)


def pieces(text: str, cuts: list[int]) -> list[str]:
    """Cut a text at these offsets."""
    at = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    return [text[start:end] for start, end in itertools.pairwise(at)]


def read(text: str) -> str:
    """Return what a whole text reads as."""
    reader = EscapeReader()
    return reader.feed(text) + reader.finish()


@pytest.mark.parametrize(
    ("text", "reads_as"),
    [
        (r"\u51b0\u6BD2", "冰毒"),
        (r"a\nb\t\/\"\\\b\f\r", 'a\nb\t/"\\\b\f\r'),
        (r"\ud83d\ude00", "😀"),
        (r"\ud83dx\ude00", "\ufffdx\ufffd"),
        (r"\ud83d\n", "\ufffd\n"),
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\x \u12x \N \U51b0", r"\x \u12x \N \U51b0"),
        (r"\u12\u51b0", r"\u12冰"),
        (r"\\u51b0", r"\u51b0"),
        ("\\", "\\"),
        (r"\ud83", r"\ud83"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_escapes_are_read_as_json_has_them(text: str, reads_as: str) -> None:
    """Escapes of the format, pairs as one character; what is no escape stands as it is."""
    assert read(text) == reads_as


@given(st.text('ab"\\/\n\t冰\U0001f600\x01', max_size=12), st.booleans())
def test_a_written_string_is_read_back(text: str, ascii_only: bool) -> None:  # noqa: FBT001 a parameter of the law
    """Whatever a writer of JSON escapes, the reader undoes."""
    assert read(json.dumps(text, ensure_ascii=ascii_only)[1:-1]) == text


@given(TEXTS, CUTS)
@settings(max_examples=1000)
def test_reading_does_not_depend_on_the_cutting(text: str, cuts: list[int]) -> None:
    """The same characters with the same places, and never more waiting than one pair less a character."""
    whole, cut = EscapeReader(), EscapeReader()
    reads_as, size, out = whole.feed(text) + whole.finish(), 0, ""
    for piece in pieces(text, cuts):
        out += cut.feed(piece)
        size += len(piece)
        assert size - cut.settled < 12
    out += cut.finish()
    assert out == reads_as
    assert [cut.place(at) for at in range(len(out) + 1)] == [whole.place(at) for at in range(len(out) + 1)]


@given(TEXTS, st.integers(0, 5))
@settings(max_examples=500)
def test_places_cover_the_text_without_gap(text: str, start: int) -> None:
    """Each character's place begins where the one before ends, and holds what is read as that character alone."""
    reader = EscapeReader(start)
    reads_as = reader.feed(text) + reader.finish()
    places = [reader.place(at) for at in range(len(reads_as))]
    ends = [start, *(place.end for place in places)]
    assert [place.start for place in places] == ends[:-1]
    assert ends[-1] == reader.settled == start + len(text)
    for place, char in zip(places, reads_as, strict=True):
        assert read(text[place.start - start : place.end - start]) == char
        assert all(reader.around(offset) == place for offset in range(place.start, place.end))


@given(TEXTS, CUTS)
@settings(max_examples=500)
def test_known_is_the_moment_of_reading(text: str, cuts: list[int]) -> None:
    """Fed one character at a time, each character is read when its place says; also asked about later."""
    reader, lengths = EscapeReader(), [0]
    for char in text:
        lengths.append(lengths[-1] + len(reader.feed(char)))
        assert all(reader.place(at).known <= len(lengths) - 1 for at in range(lengths[-1]))
    later = EscapeReader()
    for piece in pieces(text, cuts):
        later.feed(piece)
    assert [later.read_by(size) for size in range(len(text) + 1)] == lengths


def test_what_is_behind_is_forgotten() -> None:
    """Places that end before an offset are dropped, and later ones are found as before."""
    reader = EscapeReader()
    reader.feed(r"\n" * 100 + "x")
    reader.forget(150)
    assert len(reader._places) == 26
    assert reader.place(99) == Place(198, 200, 200)
    assert reader.place(100) == Place(200, 201, 201)
    assert reader.around(199) == Place(198, 200, 200)
    assert reader.around(200) == Place(200, 201, 201)
    assert reader.read_by(199) == 99
