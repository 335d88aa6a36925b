"""`sluice audit prove` and `sluice audit check-proof`: show one record without showing the others."""

import json
from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.audit.log_range import find_range
from gateway.audit.proof import PROOF_LIMIT_BYTES, check_proof, find_entry, make_proof
from gateway.audit.segment import log_directories
from gateway.audit.tree import ProofError
from gateway.cli.audit_options import (
    DirectoryOption,
    KeyOption,
    audit_directory,
    public_keys,
    trail_failures_reported,
)


def prove(
    request: Annotated[str, typer.Argument(help="Request id, as in the header x-request-id.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write the proof.")],
    directory: DirectoryOption = None,
) -> None:
    """Write a proof that the record of a request is in the trail; it can be checked without the trail."""
    with trail_failures_reported():
        directory = audit_directory(directory)
        for log_directory in log_directories(directory):
            if (sequence := find_entry(log_directory, request)) is not None:
                break
        else:
            typer.echo(f"No log under {directory} has an entry of request {request}.", err=True)
            raise typer.Exit(1)
        part = find_range(log_directory)
        if part is None or sequence >= part.checkpoint.size:
            typer.echo("The entry is not under a checkpoint yet; try again in a few seconds.", err=True)
            raise typer.Exit(1)
        output.write_bytes(make_proof(log_directory, sequence, part))
    when = part.checkpoint.time
    typer.echo(f"{output} proves entry {sequence} of log {log_directory.name}, by the checkpoint of {when}.")


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
