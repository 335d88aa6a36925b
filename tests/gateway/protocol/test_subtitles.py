"""Transcripts that are no JSON: read line by line, written as they came."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocol.subtitles import read_transcript, write_transcript
from gateway.protocol.texts import find_texts

SRT = "1\n00:00:00,000 --> 00:00:00,400\n这里可以出售\n\n2\n00:00:00,400 --> 00:00:00,800\n冰毒吗\n\n"
VTT = "\ufeffWEBVTT\r\n\r\n00:00.000 --> 00:01.000 align:start position:10%\r\nsell the\r\nthing\r\n"


def texts_of(transcript: str) -> list[str]:
    """Return the texts a scan is given, without empty lines."""
    groups = find_texts(read_transcript(transcript.encode()))
    return [group.text for group in groups if group.text.strip()]


def test_speech_is_one_text_over_the_ends_of_lines() -> None:
    """A term that begins in one subtitle and ends in the next is one text to the scan."""
    assert "这里可以出售冰毒吗" in texts_of(SRT)


def test_latin_words_do_not_grow_together() -> None:
    """Where a line ends with a Latin word, its end stays between the words."""
    assert "sell the\r\nthing" in texts_of(VTT)
    assert "die Aufgabe水" in texts_of("die Aufgabe\n水")


@pytest.mark.parametrize(
    "line",
    [
        "NOTE forbidden",
        "00:00.000 --> 00:01.000 forbidden",
        "WEBVTT - forbidden",
        "<v forbidden>",
        "00:00.000 --> 00:01.000 align:start position:forbidden-and-more",
        "forbidden",
    ],
)
def test_what_is_not_quite_structure_is_read_as_speech(line: str) -> None:
    """Only numbers, times and their settings may stand between lines of speech."""
    assert f"出售{line}冰毒" in texts_of(f"出售\n{line}\n冰毒")


def test_every_line_is_scanned() -> None:
    """Numbers and times are texts as well, each of its own."""
    assert {"1\n", "00:00:00,000 --> 00:00:00,400\n"} <= set(texts_of(SRT))


@pytest.mark.parametrize("transcript", [SRT, VTT, "", "one line", "\n\n", "a\rb\r\nc\n"])
def test_an_unchanged_transcript_is_the_bytes_that_came(transcript: str) -> None:
    """Line ends of all kinds survive."""
    assert write_transcript(read_transcript(transcript.encode())) == transcript.encode()


@given(st.lists(st.sampled_from(["水", "word", "1", "\r", "\n", "\r\n", "WEBVTT", " ", "00:00.000 --> 00:01.000"])))
@settings(max_examples=200, deadline=None)
def test_any_cutting_into_lines_is_put_together_again(pieces: list[str]) -> None:
    """Nothing is lost, doubled or moved."""
    data = "".join(pieces).encode()
    assert write_transcript(read_transcript(data)) == data


def test_bytes_that_are_no_text_are_refused() -> None:
    """What cannot be read cannot be scanned."""
    with pytest.raises(ValueError, match="utf-8"):
        read_transcript(b"\xff")
