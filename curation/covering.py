"""Leaves out terms that another term of the lists finds by itself, with the engine as the judge.

A term counts once: its spellings are the engine's business, and a longer phrase around it adds nothing. Who is found
stays out only where the finder acts at least as strongly, in the same halves of an exchange.
"""

from collections.abc import Sequence

from filters.findings import Action, Kind, Phase, Term
from filters.keywords import KeywordMatcher
from filters.list_rows import ListRow

_STRENGTH = {action: number for number, action in enumerate(Action)}
_ALONE = frozenset({Kind.LITERAL, Kind.WORD})


def without_covered(rows: Sequence[ListRow]) -> list[ListRow]:
    """Return the rows that no shorter or earlier one covers, in their order.

    Args:
        rows: distinct rows; the first of two that cover each other stays.
    """
    # Without folds of a term's own: what covers here must cover in every list it may be copied to.
    order = {row.term: number for number, row in enumerate(rows)}
    matchers = [KeywordMatcher(order, phase) for phase in Phase]
    return [row for row in rows if not _covered(row.term, order, matchers)]


def _covered(term: Term, order: dict[Term, int], matchers: Sequence[KeywordMatcher]) -> bool:
    if term.kind not in _ALONE:
        return False
    found = {finding.term for matcher in matchers for finding in matcher.scan(term.text)}
    return any(_covers(other, term, order) for other in found if other is not term)


def _covers(other: Term, term: Term, order: dict[Term, int]) -> bool:
    if other.kind not in _ALONE or other.phases != term.phases:
        return False
    # Of two as long as each other, which may find one another, the first stays.
    shorter = (len(other.text), order[other]) < (len(term.text), order[term])
    return shorter and _STRENGTH[other.action] >= _STRENGTH[term.action]
