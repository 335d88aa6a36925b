"""The ruleset: matchers for both halves of an exchange under one digest."""

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


def test_a_ruleset_is_handed_over_whole() -> None:
    """What another process loads finds the same, under the same digest, and gives way while it loads."""
    terms = [Term("冰毒", "A.1.a"), Term("p", "A.1.b", kind=Kind.WORD, folds_off=frozenset({Step.PINYIN}))]
    ruleset = build_ruleset(terms, "sha256:0")
    pauses: list[None] = []
    loaded = load_ruleset(dump_ruleset(ruleset), lambda: pauses.append(None))
    assert (loaded.digest, loaded.term_count) == ("sha256:0", 2)
    for phase in Phase:
        assert loaded.matcher(phase).scan("冰毒 p") == ruleset.matcher(phase).scan("冰毒 p")
    assert pauses
