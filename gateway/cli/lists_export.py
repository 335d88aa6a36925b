"""``sluice lists export``: lists for people who work in spreadsheets, and as an attachment of a filing."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any

import openpyxl
import typer
from openpyxl.cell import WriteOnlyCell

from filters.list_coverage import coverage
from filters.list_rows import COLUMNS, ListRow, write_row
from filters.list_stats import count_rows
from filters.list_writing import list_text, rows_by_risk
from filters.lists import list_digest
from filters.taxonomy import load_taxonomy
from gateway.audit.files import OsFileOps, write_durably
from gateway.cli.context import ConfigOption
from gateway.cli.lists_sources import (
    WhichArgument,
    choose,
    joined,
    list_failures_reported,
    read_all,
    settings_of,
)
from gateway.rulesets.sources import today

COVER = "封面"
"""Name of the cover sheet; what reads a spreadsheet of lists passes over it."""
_TITLE = "拦截关键词列表 Interception keyword list"
_WIDTHS = {"term": 40, "source": 24, "licence": 16, "note": 40}
_WIDTH = 12  # in characters, as spreadsheets count


def export(
    which: WhichArgument = None,
    *,
    xlsx: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a spreadsheet, a sheet per risk.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="DIR", help="Write one list per risk into a directory.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write lists as a spreadsheet with a cover, or as one directory; rows that have expired are among them."""
    if xlsx is None and csv is None:
        raise typer.BadParameter("say what to write: --xlsx FILE, --csv DIR or both")
    with list_failures_reported():
        lists = settings_of(config)
        chosen = choose(lists, which)
        rows = joined(read_all(chosen.directories))
        by_risk = dict(sorted(rows_by_risk(rows).items()))
        if xlsx is not None:
            cover = _cover(rows, chosen.version, today(lists, datetime.now(UTC)), lists.minimum_per_risk)
            write_durably(OsFileOps(), xlsx, _workbook(cover, by_risk))
        if csv is not None:
            _write_lists(csv, by_risk)
    count = sum(map(len, by_risk.values()))
    typer.echo(
        f"{count} rows of {len(by_risk)} risks written to {' and '.join(str(each) for each in (xlsx, csv) if each)}"
    )


def _write_lists(directory: Path, by_risk: dict[str, list[ListRow]]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for risk, rows in by_risk.items():
        # A term that several directories have is written once: a list with it twice would be refused.
        once = {row.key: row for row in reversed(rows)}
        write_durably(OsFileOps(), directory / f"{risk}.csv", list_text(reversed(once.values())).encode())


def _cover(rows: tuple[ListRow, ...], version: str, day: date, minimum_per_risk: int) -> Iterator[tuple[str, ...]]:
    """Yield the lines of the cover: what the lists are, and how many keywords they hold for what."""
    in_force = [row for row in rows if row.in_force(day)]
    stats, taxonomy = count_rows(in_force), load_taxonomy()
    yield (_TITLE,)
    yield ("版本 Version", version or "–")
    yield ("日期 Date", day.isoformat())
    yield ("摘要 Digest", list_digest(row.term for row in in_force))
    yield ("关键词总数 Keywords", str(stats.total), f"≥ {taxonomy.keyword_total_min}")
    yield ()
    yield ("风险 Risk", "关键词 Keywords", "要求 Asked for", "名称 Name")
    minimums = {each.risk.id: each.minimum for each in coverage(stats, taxonomy, minimum_per_risk)}
    for risk, count in sorted((dict.fromkeys(minimums, 0) | dict(stats.by_risk)).items()):
        yield (risk, str(count), str(minimums.get(risk, "–")), taxonomy.risks[risk].zh)
    yield ()
    yield ("语言 Language", "关键词 Keywords")
    yield from ((language, str(count)) for language, count in stats.by_language.items())
    yield ()
    yield ("来源 Source", "条目 Rows", "许可 Licence")
    yield from ((each.source, str(count), each.licence) for each, count in stats.by_provenance.items())


def _workbook(cover: Iterator[tuple[str, ...]], by_risk: dict[str, list[ListRow]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    first = book.create_sheet(COVER)
    first.column_dimensions["A"].width = _WIDTHS["term"]
    for line in cover:
        first.append(_cells(first, line))
    for risk, rows in by_risk.items():
        sheet = book.create_sheet(risk)
        sheet.freeze_panes = "A2"
        for number, name in enumerate(COLUMNS):
            sheet.column_dimensions[chr(ord("A") + number)].width = _WIDTHS.get(name, _WIDTH)
        sheet.append(COLUMNS)
        for row in rows:
            sheet.append(_cells(sheet, write_row(row).values()))
    with TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        return file.read()


def _cells(sheet: Any, values: Iterable[str]) -> list[WriteOnlyCell]:  # noqa: ANN401 the library has no types
    cells = [WriteOnlyCell(sheet, value) for value in values]
    for cell in cells:
        # A term that begins with = is a term, and no formula for whoever opens the file.
        cell.data_type = "s"
    return cells
