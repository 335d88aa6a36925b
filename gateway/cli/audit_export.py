"""`sluice audit export`: hand over entries so that they can be verified elsewhere."""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gateway.audit.export import ArchiveTarget, FolderTarget, Target, export_log
from gateway.audit.log_range import LogRange, find_range
from gateway.audit.segment import log_directories
from gateway.cli.audit_options import (
    DirectoryOption,
    KeyOption,
    audit_directory,
    moment_us,
    progress_bar,
    public_keys,
    trail_failures_reported,
)


def export(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PATH", help="New folder or .zip file.")],
    since: Annotated[str | None, typer.Option(help="Only what was written since: 90s, 1h, 7d, or a date.")] = None,
    until: Annotated[str | None, typer.Option(help="Only what was written until then.")] = None,
    key: KeyOption = None,
    directory: DirectoryOption = None,
) -> None:
    """Write entries with their checkpoint and key; whole checkpoints only, so a few more than asked for."""
    since_us, until_us = moment_us(since), moment_us(until)
    keys = public_keys(key)
    with trail_failures_reported():
        directory = audit_directory(directory)
        found = [(log, find_range(log, since_us, until_us)) for log in log_directories(directory)]
        parts = [(log, part) for log, part in found if part is not None]
        if not parts:
            typer.echo(f"No log under {directory} has a checkpoint over entries of that time.", err=True)
            raise typer.Exit(1)
        if output.exists():
            typer.echo(f"{output} is there already; name a new folder or file.", err=True)
            raise typer.Exit(2)
        with _target(output) as target, progress_bar() as bar:
            for log, part in parts:
                task = bar.add_task(log.name, total=part.checkpoint.size - part.first)
                folder = f"{log.name}/" if len(parts) > 1 else ""
                export_log(log, part, keys[0], target, folder, partial(bar.advance, task))
    _report(output, [part for _, part in parts])


def _report(output: Path, parts: Sequence[LogRange]) -> None:
    entries = sum(part.checkpoint.size - part.first for part in parts)
    typer.echo(f"{output} has {entries} entries of {len(parts)} logs. Verify it with 'sluice audit verify {output}'.")


@contextmanager
def _target(output: Path) -> Iterator[Target]:
    if output.suffix != ".zip":
        yield FolderTarget(output)
        return
    with zipfile.ZipFile(output, "x", zipfile.ZIP_DEFLATED) as archive:
        yield ArchiveTarget(archive)
