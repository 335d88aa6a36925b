"""Assembles the `sluice` command from its groups.

Exit status: 0 success, 1 a finding or a failure, 2 wrong use.
"""

import sys

import structlog
import typer

from gateway.cli import accounts, agreements, audit, config, labels, lists, model, strikes
from gateway.cli.check import check
from gateway.cli.demo import demo
from gateway.cli.doctor import doctor
from gateway.cli.migrate import migrate_command
from gateway.cli.serve import serve
from gateway.cli.standin import standin

app = typer.Typer(
    name="sluice",
    help="Runtime content-safety gateway in front of an LLM API.",
    no_args_is_help=True,
    # Typer's own tracebacks show local variables, and those may hold keys.
    pretty_exceptions_enable=False,
)

app.command()(serve)
app.command()(demo)
app.command()(check)
app.add_typer(config.app, name="config")
app.add_typer(lists.app, name="lists")
app.add_typer(accounts.app, name="accounts")
app.add_typer(agreements.app, name="agreements")
app.add_typer(strikes.app, name="strikes")
app.add_typer(audit.app, name="audit")
app.add_typer(model.app, name="model")
app.add_typer(labels.app, name="labels")
app.command("migrate")(migrate_command)
app.command()(doctor)
app.command()(standin)


def main() -> None:
    """Run the command line."""
    # Made for each event: standard output belongs to what programs read, and a test may change either stream.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    app()
