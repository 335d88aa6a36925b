"""``sluice lists export``: lists for people who work in spreadsheets."""

from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated

import openpyxl
import typer
from openpyxl.cell import WriteOnlyCell

from filters.list_rows import COLUMNS, ListRow, write_row
from filters.list_writing import list_text, rows_by_risk
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

_WIDTHS = {"term": 40, "source": 24, "licence": 16, "note": 40}
_WIDTH = 12  # in characters, as spreadsheets count


def export(
    which: WhichArgument = None,
    *,
    xlsx: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a spreadsheet, a sheet per risk.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="DIR", help="Write one list per risk into a directory.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write lists as a spreadsheet or as one directory; rows that have expired are among them."""
    if xlsx is None and csv is None:
        raise typer.BadParameter("say what to write: --xlsx FILE, --csv DIR or both")
    with list_failures_reported():
        by_risk = rows_by_risk(joined(read_all(choose(settings_of(config), which).directories)))
        by_risk = dict(sorted(by_risk.items()))
        if xlsx is not None:
            write_durably(OsFileOps(), xlsx, _workbook(by_risk))
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


def _workbook(by_risk: dict[str, list[ListRow]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    for risk, rows in by_risk.items():
        sheet = book.create_sheet(risk)
        sheet.freeze_panes = "A2"
        for number, name in enumerate(COLUMNS):
            sheet.column_dimensions[chr(ord("A") + number)].width = _WIDTHS.get(name, _WIDTH)
        sheet.append(COLUMNS)
        for row in rows:
            cells = []
            for value in write_row(row).values():
                cell = WriteOnlyCell(sheet, value)
                # A term that begins with = is a term, and no formula for whoever opens the file.
                cell.data_type = "s"
                cells.append(cell)
            sheet.append(cells)
    with TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        return file.read()
