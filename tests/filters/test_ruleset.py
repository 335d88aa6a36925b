"""The ruleset: matchers for both halves of an exchange under one digest."""

import random
from dataclasses import FrozenInstanceError

import pytest

from filters.findings import Kind, Phase, Step, Term
from filters.ruleset import build_ruleset, dump_ruleset, load_ruleset


def test_a_ruleset_has_a_matcher_for_each_phase() -> None:
    """Each half of an exchange is scanned with the terms that are meant for it."""
    rows = iter([Term("p", "A.1.a", phases=frozenset({Phase.REQUEST})), Term("q", "A.1.a")])
    ruleset = build_ruleset(rows, "sha256:0")
    assert (ruleset.term_count, ruleset.digest) == (2, "sha256:0")
    assert [each.term.text for each in ruleset.matcher(Phase.REQUEST).scan("pq")] == ["p", "q"]
    assert [each.term.text for each in ruleset.matcher(Phase.RESPONSE).scan("pq")] == ["q"]


def test_a_ruleset_cannot_be_changed() -> None:
    """Law 7: rulesets are immutable; a reload builds another one."""
    ruleset = build_ruleset([], "sha256:0")
    with pytest.raises(FrozenInstanceError):
        ruleset.digest = "sha256:1"  # type: ignore[misc]  # the error is what is tested


TERMS = (
    Term("出售冰毒", "A.1.a"),
    Term("p", "A.1.b", kind=Kind.WORD, folds_off=frozenset({Step.PINYIN})),
    Term("冰毒热点", "A.1.b", kind=Kind.ALLOW),
    Term("冰毒", "A.1.c"),
    Term("a & b ~9", "A.1.d", kind=Kind.ALL),
    Term(r"x\d+", "A.1.e", kind=Kind.PATTERN),
)


@pytest.mark.parametrize("more", [(), (Term("only asked", "A.1.f", phases=frozenset({Phase.REQUEST})),)])
def test_a_ruleset_is_handed_over_whole(more: tuple[Term, ...]) -> None:
    """What another process loads finds and holds the same, under the same digest, and gives way while it loads."""
    ruleset = build_ruleset(TERMS + more, "sha256:0")
    pauses: list[None] = []
    loaded = load_ruleset(dump_ruleset(ruleset), lambda: pauses.append(None))
    assert (loaded.digest, loaded.terms) == ("sha256:0", ruleset.terms)
    # One index serves both halves where their terms are the same.
    assert (loaded.request is loaded.response) == (ruleset.request is ruleset.response) == (not more)
    text = "出售冰 毒 p 冰毒热点 b a x12 chushoubingdu only asked 出售冰"
    for phase in Phase:
        made, found = ruleset.matcher(phase), loaded.matcher(phase)
        assert found.scan(text) == made.scan(text) != []
        streams = [matcher.stream() for matcher in (made, found)]
        assert streams[0].feed(text) == streams[1].feed(text)
        assert streams[0].frontier == streams[1].frontier < len(text)
    assert len(pauses) > len(TERMS)


def test_a_large_ruleset_is_handed_over_in_small_pieces() -> None:
    """No piece is read for long, and the pieces make what was cut up."""
    chance = random.Random(7)  # noqa: S311 no secret is made of it
    rows = tuple(Term("".join(chance.choices("甲乙丙丁戊己庚辛冰毒病人", k=6)), "A.1.a") for _ in range(6_000))
    ruleset = build_ruleset(rows, "sha256:0")
    loaded = load_ruleset(dump_ruleset(ruleset), lambda: None)
    for text in ("甲乙丙丁戊己庚辛冰毒病人" * 20, *(row.text[:size] for row in rows[::500] for size in range(1, 6))):
        assert loaded.request.scan(text) == ruleset.request.scan(text)
        streams = [matcher.stream() for matcher in (loaded.request, ruleset.request)]
        assert streams[0].feed(text) == streams[1].feed(text)
        assert streams[0].frontier == streams[1].frontier
