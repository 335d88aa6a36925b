"""Precision and recall of the shipped keyword lists on texts whose label is known.

Run from the root of the repository, with gzipped JSON lines (fields ``text``, and for labelled files ``label`` and
``category``)::

    python -m benchmarks.lists_precision --harmless prompts.jsonl.gz replies.jsonl.gz --labelled dev.jsonl.gz

Terms are looked for as plain substrings after case folding: what a matcher with further folds finds comes on top. A
term of the starter lists should hit next to nothing here that is harmless; recall is information, since a list of a
few hundred phrases is the coarse net before the classifier. Exits 1 when block terms hit more than
``--limit-per-mille`` of the harmless rows.
"""

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from filters.findings import Action, Term
from filters.lists import load_lists, shipped_lists


class Row(NamedTuple):
    """One text with its label.

    Attributes:
        text: the text, case folded.
        label: ``safe`` or ``unsafe``.
        category: the category the data's authors gave it.
    """

    text: str
    label: str
    category: str


class Hits(NamedTuple):
    """What the terms hit in a set of rows.

    Attributes:
        rows: how many rows were read.
        by_action: how many rows had a term of each action.
        by_term: how many rows each term hit.
    """

    rows: int
    by_action: Counter[Action]
    by_term: Counter[Term]


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a gzipped JSON-lines file; a row without a label is harmless."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield Row(row["text"].casefold(), row.get("label", "safe"), row.get("category", "safe"))


def count_hits(rows: Iterable[Row], terms: Sequence[Term]) -> Hits:
    """Look for every term in every row."""
    needles = [(term.text.casefold(), term) for term in terms]
    read = 0
    by_action: Counter[Action] = Counter()
    by_term: Counter[Term] = Counter()
    for row in rows:
        read += 1
        found = [term for needle, term in needles if needle in row.text]
        by_term.update(found)
        by_action.update({term.action for term in found})
    return Hits(read, by_action, by_term)


def print_harmless(name: str, hits: Hits) -> None:
    """Print how many harmless rows each action would touch, and which terms did it."""
    print(f"\n{name}: {hits.rows} harmless rows")
    for action in (Action.BLOCK, Action.MASK, Action.FLAG):
        print(f"  {action:<6} {hits.by_action[action]:>6} rows  {hits.by_action[action] / max(hits.rows, 1):.3%}")
    for term, count in hits.by_term.most_common():
        print(f"    {count:>4}  {term.action:<6} {term.risk:<12} {term.text}")


def print_recall(name: str, rows: Iterable[Row], terms: Sequence[Term]) -> None:
    """Print the share of unsafe rows with any term, per category."""
    by_category: dict[str, list[Row]] = {}
    for row in rows:
        by_category.setdefault(row.category, []).append(row)
    print(f"\n{name}: unsafe rows with a term")
    for category, members in sorted(by_category.items()):
        found = sum(any(term.text.casefold() in row.text for term in terms) for row in members)
        print(f"  {category:<26} {found:>5} of {len(members):>5}  {found / len(members):.1%}")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Precision and recall of the shipped keyword lists.")
    parser.add_argument("--harmless", type=Path, nargs="+", required=True, help="files of harmless rows")
    parser.add_argument("--labelled", type=Path, nargs="*", default=[], help="files of safe and unsafe rows")
    parser.add_argument("--limit-per-mille", type=float, default=1.0, help="block hits allowed in harmless rows")
    return parser.parse_args()


def main() -> int:
    """Measure, print, and say whether the block terms stayed within the limit."""
    arguments = parse_arguments()
    terms = load_lists(shipped_lists(), datetime.now(UTC).date())
    print(f"{len(terms)} terms")
    blocked = read = 0
    for path in arguments.harmless:
        hits = count_hits(read_rows(path), terms)
        print_harmless(path.name, hits)
        blocked += hits.by_action[Action.BLOCK]
        read += hits.rows
    for path in arguments.labelled:
        rows = list(read_rows(path))
        print_harmless(path.name, count_hits((row for row in rows if row.label == "safe"), terms))
        print_recall(path.name, (row for row in rows if row.label == "unsafe"), terms)
    print(f"\nblock terms hit {blocked} of {read} harmless rows")
    return int(blocked * 1000 > arguments.limit_per_mille * read)


if __name__ == "__main__":
    sys.exit(main())
