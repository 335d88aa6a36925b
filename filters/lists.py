"""Keyword lists: a directory with one ``<risk>.csv`` per risk class.

Rules: a directory is read whole or refused whole, because a gateway that runs on half its lists looks healthy; every
problem is reported at once, with file, line and remedy; no clock is read, the caller says which day it is. Files that
do not end in ``.csv`` are none of our business.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from filters.findings import Term
from filters.list_rows import COLUMNS, ListRow, read_row, row_problems
from filters.taxonomy import load_taxonomy

_SUFFIX = ".csv"
# One wrong separator spoils every row, and a hundred thousand lines of message help nobody.
_SHOWN_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class ListLimits:
    """How much is read of one file; more is an error.

    Attributes:
        file_bytes: size of the file.
        rows: number of rows below the header.
    """

    file_bytes: int = 32 * 1024 * 1024
    rows: int = 100_000


class Problem(NamedTuple):
    """One thing wrong with a list.

    Attributes:
        file: name of the file or directory.
        line: line in it, from 1; 0 where the whole file is meant.
        message: what is wrong and what to do.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class ListError(ValueError):
    """The lists were refused; ``problems`` has everything that is wrong with them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:_SHOWN_PROBLEMS]]
        if len(self.problems) > _SHOWN_PROBLEMS:
            lines.append(f"and {len(self.problems) - _SHOWN_PROBLEMS} more")
        super().__init__("\n".join(lines))


def shipped_lists() -> Traversable:
    """Return the directory of the lists that ship with the product."""
    return files("keyword_lists")


def load_lists(directory: Traversable, today: date, limits: ListLimits | None = None) -> tuple[Term, ...]:
    """Read every ``<risk>.csv`` of a directory.

    Args:
        directory: a path, or a directory inside a package.
        today: terms that expired before it are left out.
        limits: bounds of one file; None takes the defaults.

    Returns:
        The terms by file name, then in the order of the rows.

    Raises:
        ListError: something is wrong with one of the files; none is taken.
    """
    return tuple(row.term for row in read_rows(directory, limits) if row.in_force(today))


def read_rows(directory: Traversable, limits: ListLimits | None = None) -> tuple[ListRow, ...]:
    """Read every ``<risk>.csv`` of a directory, with what is known about each term; also what has expired.

    Args:
        directory: a path, or a directory inside a package.
        limits: bounds of one file; None takes the defaults.

    Returns:
        The rows by file name, then in their order.

    Raises:
        ListError: something is wrong with one of the files; none is taken.
    """
    risks = load_taxonomy().risks
    rows: list[ListRow] = []
    problems: list[Problem] = []
    for file in _list_files(directory):
        reader = _FileReader(file, limits or ListLimits())
        rows.extend(reader.rows(risks))
        # Behind the rows: the reader finds its problems while they are taken.
        problems.extend(reader.problems)
    if problems:
        raise ListError(problems)
    return tuple(rows)


def list_digest(terms: Iterable[Term]) -> str:
    """Return ``sha256:<hex>`` over the terms; it does not depend on their order or on the files they came from."""
    # JSON, so that no character of a term can pass for the end of a field and give two lists one digest.
    # Source, note and the last day are left out: they change nothing that is matched. A term past its day is not
    # among the terms, so the digest changes at the midnight that ends it.
    lines = sorted(json.dumps(_digested(term)) for term in terms)
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _digested(term: Term) -> list[object]:
    # Sets have no order of their own, and the digest of a list must be the same in every process.
    return [
        *(term.text, term.risk, term.severity.name, term.action, sorted(term.phases)),
        *(term.kind, sorted(term.languages), sorted(term.folds_off)),
    ]


def _list_files(directory: Traversable) -> list[Traversable]:
    """Return the list files of a directory, by name."""
    if not directory.is_dir():
        raise ListError([Problem(directory.name, 0, "is not a directory; name the directory that holds the lists")])
    found = [file for file in directory.iterdir() if file.name.endswith(_SUFFIX)]
    # A wrong path must not start a gateway that matches nothing.
    if not found:
        raise ListError(
            [Problem(directory.name, 0, "holds no list; add a file named for its risk, such as A.1.f.csv")]
        )
    # File systems differ in their order; problems and terms should not.
    return sorted(found, key=lambda file: file.name)


class _FileReader:
    """Reads one file; collects what is wrong with it instead of stopping at the first problem."""

    def __init__(self, file: Traversable, limits: ListLimits) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._risk = file.name.removesuffix(_SUFFIX)
        self._limits = limits
        self._lines: dict[tuple[bool, str], int] = {}  # where each term was first met

    def rows(self, risks: Mapping[str, object]) -> Iterator[ListRow]:
        """Yield the good rows; what is wrong is in ``problems`` afterwards."""
        if self._risk not in risks:
            self._report(0, "is not named for a risk of the taxonomy; rename it, for example to A.1.f.csv")
            return
        for line, values in self._records_by_column():
            # An expired row is checked as well: a new date alone may bring it back into force.
            problems = list(row_problems(values, self._risk))
            for problem in problems:
                self._report(line, problem)
            if not problems:
                row = read_row(values, self._file.name, line)
                self._check_repetition(row)
                yield row

    def _report(self, line: int, message: str) -> None:
        """Remember a problem."""
        self.problems.append(Problem(self._file.name, line, message))

    def _text(self) -> str:
        """Return the file's text, without a byte order mark; empty after a problem."""
        try:
            with self._file.open("rb") as stream:
                # One byte more tells a file of full size from one too large, without reading all of that.
                data = stream.read(self._limits.file_bytes + 1)
        except OSError as error:
            self._report(0, f"cannot be read ({type(error).__name__}); check that it is a file and its permissions")
            return ""
        if len(data) > self._limits.file_bytes:
            self._report(0, f"is larger than {self._limits.file_bytes} bytes; split the list over directories")
            return ""
        try:
            # Spreadsheets write the mark; it would become part of the first column's name.
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._report(data[: error.start].count(b"\n") + 1, "is not UTF-8; save the file as UTF-8")
            return ""

    def _records_by_column(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield each row under a good header, with the line it begins at."""
        records = self._records(self._text())
        header = next(records, None)
        if header is None:
            if not self.problems:
                self._report(1, f"has no header; begin with {','.join(COLUMNS)}")
            return
        if tuple(header[1]) != COLUMNS:
            self._report(header[0], _header_problem(header[1]))
            return
        for count, (line, values) in enumerate(records, start=1):
            if count > self._limits.rows:
                self._report(line, f"has more than {self._limits.rows} rows; split the list over directories")
                return
            if len(values) != len(COLUMNS):
                self._report(line, f"has {len(values)} columns; write {len(COLUMNS)}, and quote a term with a comma")
                continue
            yield line, dict(zip(COLUMNS, values, strict=True))

    def _records(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Yield each CSV record that is not blank, with the line it begins at."""
        # Strict: a quote that is not closed would swallow all rows behind it without a word.
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        line = 1
        try:
            for values in reader:
                if values:
                    yield line, values
                line = reader.line_num + 1
        except csv.Error as error:
            self._report(line, f"is not CSV ({error}); check the quotes from this line on")

    def _check_repetition(self, row: ListRow) -> None:
        """Say where a term was met before."""
        first = self._lines.setdefault(row.key, row.line)
        # Which of two rows decides the action would depend on their order.
        if first != row.line:
            self._report(row.line, f"term is the same as in line {first} but for case or width; keep one of them")


def _header_problem(header: Sequence[str]) -> str:
    """Say how a header differs from the one that is expected."""
    missing = ", ".join(column for column in COLUMNS if column not in header)
    # Cut to size: a file that is no list at all may begin with a line of any length.
    unknown = ", ".join(repr(column[:20]) for column in header[: len(COLUMNS) + 1] if column not in COLUMNS)
    found = [f"lacks {missing}"] if missing else []
    found += [f"has the unknown column {unknown}"] if unknown else []
    return f"header {' and '.join(found) or 'repeats or reorders columns'}; write exactly {','.join(COLUMNS)}"
