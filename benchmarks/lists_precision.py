"""Precision and recall of the shipped keyword lists on texts whose label is known, with the product's own matcher.

Run from the root of the repository, with gzipped JSON lines (fields ``text``, ``side``, and for labelled files
``label`` and ``category``)::

    python -m benchmarks.lists_precision --harmless prompts.jsonl.gz --harmless replies.jsonl.gz=6 \
        --labelled dev.jsonl.gz --write benchmarks/RESULTS.md

All folds are on. A text counts as blocked when a term whose action is ``block`` is found in it, in the half of an
exchange it belongs to. ``=6`` behind a file is the share of it that may be blocked, in thousandths. Exits 1 when more
is.
"""

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import engine_machine_lines, write_section
from filters.findings import Action, Phase, Term
from filters.keywords import KeywordMatcher
from filters.lists import load_lists, shipped_lists

_LIMIT_PER_MILLE = 3.0
_SHOWN_TERMS = 40
_PHASES = {"input": Phase.REQUEST, "output": Phase.RESPONSE}


class Row(NamedTuple):
    """One text with its label.

    Attributes:
        text: the text as received.
        phase: the half of an exchange it belongs to.
        label: ``safe`` or ``unsafe``.
        category: the category the data's authors gave it.
    """

    text: str
    phase: Phase
    label: str
    category: str


class Hits(NamedTuple):
    """What the terms hit in a set of rows.

    Attributes:
        rows: how many rows were read.
        by_action: how many rows had a term of each action.
        found: how many rows had any term.
        by_term: how many rows each term hit, with the latest of them.
    """

    rows: int
    by_action: Counter[Action]
    found: int
    by_term: Mapping[Term, list[str]]


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a gzipped JSON-lines file; a row without a label is harmless."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            phase = _PHASES[row.get("side", "input")]
            yield Row(row["text"], phase, row.get("label", "safe"), row.get("category", "safe"))


def count_hits(rows: Iterable[Row], matchers: Mapping[Phase, KeywordMatcher]) -> Hits:
    """Look for every term in every row."""
    read = found_in = 0
    by_action: Counter[Action] = Counter()
    by_term: dict[Term, list[str]] = {}
    for row in rows:
        read += 1
        found = {finding.term for finding in matchers[row.phase].scan(row.text)}
        found_in += bool(found)
        by_action.update({term.action for term in found})
        for term in found:
            by_term.setdefault(term, []).append(row.text)
    return Hits(read, by_action, found_in, by_term)


def print_harmless(name: str, hits: Hits) -> None:
    """Print how many harmless rows each action would touch, and which blocking terms did it."""
    print(f"\n{name}: {hits.rows} harmless rows")
    for action in (Action.BLOCK, Action.MASK, Action.FLAG):
        print(f"  {action:<6} {hits.by_action[action]:>6} rows  {hits.by_action[action] / max(hits.rows, 1):.3%}")
    blocking = [(term, texts) for term, texts in hits.by_term.items() if term.action is Action.BLOCK]
    for term, texts in sorted(blocking, key=lambda item: -len(item[1]))[:_SHOWN_TERMS]:
        print(f"    {len(texts):>4}  {term.risk:<11} {term.text}  <  {texts[-1][:60]!r}")


def recall_table(rows: Iterable[Row], matchers: Mapping[Phase, KeywordMatcher]) -> str:
    """Return a table of the share of unsafe rows that are blocked, and of those with any finding, by category."""
    by_category: dict[str, list[Row]] = {}
    for row in rows:
        by_category.setdefault(row.category, []).append(row)
    lines = ["| category | unsafe rows | blocked | any finding |", "|---|---:|---:|---:|"]
    for category, members in sorted(by_category.items()):
        hits = count_hits(members, matchers)
        blocked, found = hits.by_action[Action.BLOCK] / hits.rows, hits.found / hits.rows
        lines.append(f"| {category} | {hits.rows} | {blocked:.1%} | {found:.1%} |")
    return "\n".join(lines)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Precision and recall of the shipped keyword lists.")
    parser.add_argument("--harmless", action="append", default=[], metavar="FILE[=PER-MILLE]", help="harmless rows")
    parser.add_argument("--labelled", type=Path, action="append", default=[], help="file of safe and unsafe rows")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the report between its markers in this file")
    return parser.parse_args()


def main() -> int:
    """Measure, print, and say whether the block terms stayed within the limits."""
    arguments = parse_arguments()
    terms = load_lists(shipped_lists(), datetime.now(UTC).date())
    matchers = {phase: KeywordMatcher(terms, phase) for phase in Phase}
    report = ["### Keyword lists", "", f"{len(terms)} shipped terms, all folds on.", ""]
    report += ["| harmless texts | rows | blocked | allowed | masked | flagged |", "|---|---:|---:|---:|---:|---:|"]
    exceeded = False
    for given in arguments.harmless:
        name, _, limit = given.partition("=")
        allowed = float(limit or _LIMIT_PER_MILLE) / 1000
        hits = count_hits(read_rows(Path(name)), matchers)
        print_harmless(Path(name).name, hits)
        blocked, masked, flagged = (
            hits.by_action[action] / max(hits.rows, 1) for action in (Action.BLOCK, Action.MASK, Action.FLAG)
        )
        exceeded |= blocked > allowed
        report.append(
            f"| {Path(name).name} | {hits.rows} | {blocked:.2%} | {allowed:.1%} | {masked:.2%} | {flagged:.2%} |"
        )
    for path in arguments.labelled:
        rows = list(read_rows(path))
        print_harmless(path.name, count_hits((row for row in rows if row.label == "safe"), matchers))
        report += ["", f"Unsafe rows of {path.name}, by keywords alone:", ""]
        report.append(recall_table((row for row in rows if row.label == "unsafe"), matchers))
    report += ["", engine_machine_lines(f"python -m benchmarks.lists_precision {' '.join(sys.argv[1:])}", ())]
    text = "\n".join(report)
    print(f"\n{text}")
    if arguments.write:
        write_section(arguments.write, "lists", text, writer="lists_precision")
    return int(exceeded)


if __name__ == "__main__":
    sys.exit(main())
