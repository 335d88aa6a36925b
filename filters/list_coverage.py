"""Whether lists are enough and sound: the numbers the standard recommends, and terms that add nothing or too much.

A list that is too short is in force all the same: these are findings for whoever keeps the lists, and nothing that
stops a gateway.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from filters.combinations import parse_combination
from filters.findings import Kind, Phase
from filters.keywords import KeywordMatcher
from filters.list_rows import ListRow
from filters.list_stats import ListStats
from filters.reading import spell
from filters.taxonomy import Risk, Taxonomy

# A text of two characters stands inside ordinary words everywhere.
_SHORT_CHARACTERS = 2


class Coverage(NamedTuple):
    """How well one class is covered.

    Attributes:
        risk: the class.
        keywords: keywords it has.
        minimum: keywords it should have.
    """

    risk: Risk
    keywords: int
    minimum: int

    @property
    def missing(self) -> int:
        """Keywords it lacks; 0 when it has enough."""
        return max(0, self.minimum - self.keywords)


class Repetition(NamedTuple):
    """A term that stands in two lists.

    Attributes:
        first: where it was met.
        again: where it was met once more.
    """

    first: ListRow
    again: ListRow


def coverage(stats: ListStats, taxonomy: Taxonomy, minimum_per_risk: int) -> tuple[Coverage, ...]:
    """Compare numbers of keywords with what is asked for each class that the standard wants keywords for.

    Args:
        stats: what the lists hold.
        taxonomy: the classes, with the standard's numbers (TC260-003 chapter 8).
        minimum_per_risk: the operator's own number, where it is larger.
    """
    return tuple(
        Coverage(risk, stats.by_risk.get(risk.id, 0), max(risk.keyword_min, minimum_per_risk))
        for risk in taxonomy.risks.values()
        if risk.keyword_min is not None
    )


def repetitions(rows: Iterable[ListRow]) -> Iterator[Repetition]:
    """Yield the terms that stand in more than one place once they are folded: case, width, script, separators.

    Args:
        rows: rows of several files.
    """
    met: dict[tuple[bool, str], ListRow] = {}
    for row in rows:
        first = met.setdefault(folded_key(row), row)
        if first is not row:
            yield Repetition(first, row)


def folded_key(row: ListRow) -> tuple[bool, str]:
    """Return what makes two rows the same term for the engine.

    Args:
        row: a row of a list.
    """
    # The parts of a combination are told apart by their separators, and those of a pattern are its syntax.
    return row.key if row.term.kind in {Kind.PATTERN, Kind.ALL} else (False, spell(row.term.text)[0])


def short_terms(rows: Iterable[ListRow]) -> Iterator[ListRow]:
    """Yield terms of one or two characters that are looked for wherever they occur, without a boundary or context.

    Args:
        rows: rows of lists.
    """
    for row in rows:
        if row.term.kind is Kind.LITERAL and len(spell(row.term.text)[0]) <= _SHORT_CHARACTERS:
            yield row


def unmatched(rows: Sequence[ListRow]) -> Iterator[ListRow]:
    """Yield terms that the engine does not find in a text that holds them.

    A phrase that allows the term itself, and parts of a combination that do not fit into its distance, are how that
    comes; other terms are not tried.

    Args:
        rows: rows of all lists that are matched together.
    """
    allowed = {folded_key(row) for row in rows if row.term.kind is Kind.ALLOW}
    doubtful = [
        row
        for row in rows
        if row.term.kind is Kind.ALL or (row.term.kind is not Kind.ALLOW and folded_key(row) in allowed)
    ]
    if not doubtful:
        return
    matchers = {phase: KeywordMatcher((row.term for row in rows), phase) for phase in Phase}
    for row in doubtful:
        found = (finding.term for phase in row.term.phases for finding in matchers[phase].scan(_sample(row)))
        if row.term not in found:
            yield row


def _sample(row: ListRow) -> str:
    """Return a text that holds a term."""
    if row.term.kind is not Kind.ALL:
        return row.term.text
    combination = parse_combination(row.term.text)
    apart = " ".join(combination.parts)
    # Within a short distance there is no room for a space.
    return apart if len(apart) <= (combination.within or len(apart)) else "".join(combination.parts)
