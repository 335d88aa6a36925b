"""`sluice doctor`: what is wrong with this installation, and what to do about it."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.table import Table
from rich.text import Text

from gateway.cli.context import console
from gateway.doctor import Verdict, examine

_COLOURS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.FAILED: "red"}


def doctor(
    config: Annotated[Path | None, typer.Option(help="Settings file; default: sluice.toml if it is there.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Look at settings, lists, store, audit trail, model server and ports; exit 1 when something fails.

    Changes nothing, and may run beside a gateway.
    """
    findings = list(examine(config, os.environ, datetime.now(UTC)))
    if as_json:
        typer.echo(orjson.dumps([found._asdict() for found in findings], option=orjson.OPT_INDENT_2).decode())
    else:
        table = Table("check", "")
        for name in ("found", "what to do"):
            table.add_column(name, overflow="fold")  # paths and dotted names have no spaces to break at
        for found in findings:
            verdict = Text(found.verdict, style=_COLOURS[found.verdict])
            table.add_row(Text(found.check), verdict, Text(found.what), Text(found.remedy))
        console().print(table)
    # Warnings do not fail it: a probe would restart a gateway because an account ends next week.
    if any(found.verdict is Verdict.FAILED for found in findings):
        raise typer.Exit(1)
