"""Write the shipped keyword lists from the files of terms, and from other people's lists.

Run from the root of the repository, with the directory of the raw lists, whose README names their licences::

    python -m curation --data wordlists --date 2026-11-25

The same input gives the same files. ``curation/terms`` holds what was written for this project, ``curation/raw`` the
tables by which words of other lists are taken, and ``curation/dropped.txt`` the terms that were read and left out.
"""

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from curation.covering import without_covered
from curation.grid import read_terms
from curation.manifest import write_manifest
from curation.raw import raw_rows
from filters.findings import Kind
from filters.list_coverage import folded_key, short_terms
from filters.list_rows import ListRow, read_row, row_problems
from filters.list_writing import list_text, rows_by_risk

_HERE = Path(__file__).parent
_LISTS = _HERE.parent / "keyword_lists"


def main() -> int:
    """Write the lists and their manifest; say how many terms there are."""
    arguments = parse_arguments()
    dropped = set((_HERE / "dropped.txt").read_text(encoding="utf-8").splitlines())
    candidates = [*_own(), *(row for row in raw_rows(arguments.data) if row["term"] not in dropped)]
    rows = list(_distinct(candidates))
    kept = without_covered(rows)
    for risk, members in sorted(rows_by_risk(kept).items()):
        (_LISTS / f"{risk}.csv").write_text(list_text(members), encoding="utf-8")
    write_manifest(_LISTS, kept, arguments.date)
    sys.stdout.write(f"{len(candidates)} candidates, {len(rows)} distinct, {len(kept)} kept\n")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Write the shipped keyword lists.")
    parser.add_argument("--data", type=Path, required=True, help="directory of the raw lists")
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="date of this version")
    return parser.parse_args()


def _own() -> Iterator[dict[str, str]]:
    """Yield the terms written for this project; those of the first lists come first, for they are relied on."""
    with (_HERE / "terms" / "starter.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
    for path in sorted((_HERE / "terms").glob("*.txt")):
        yield from read_terms(path)


def _distinct(candidates: Iterable[dict[str, str]]) -> Iterator[ListRow]:
    """Yield each term once, as whoever came first says.

    Raises:
        ValueError: a term could not stand in a list.
    """
    met = set[tuple[bool, str]]()
    for values in candidates:
        if problems := list(row_problems(values, values["risk"])):
            raise ValueError(f"{values['term']}: {'; '.join(problems)}")
        row = read_row(values)
        # As a word of its own a term of two characters is safe; inside others it is not.
        row = next((read_row({**values, "kind": Kind.WORD.value}) for row in short_terms([row])), row)
        if folded_key(row) not in met:
            met.add(folded_key(row))
            yield row


if __name__ == "__main__":
    sys.exit(main())
