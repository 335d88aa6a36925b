"""Assembles the `sluice` command from its groups.

Exit status: 0 success, 1 a finding or a failure, 2 wrong use.
"""

import typer

from gateway.cli import audit

app = typer.Typer(
    name="sluice",
    help="Runtime content-safety gateway in front of an LLM API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(audit.app, name="audit")


@app.callback()
def _root() -> None:
    """Keep `sluice COMMAND` the form even while there is one command."""


def main() -> None:
    """Run the command line."""
    app()
