"""Combining: several parts make one finding, where the last of them stands."""

import pytest

from filters.combining import _REMEMBERED_PLACES, ABSENT_CHARACTERS, Combiner, finding_of
from filters.findings import Finding, Kind, Phase, Stage, Step, Term
from filters.keywords import KeywordMatcher
from filters.locating import Edges, Place
from tests.filters.streaming import order, run


def found(combination: str, text: str) -> list[tuple[int, int, int]]:
    """Return the moment, start and end of what is found, the same for every cutting."""
    matcher = KeywordMatcher([Term(combination, "A.1.a", kind=Kind.ALL)], Phase.REQUEST)
    known, _ = run(matcher, text)
    assert order(run(matcher, [text])[0]) == order(known)
    assert sorted(matcher.scan(text)) == sorted(each.finding for each in known)
    return [(each.at, each.finding.start, each.finding.end) for each in known]


FAR = "-" * ABSENT_CHARACTERS


@pytest.mark.parametrize(
    ("combination", "text", "places"),
    [
        ("甲 & 乙", "甲--乙", [(4, 3, 4)]),
        ("甲 & 乙", "乙--甲", [(4, 3, 4)]),
        ("甲 & 乙", "甲--甲", []),
        ("甲 & 乙", "甲乙丁乙", [(2, 1, 2), (4, 3, 4)]),
        ("甲 & 乙 & 丙", "丙-甲-乙", [(5, 4, 5)]),
        ("甲 & 乙 ~4", "甲--乙", [(4, 3, 4)]),
        ("甲 & 乙 ~4", "甲---乙", []),
        ("甲 & 乙 ~4", "甲---乙甲", [(6, 5, 6)]),
        ("甲 & 乙 - 丙", "甲乙", [(2, 1, 2)]),
        ("甲 & 乙 - 丙", "丙甲乙", []),
        ("甲 & 乙 - 丙", "甲乙" + FAR + "丙", [(66, 1, 2)]),
        ("甲 & 乙 - 丙", "甲乙" + FAR[1:] + "丙", []),
        ("甲 & 乙 ~4 - 丙", "甲乙丁丙", []),
        ("甲 & 乙 ~4 - 丙", "甲乙丁丁丙", [(4, 1, 2)]),
        ("甲 & 乙 ~4 - 丙", "丙丁丁甲乙", [(5 + 2, 4, 5)]),
        ("甲 - 丙", "甲", [(1, 0, 1)]),
        ("甲 - 丙", "甲丙甲", []),
        ("甲甲 & 乙", "甲--乙甲甲", [(6, 4, 6)]),
    ],
)
def test_parts_in_one_text(combination: str, text: str, places: list[tuple[int, int, int]]) -> None:
    """In any order, within the distance, without what must be absent; certain when nothing can change it."""
    assert found(combination, text) == [(min(at, len(text)), start, end) for at, start, end in places]


def test_steps_of_all_parts_are_told() -> None:
    """Each part may be written in its own way."""
    term = Term("forbidden & 甲", "A.1.a", kind=Kind.ALL)
    (finding,) = KeywordMatcher([term], Phase.REQUEST).scan("FORbidden 甲")
    assert (finding.start, finding.end, finding.via) == (10, 11, (Step.CASE,))


def test_what_is_remembered_of_a_part_is_bounded() -> None:
    """Out of many places the last ones count."""
    text = "甲" + "-" * 10 + "丁甲" * _REMEMBERED_PLACES + "乙"
    assert len(found("甲 & 乙", text)) == 1
    assert found("甲 & 乙 ~3", text) == [(len(text), len(text) - 1, len(text))]


def test_a_finding_names_its_steps_in_order() -> None:
    """That of the enum, whatever order they were found in."""
    term = Term("x", "A.1.a")
    place = Place(2, 5, frozenset({Step.LEET, Step.WIDTH, Step.REPEATS}), Edges.ANY)
    assert finding_of(term, place) == Finding(
        Stage.KEYWORDS, "A.1.a", 2, 5, term, (Step.WIDTH, Step.REPEATS, Step.LEET)
    )


def test_a_copy_goes_its_own_way() -> None:
    """Looking back into a piece changes nothing of what is known."""
    matcher = KeywordMatcher([Term("甲 & 乙", "A.1.a", kind=Kind.ALL)], Phase.REQUEST)
    stream = matcher.stream()
    stream.feed("甲乙")
    assert (stream.clear_before(1), stream.clear_before(2)) == (1, 2)
    assert [known.finding.start for known in stream.feed("乙")] == []
    assert [known.finding.start for known in stream.feed("丁乙")] == [4]
    assert (Combiner().active, Combiner().earliest) == (False, None)
