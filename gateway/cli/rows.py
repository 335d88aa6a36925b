"""Files of JSON rows with texts in them, read and written as they come.

Rules: rows keep their order and are numbered as an editor does; what is kept in memory is one row, up to a bound; a
row that cannot be used is a row all the same, and those behind it are read. `-` is standard input or output, and a
name that ends in ``.gz`` is a compressed file.
"""

import contextlib
import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import orjson

STANDARD = Path("-")
# Far more than any text that a model reads; a file that is no rows at all would else be read into memory whole.
LONGEST_ROW_BYTES = 64 * 1024 * 1024


class Row(NamedTuple):
    """One row.

    Attributes:
        number: its line, from 1.
        id: what it calls itself; None where it does not.
        text: its text; None where the row cannot be used.
    """

    number: int
    id: Any
    text: str | None


class Source(NamedTuple):
    """An open file of rows.

    Attributes:
        lines: what is read.
        raw: the file below it, which is another one where it is compressed.
        size_bytes: size of that file; None where nobody knows.
    """

    lines: IO[bytes]
    raw: IO[bytes]
    size_bytes: int | None


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a file of rows for reading."""
    if path == STANDARD:
        yield Source(sys.stdin.buffer, sys.stdin.buffer, None)
        return
    with path.open("rb") as raw:
        size_bytes = path.stat().st_size
        if path.suffix == ".gz":
            with gzip.open(raw) as lines:
                yield Source(cast("IO[bytes]", lines), raw, size_bytes)
        else:
            yield Source(raw, raw, size_bytes)


@contextlib.contextmanager
def open_target(path: Path) -> Iterator[IO[bytes]]:
    """Open a file of rows for writing."""
    if path == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with gzip.open(path, "wb") if path.suffix == ".gz" else path.open("wb") as target:
        yield cast("IO[bytes]", target)


def read_rows(lines: IO[bytes], limit_bytes: int = LONGEST_ROW_BYTES) -> Iterator[Row]:
    """Read rows.

    Args:
        lines: where they stand, one a line.
        limit_bytes: longest row taken, with its line end.
    """
    for number, line in enumerate(_bounded(lines, limit_bytes), start=1):
        # Editors and tools that join files leave empty lines, which are no rows.
        if line.strip():
            yield _row(number, line if len(line) <= limit_bytes else b"")


def write_row(target: IO[bytes], row: dict[str, Any]) -> None:
    """Write a row."""
    target.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _row(number: int, line: bytes) -> Row:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        return Row(number, None, None)
    text = document.get("text")
    return Row(number, document.get("id"), text if isinstance(text, str) else None)


def _bounded(lines: IO[bytes], limit_bytes: int) -> Iterator[bytes]:
    """Yield lines; of one over the limit its beginning, which is too long by itself."""
    while line := lines.readline(limit_bytes + 1):
        yield line
        while line and not line.endswith(b"\n"):
            line = lines.readline(limit_bytes + 1)
