"""``sluice audit collect`` and ``sluice audit reindex``: fill the index from segment files, or fill it anew.

Rules: both go on where they stopped, however they were stopped, and may run beside gateways that index the same
files.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine

from gateway.audit.index import INDEX_FAILURES, Indexer, failure_detail
from gateway.audit.lag import measure_lag
from gateway.audit.segment import log_directories
from gateway.cli.context import StoreOption, store_for
from gateway.settings.loader import load


def collect(
    directories: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Directories with logs, of one machine or of many.")
    ],
    store: StoreOption = None,
) -> None:
    """Index segment files that were brought here from other machines; what is indexed already is left alone."""
    with store_for(store) as engine:
        for directory in directories:
            _require_logs(directory)
        for directory in directories:
            with _failures_told(directory), _progress(engine, directory) as report:
                count = Indexer(engine, directory).index_new(report)
            typer.echo(f"Indexed {count} new entries of {len(log_directories(directory))} logs under {directory}.")


def reindex(
    directory: Annotated[
        Path | None, typer.Option(help="Directory of the audit trail; otherwise the one the settings name.")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Forget what is indexed of the files in a directory, and index them again."""
    with store_for(store) as engine:
        directory = directory or load(None, os.environ).settings.audit.directory
        _require_logs(directory)
        with _failures_told(directory):
            indexer = Indexer(engine, directory)
            # Apart, so that the bar knows how much is to be read again.
            indexer.forget()
            with _progress(engine, directory) as report:
                count = indexer.index_new(report)
        typer.echo(f"Indexed {count} entries of {len(log_directories(directory))} logs under {directory}.")


def _require_logs(directory: Path) -> None:
    if not log_directories(directory):
        typer.echo(f"Error: there are no logs under {directory}. Name the directory that holds them.", err=True)
        raise typer.Exit(1)


@contextmanager
def _failures_told(directory: Path) -> Iterator[None]:
    try:
        yield
    except INDEX_FAILURES as exc:
        typer.echo(
            f"Error: not everything under {directory} could be indexed ({failure_detail(exc)}). "
            "What was indexed stays; run the command again after the repair.",
            err=True,
        )
        raise typer.Exit(1) from exc


@contextmanager
def _progress(engine: Engine, directory: Path) -> Iterator[Callable[[int], None]]:
    total = measure_lag(engine, directory).log_bytes
    columns = (TextColumn("Indexing"), BarColumn(), DownloadColumn(binary_units=True), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=total)
        yield lambda size: progress.advance(task, size)
