"""One running text, remembered."""

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Finding, Phase, Stage
from gateway.protocol.evidence import KEPT_CHARACTERS, ContentScope, Excerpt
from gateway.protocol.transcript import Transcript
from tests.gateway.protocol.playbook import RISK, term


def _found(start: int, end: int, stage: Stage = Stage.KEYWORDS) -> Finding:
    return Finding(stage, RISK, start, end, term("x"))


def _of(pieces: list[str], scope: ContentScope = ContentScope.FLAGGED) -> Transcript:
    transcript = Transcript(scope)
    for piece in pieces:
        transcript.add(piece)
    return transcript


@given(st.text(max_size=3000), st.lists(st.integers(0, 3000), max_size=5), st.sampled_from(ContentScope))
def test_digest_and_what_is_kept_do_not_depend_on_the_cutting(
    text: str, cuts: list[int], scope: ContentScope
) -> None:
    """The same text in other pieces is remembered as the same."""
    places = [0, *sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    transcript = _of(pieces, scope)
    assert transcript.digest() == hashlib.sha256(text.encode()).digest()
    assert transcript.characters == len(text)
    assert transcript.kept() == (text if scope is ContentScope.ALL else "")


def test_what_is_kept_is_bounded() -> None:
    """However long a text gets, so much of it is kept."""
    assert len(_of(["x" * 999] * 40, ContentScope.ALL).kept()) == KEPT_CHARACTERS


@pytest.mark.parametrize("size", [1, 7, 4003])
def test_an_excerpt_has_what_came_behind_the_finding(size: int) -> None:
    """It is taken at the end, or once all of it is there."""
    text = "a" * 1500 + "bad" + "b" * 2500
    transcript = Transcript(ContentScope.FLAGGED)
    for start in range(0, len(text), size):
        if start < 1503 <= start + size:
            transcript.note(_found(1500, 1503))
        transcript.add(text[start : start + size])
    assert list(transcript.excerpts()) == [Excerpt(Phase.RESPONSE, 1436, text[1436:1567], (RISK,))]


def test_of_a_finding_that_reaches_far_back_the_rest_is_kept() -> None:
    """The parts of a term may stand far from each other: what is gone brings nothing, and does not move the rest."""
    transcript = _of(["a" * 1024, "b" * 1024, "c" * 64])
    transcript.note(_found(0, 2112))
    transcript.note(_found(1000, 2112))
    assert list(transcript.excerpts()) == [Excerpt(Phase.RESPONSE, 1024, "b" * 424, (RISK,))]


def test_an_excerpt_at_the_end_is_as_long_as_the_text() -> None:
    """Nothing came behind it."""
    transcript = _of(["this is bad"])
    transcript.note(_found(8, 11))
    assert list(transcript.excerpts()) == [Excerpt(Phase.RESPONSE, 0, "this is bad", (RISK,))]


@pytest.mark.parametrize("scope", [ContentScope.NONE, ContentScope.ALL])
def test_other_scopes_have_no_excerpts(scope: ContentScope) -> None:
    """None are wanted, or all of the text is kept anyway."""
    transcript = _of(["this is bad"], scope)
    transcript.note(_found(8, 11))
    assert list(transcript.excerpts()) == []


def test_personal_data_is_hidden_also_when_it_is_known_later() -> None:
    """An excerpt is taken at the end, with every value hidden."""
    transcript = _of(["bad 138", "12345678 x"])
    transcript.note(_found(0, 3))
    transcript.note(_found(4, 15, Stage.PERSONAL_DATA))
    assert [each.text for each in transcript.excerpts()] == ["bad *********** x"]


def test_more_personal_data_than_is_remembered_leaves_no_excerpt() -> None:
    """What can no longer be hidden is not shown."""
    transcript = _of(["bad " + "1 " * 400])
    transcript.note(_found(0, 3))
    for at in range(4, 804, 2):
        transcript.note(_found(at, at + 1, Stage.PERSONAL_DATA))
    assert list(transcript.excerpts()) == []


def test_excerpts_are_bounded() -> None:
    """A text full of terms keeps so many of them."""
    transcript = Transcript(ContentScope.FLAGGED)
    for number in range(100):
        transcript.add("bad" + "." * 1021)
        transcript.note(_found(number * 1024, number * 1024 + 3))
    assert len(list(transcript.excerpts())) == 16
