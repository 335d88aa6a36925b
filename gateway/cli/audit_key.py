"""`sluice audit key`: the public key that checkpoints are verified by."""

import json
from typing import Annotated

import typer

from gateway.cli.audit_options import own_key, trail_failures_reported


def key(
    *, as_json: Annotated[bool, typer.Option("--json", help="As JSON, with name and fingerprint.")] = False
) -> None:
    """Show the public key; hand it to whoever verifies, before they need it."""
    with trail_failures_reported():
        public = own_key()
    if as_json:
        fields = {"key": public.line, "name": public.name, "fingerprint": public.fingerprint}
        typer.echo(json.dumps(fields, indent=2))
        return
    # The key alone on standard output, so that it can be sent into a file.
    typer.echo(public.line)
    typer.echo(f"name {public.name}\nSHA-256 {public.fingerprint}", err=True)
