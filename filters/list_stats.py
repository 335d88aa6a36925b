"""What lists hold, in numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from filters.findings import Kind
from filters.list_rows import ListRow

UNDETERMINED = "und"
"""ISO 639 code for a term whose list names no language."""


class Provenance(NamedTuple):
    """Where terms come from.

    Attributes:
        source: as the rows say.
        licence: the same.
    """

    source: str
    licence: str


class ListStats(NamedTuple):
    """What lists hold. Phrases that allow are no keywords: they are among the kinds alone.

    Attributes:
        total: number of keywords.
        by_risk: keywords by risk id.
        by_language: keywords by language code; one of two languages counts for both.
        by_kind: rows by kind.
        by_provenance: rows by source and licence.
    """

    total: int
    by_risk: Mapping[str, int]
    by_language: Mapping[str, int]
    by_kind: Mapping[str, int]
    by_provenance: Mapping[Provenance, int]


def count_rows(rows: Iterable[ListRow]) -> ListStats:
    """Count rows.

    Args:
        rows: those in force.
    """
    by_risk, by_language, by_kind = Counter[str](), Counter[str](), Counter[str]()
    by_provenance = Counter[Provenance]()
    for row in rows:
        term = row.term
        by_kind[term.kind.value] += 1
        by_provenance[Provenance(row.source, row.licence)] += 1
        if term.kind is not Kind.ALLOW:
            by_risk[term.risk] += 1
            by_language.update(term.languages or {UNDETERMINED})
    return ListStats(
        total=by_risk.total(),
        by_risk=_sorted(by_risk),
        by_language=_sorted(by_language),
        by_kind=_sorted(by_kind),
        by_provenance=dict(sorted(by_provenance.items())),
    )


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    # By name, so that two runs over the same lists can be compared line by line.
    return dict(sorted(counts.items()))
