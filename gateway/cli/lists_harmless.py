"""What keyword lists do to texts that are known to be harmless."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from filters.findings import Action, Phase
from filters.keywords import KeywordMatcher
from filters.list_rows import ListRow
from filters.lists import ListError, Problem
from gateway.cli.lists_sources import joined
from gateway.cli.rows import open_source, read_rows

_PLAIN = ".txt"
_SHOWN_TERMS = 10
# More than a reading of the result needs; a file of any length would keep the command busy for hours.
MOST_TEXTS = 200_000
_LONGEST_LINE_BYTES = 1024 * 1024


class Harmless(NamedTuple):
    """What was found in harmless texts.

    Attributes:
        texts: how many were read.
        blocked: how many of them a term blocks, taken as prompts and as replies.
        terms: the terms that did it most often, and how often.
    """

    texts: int
    blocked: int
    terms: tuple[tuple[str, int], ...]


def blocked_texts(read: Sequence[Sequence[ListRow]], day: date, file: Path) -> Harmless:
    """Look for the terms that block in harmless texts.

    Args:
        read: the rows of each directory.
        day: today, by which terms expire.
        file: the texts; one a line in a file that ends in ``.txt``, JSON rows with ``text`` otherwise.

    Raises:
        ListError: the file has too many texts or one that cannot be read.
        OSError: the file cannot be opened.
    """
    terms = [row.term for row in joined(read) if row.in_force(day)]
    matchers = [KeywordMatcher(terms, phase) for phase in Phase]
    count = blocked = 0
    by_term = Counter[str]()
    for text in _texts(file):
        count += 1
        found = {finding.term for matcher in matchers for finding in matcher.scan(text)}
        blocking = {term.text for term in found if term.action is Action.BLOCK}
        blocked += bool(blocking)
        by_term.update(blocking)
    return Harmless(count, blocked, tuple(by_term.most_common(_SHOWN_TERMS)))


def _texts(file: Path) -> Iterator[str]:
    for number, text in enumerate(_read(file), start=1):
        if number > MOST_TEXTS:
            raise ListError([Problem(file.name, number, f"has more than {MOST_TEXTS} texts; take a sample of them")])
        if text is None:
            raise ListError([Problem(file.name, number, "is no text; write one a line, or JSON rows with a text")])
        yield text


def _read(file: Path) -> Iterator[str | None]:
    with open_source(file) as source:
        if file.suffix != _PLAIN:
            yield from (row.text for row in read_rows(source.lines))
            return
        while line := source.lines.readline(_LONGEST_LINE_BYTES):
            yield line.decode("utf-8", "replace").strip()
