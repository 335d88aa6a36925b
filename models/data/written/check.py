"""Check the written rows and count them.

Run from the root of the repository::

    python -m models.data.written.check [DIRECTORY] [--group harmless]

A row is refused when a field is missing or wrong, when its id or source is not that of its file, when ids repeat or
are out of order, when a group holds the other label, and when two rows of a group share 80 % of their 5-grams.
Exit status 1 when anything is refused.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from models.rows import Row, read_rows
from models.similarity import near_duplicates

MOST_SIMILAR = 0.8
"""Two rows of a group are less similar than this."""
_HERE = Path(__file__).parent
# Labels a group may hold; pairs hold both, which is what they are for.
_LABELS = {"harmless": {False}, "harmful": {True}, "pairs": {False, True}}
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")
_SHOWN = 50


def main() -> int:
    """Check, count, and say what is wrong."""
    arguments = parse_arguments()
    problems: list[str] = []
    for group in [arguments.group] if arguments.group else sorted(_LABELS):
        rows, found = check_group(arguments.directory / group)
        problems += found
        if rows:
            _write(f"{group}: {len(rows)} rows", *_counts(rows))
    _write(*problems[:_SHOWN])
    if len(problems) > _SHOWN:
        _write(f"… and {len(problems) - _SHOWN} more")
    _write(f"{len(problems)} problems")
    return 1 if problems else 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Check the written rows and count them.")
    parser.add_argument("directory", type=Path, nargs="?", default=_HERE, help="where the groups are (default: here)")
    parser.add_argument("--group", choices=sorted(_LABELS), help="check one group alone")
    return parser.parse_args()


def check_group(directory: Path) -> tuple[list[Row], list[str]]:
    """Check the files of a group.

    Args:
        directory: holds a ``<style>.jsonl`` per style; its name is the group's.

    Returns:
        The rows, and one sentence per problem. A file with a line that is no row gives no rows.
    """
    rows: list[Row] = []
    problems: list[str] = []
    for path in sorted(directory.glob("*.jsonl")):
        try:
            own = list(read_rows(path))
        except ValueError as error:
            problems.append(str(error))
            continue
        problems += style_problems(path.stem, own, _LABELS[directory.name])
        rows += own
    for earlier, later, similar in near_duplicates([row.text for row in rows], MOST_SIMILAR):
        problems.append(f"{rows[later].id}: {similar:.2f} like {rows[earlier].id}; change or remove one")
    return rows, problems


def style_problems(style: str, rows: Iterable[Row], labels: set[bool]) -> Iterator[str]:
    """Say what is wrong with the rows of a style, beyond what makes a row.

    Args:
        style: name of the file.
        rows: what it holds.
        labels: whether rows may be safe (False), unsafe (True), or both.

    Yields:
        One sentence per problem: row, value, remedy.
    """
    last = -1
    for row in rows:
        number = row.id.removeprefix(f"{style}-")
        if number == row.id or not number.isdecimal():
            yield f"{row.id}: write the id as {style}-<number>"
        elif int(number) <= last:
            yield f"{row.id}: does not follow {style}-{last}; sort the rows by number, each once"
        else:
            last = int(number)
        if row.source != f"sluice/{style}":
            yield f"{row.id}: source is {row.source}; write sluice/{style}"
        if row.unsafe not in labels:
            yield f"{row.id}: {row.category} stands in the wrong group"
        if not _LANGUAGE.fullmatch(row.lang):
            yield f"{row.id}: lang is {row.lang!r}; write a language code such as zh"
        if row.text != row.text.strip():
            yield f"{row.id}: remove the white space around the text"


def _counts(rows: list[Row]) -> Iterator[str]:
    for name, values in (
        ("style", [row.source.removeprefix("sluice/") for row in rows]),
        ("lang", [row.lang for row in rows]),
        ("side", [row.side for row in rows]),
        ("category", [row.category for row in rows]),
    ):
        counts = Counter(values).most_common()
        yield f"  {name} ({len(counts)}): {', '.join(f'{value} {count}' for value, count in counts)}"


def _write(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
