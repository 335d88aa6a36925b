"""`sluice config`: check, show and describe the settings."""

import json
import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from filters.taxonomy import load_taxonomy
from gateway.settings import Problem, Settings, SettingsError, load
from gateway.settings.policies import risk_problems
from gateway.settings.reference import render_reference
from gateway.settings.serving import serving_problems
from gateway.settings.show import effective_settings, render_toml

WRONG_USE = 2

app = typer.Typer(help="Check, show and describe the settings.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def check(file: Annotated[Path, typer.Argument(help="Settings file to check.")], *, as_json: AsJson = False) -> None:
    """Check a settings file as `serve` would, with the environment of this shell; exit 2 when something is wrong."""
    try:
        loaded = load(file, os.environ)
        # Both kinds together, so that one run names everything `serve` would refuse.
        problems = (*risk_problems(loaded, load_taxonomy().risks), *serving_problems(loaded, os.environ))
    except SettingsError as error:
        problems = error.problems
    if as_json:
        report = {"ok": not problems, "problems": [problem._asdict() for problem in problems]}
        typer.echo(json.dumps(report, ensure_ascii=False))
    elif not problems:
        typer.echo(f"{file}: OK")
    if problems:
        _refuse(() if as_json else problems)


@app.command()
def schema() -> None:
    """Print the JSON schema of the settings, for editors and other programs."""
    typer.echo(json.dumps(Settings.model_json_schema(), ensure_ascii=False, indent=2))


@app.command()
def show(
    file: Annotated[Path | None, typer.Option("--config", help="Settings file; default ./sluice.toml.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print the settings in force and where each value comes from, secrets hidden."""
    try:
        loaded = load(file, os.environ)
    except SettingsError as error:
        # Wrong settings are not shown in part: what is in force is known only when all of them are right.
        _refuse(error.problems)
    if not as_json:
        typer.echo(render_toml(loaded), nl=False)
        return
    rows = [{"key": list(row.path), "value": row.value, "origin": row.origin} for row in effective_settings(loaded)]
    typer.echo(json.dumps({"settings": rows}, ensure_ascii=False))


@app.command()
def reference() -> None:
    """Print the page `docs/settings.md`: every setting with type, default, bounds and meaning."""
    typer.echo(render_reference(), nl=False)


def _refuse(problems: tuple[Problem, ...]) -> NoReturn:
    for problem in problems:
        typer.echo(str(problem), err=True)
    raise typer.Exit(WRONG_USE)
