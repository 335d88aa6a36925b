"""Resemblance: what may stand for a term, told from two strings alone, and remembered within a bound."""

import itertools

import pytest

from filters.entries import entry_of
from filters.findings import Kind, Term
from filters.resemblance import _REMEMBERED_SPELLINGS, _REMEMBERED_TERMS, Resemblance, resembles


@pytest.mark.parametrize(
    ("term", "spelled", "alike"),
    [
        ("枪支弹药", "枪支弹药", True),
        ("枪支弹药", "枪支弹要", True),
        ("枪a支", "强a4", False),
        ("枪械四海", "枪械4海", True),
        ("枪支7", "强支t", False),
    ],
)
def test_most_that_shares_its_classes_is_no_spelling(term: str, spelled: str, *, alike: bool) -> None:
    """It is told without looking at the text around it."""
    assert resembles(entry_of(term, Term(term, "A.1.a")), spelled) is alike


def test_parts_of_a_combination_stand_as_they_are_listed() -> None:
    """A literal of two characters may be written as what sounds like it."""
    for kind, found in ((Kind.LITERAL, 1), (Kind.ALL, 0)):
        term = Term("冰毒" if kind is Kind.LITERAL else "冰毒 & 甲乙", "A.1.a", kind=kind)
        assert len(Resemblance([term]).of_short("饼毒", [("冰毒", 0)])) == found
        assert len(Resemblance([term]).of_short("冰毒", [("冰毒", 0)])) == 1


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("枪支弹药", 1),
        ("枪支弹要", 1),
        ("枪之弹要", 1),
        ("枪之蛋要", 1),
        ("qiangzhidanyao", 1),
    ],
)
def test_what_shares_a_pattern_is_worked_out_once(written: str, *, found: int) -> None:
    """By its own characters or by another spelling of it; then it is known."""
    resemblance = Resemblance([Term("枪支弹药", "A.1.a")])
    entries = resemblance.of_pattern(written, [0])
    assert len(entries) == found
    assert resemblance.known[written] is entries


def test_what_is_remembered_is_bounded() -> None:
    """A text that has all terms of a large list, each written in many ways, does not keep them all."""
    texts = map("".join, itertools.product("bcdfghjkmnp", repeat=4))
    terms = [Term(text, "A.1.a") for text, _ in zip(texts, range(_REMEMBERED_SPELLINGS + 9), strict=False)]
    resemblance = Resemblance(terms)
    for number, term in enumerate(terms):
        resemblance.of_pattern(term.text, [number % (_REMEMBERED_TERMS + 9)])
        assert len(resemblance.known) <= _REMEMBERED_SPELLINGS
        assert len(resemblance._entries) <= _REMEMBERED_TERMS
    for number in range(_REMEMBERED_SPELLINGS + 9):
        resemblance.of_pattern(str(number), [])
        assert len(resemblance.known) <= _REMEMBERED_SPELLINGS
    for number in range(_REMEMBERED_TERMS + 9):
        resemblance.of_classes(chr(0x4E00 + number), [])
        assert len(resemblance._listed) <= _REMEMBERED_TERMS
