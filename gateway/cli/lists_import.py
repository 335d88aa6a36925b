"""``sluice lists import``: terms from a text, a table or a spreadsheet, made a list of ours."""

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import openpyxl
import typer
from rich.console import Console
from rich.progress import track

from filters.findings import Kind
from filters.list_import import Dropped, Entry, Imported, import_entries, row_defaults
from filters.list_rows import COLUMNS, ListRow
from filters.list_writing import list_text
from filters.lists import ListLimits, read_rows
from filters.taxonomy import load_taxonomy
from gateway.audit.files import OsFileOps, write_durably
from gateway.cli.context import ConfigOption
from gateway.cli.lists_export import COVER
from gateway.cli.lists_sources import choose, joined, list_failures_reported, read_all, settings_of
from gateway.errors import GatewayError
from gateway.settings.models import Lists

_LIMITS = ListLimits()
_SHOWN_DROPS = 20


class ImportRefusedError(GatewayError):
    """A file that cannot be imported; the message says why and what to do."""


def import_terms(
    file: Annotated[Path, typer.Argument(help="A .txt with one term a line, a .csv or an .xlsx.")],
    *,
    risk: Annotated[str, typer.Option(metavar="ID", help="Risk id of the terms, such as A.1.f.")],
    source: Annotated[str, typer.Option(help="Where they come from.")],
    licence: Annotated[str, typer.Option(help="The licence they come under.")],
    kind: Annotated[Kind, typer.Option(help="How they are matched.")] = Kind.LITERAL,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Directory of the list."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Add terms to a list; what is not taken is said, with the reason.

    A table without a header has the terms in its first column. With one, its columns are those of a list; a column
    that is missing takes these options, severity medium, action block and both phases.
    """
    if risk not in load_taxonomy().risks:
        raise typer.BadParameter("there is no such risk id; see keyword_lists/taxonomy.json", param_hint="--risk")
    with list_failures_reported():
        lists = settings_of(config)
        directory = output or _only_directory(lists)
        target = directory / f"{risk}.csv"
        present = _present(directory)
        # The active lists too: a term that is in force already needs no second row. Not the directory itself, which
        # may be empty yet.
        others = (each for each in choose(lists, None).directories if each != directory)
        listed = (*present, *joined(read_all(others)))
        shown = track(
            _entries(file), "Reading", console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True
        )
        imported = import_entries(shown, row_defaults(kind, risk, source, licence), listed)
        if imported.rows:
            _write(target, [*(row for row in present if row.term.risk == risk), *imported.rows])
    _report(imported, target)


def _only_directory(lists: Lists) -> Path:
    if len(lists.directories) != 1:
        raise typer.BadParameter(
            "say where to write: the settings do not name exactly one directory", param_hint="-o"
        )
    return lists.directories[0]


def _present(directory: Path) -> tuple[ListRow, ...]:
    return read_rows(directory) if directory.is_dir() and any(directory.glob("*.csv")) else ()


def _entries(file: Path) -> Iterator[Entry]:
    readers = {".txt": _read_text, ".csv": _read_csv, ".xlsx": _read_xlsx}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise ImportRefusedError(f"{file.name} is no .txt, .csv or .xlsx; save it as one of them.")
    if file.stat().st_size > _LIMITS.file_bytes:
        raise ImportRefusedError(f"{file.name} is larger than {_LIMITS.file_bytes} bytes; split it.")
    for number, entry in enumerate(reader(file), start=1):
        if number > _LIMITS.rows:
            raise ImportRefusedError(f"{file.name} has more than {_LIMITS.rows} rows; split it.")
        yield entry


def _read_text(file: Path) -> Iterator[Entry]:
    for number, line in enumerate(_decoded(file).splitlines(), start=1):
        if line.strip():
            yield Entry(number, {"term": line})


def _read_csv(file: Path) -> Iterator[Entry]:
    reader = csv.reader(io.StringIO(_decoded(file), newline=""), strict=True)
    try:
        yield from _table((reader.line_num, values) for values in reader)
    except csv.Error as exc:
        raise ImportRefusedError(f"{file.name}:{reader.line_num}: is not CSV ({exc}); check the quotes.") from exc


def _read_xlsx(file: Path) -> Iterator[Entry]:
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        for sheet in book.worksheets:
            # What `export` puts in front says what the lists are, and holds no term.
            if sheet.title == COVER:
                continue
            rows = enumerate(sheet.iter_rows(values_only=True), start=1)
            yield from _table((number, [*map(_cell, row)]) for number, row in rows)
        book.close()
    # The library has no base of its own for what a damaged file raises in it.
    except Exception as exc:
        raise ImportRefusedError(f"{file.name} is no spreadsheet of Excel's format; save it again as .xlsx.") from exc


def _cell(value: object) -> str:
    if value is None:
        return ""
    # Spreadsheets make a moment of the last day a term is in force.
    return value.date().isoformat() if isinstance(value, datetime) else str(value)


def _table(rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[Entry]:
    """Make entries of a table: by its header if it has one, else of its first column."""
    names: Sequence[str] | None = None
    for number, values in rows:
        if names is None:
            header = [value.strip().lower() for value in values]
            names = header if "term" in header else COLUMNS[:1]
            if names is header:
                continue
        if any(value.strip() for value in values):
            yield Entry(number, dict(zip(names, values, strict=False)))


def _decoded(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ImportRefusedError(f"{file.name} is not UTF-8; convert it, with iconv -f GB18030 for example.") from exc


def _write(target: Path, rows: list[ListRow]) -> None:
    text = list_text(rows).encode()
    # Refused here rather than by the gateway that reads it.
    if len(rows) > _LIMITS.rows or len(text) > _LIMITS.file_bytes:
        raise ImportRefusedError(
            f"{target.name} would have {len(rows)} rows in {len(text)} bytes, {_LIMITS.rows} and {_LIMITS.file_bytes}"
            " are the most; write to another directory with -o."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    write_durably(OsFileOps(), target, text)


def _report(imported: Imported, target: Path) -> None:
    counts = Counter(each.reason for each in imported.dropped)
    dropped = "".join(f", {count} {reason}" for reason, count in sorted(counts.items()))
    typer.echo(f"{len(imported.rows)} terms added to {target}{dropped}")
    for each in imported.dropped[:_SHOWN_DROPS]:
        typer.echo(_line(each), err=True)
    if len(imported.dropped) > _SHOWN_DROPS:
        typer.echo(f"and {len(imported.dropped) - _SHOWN_DROPS} more", err=True)


def _line(dropped: Dropped) -> str:
    return f"line {dropped.line}: {dropped.reason}: {dropped.message}"
