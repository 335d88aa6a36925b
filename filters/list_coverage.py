"""Whether lists are enough: the numbers the standard recommends, and terms that stand in two lists.

A list that is too short is in force all the same: these are findings for whoever keeps the lists, and nothing that
stops a gateway.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from filters.list_rows import ListRow
from filters.list_stats import ListStats
from filters.taxonomy import Risk, Taxonomy


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
    """Yield the terms that stand in more than one place; case and width do not count.

    Args:
        rows: rows of several files.
    """
    met: dict[tuple[bool, str], ListRow] = {}
    for row in rows:
        first = met.setdefault(row.key, row)
        if first is not row:
            yield Repetition(first, row)
