"""`sluice audit prove` and `sluice audit check-proof`: show one record without showing the others."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.progress import Progress

from gateway.audit.log_range import find_range
from gateway.audit.proof import PROOF_LIMIT_BYTES, check_proof, find_entry, make_proof
from gateway.audit.segment import log_directories, segment_paths
from gateway.audit.tree import ProofError
from gateway.cli.audit_options import (
    DirectoryOption,
    KeyOption,
    audit_directory,
    progress_bar,
    public_keys,
    trail_failures_reported,
)


def prove(
    request: Annotated[str, typer.Argument(help="Request id, as in the header x-request-id.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write the proof.")],
    directory: DirectoryOption = None,
) -> None:
    """Write a proof that the record of a request is in the trail; it can be checked without the trail."""
    with trail_failures_reported(), progress_bar() as bar:
        directory = audit_directory(directory)
        for log_directory in log_directories(directory):
            # Each log is read to find the entry, and the one that has it again to hash all of it.
            with _task(bar, f"looking in {log_directory.name}", log_directory) as advance:
                sequence = find_entry(log_directory, request, advance)
            if sequence is not None:
                break
        else:
            typer.echo(f"No log under {directory} has an entry of request {request}.", err=True)
            raise typer.Exit(1)
        part = find_range(log_directory)
        if part is None or sequence >= part.checkpoint.size:
            typer.echo("The entry is not under a checkpoint yet; try again in a few seconds.", err=True)
            raise typer.Exit(1)
        with _task(bar, f"hashing {log_directory.name}", log_directory) as advance:
            output.write_bytes(make_proof(log_directory, sequence, part, advance))
    when = part.checkpoint.time
    typer.echo(f"{output} proves entry {sequence} of log {log_directory.name}, by the checkpoint of {when}.")


@contextmanager
def _task(bar: Progress, what: str, log_directory: Path) -> Iterator[Callable[[int], None]]:
    """Show a part of the work while it is done."""
    size = sum(path.stat().st_size for path in segment_paths(log_directory))
    task = bar.add_task(what, total=size or 1)
    yield partial(bar.advance, task)
    bar.remove_task(task)


def check_proof_command(
    file: Annotated[Path, typer.Argument(help="The proof.")],
    key: KeyOption = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Check a proof with the public key alone, and show the entry it proves."""
    keys = public_keys(key)
    with trail_failures_reported():
        with file.open("rb") as opened:
            content = opened.read(PROOF_LIMIT_BYTES + 1)
        try:
            proven = check_proof(content, keys)
        except ProofError as exc:
            if as_json:
                typer.echo(json.dumps({"good": False, "what": str(exc)}, indent=2))
            else:
                typer.echo(f"NOT GOOD: {exc}.", err=True)
            raise typer.Exit(1) from exc
    found = proven.checkpoint
    if as_json:
        fields = {
            "good": True,
            "origin": found.origin,
            "sequence": proven.sequence,
            "size": found.size,
            "time": found.time,
            "entry": orjson.loads(proven.entry),
        }
        typer.echo(json.dumps(fields, indent=2, ensure_ascii=False))
        return
    place = f"entry {proven.sequence} of {found.size} in the log {found.origin}"
    typer.echo(f"Good: at {found.time} this was {place}:")
    typer.echo(proven.entry)
