"""`sluice config`: check, show and describe the settings."""

import json
import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from filters.taxonomy import load_taxonomy
from gateway.accounts.drafts import AccountError
from gateway.accounts.policy import EffectivePolicy, policy_named, policy_of
from gateway.accounts.store import AccountStore
from gateway.cli.context import ConfigOption, StoreOption, store_for
from gateway.settings import Problem, Settings, SettingsError, load
from gateway.settings.loader import Loaded
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
    config: ConfigOption = None,
    *,
    account: Annotated[str | None, typer.Option(help="Show the policy this account is judged by.")] = None,
    policy: Annotated[str | None, typer.Option(help="Show this policy.")] = None,
    model: Annotated[str, typer.Option(help="With --account: the model it asks for.")] = "",
    profile: Annotated[str, typer.Option(help="With --account: profile of its end user.")] = "",
    store: StoreOption = None,
    as_json: AsJson = False,
) -> None:
    """Print the settings in force and where each value comes from, secrets hidden; or one policy of them."""
    if account is not None and policy is not None:
        raise typer.BadParameter("name an account or a policy, not both", param_hint="--policy")
    try:
        loaded = load(config, os.environ)
    except SettingsError as error:
        # Wrong settings are not shown in part: what is in force is known only when all of them are right.
        _refuse(error.problems)
    if account is not None:
        _show_policy(_policy_of(loaded, account, store or loaded.settings.store.url, model, profile), as_json=as_json)
    elif policy is not None:
        _show_policy(_policy_named(loaded, policy), as_json=as_json)
    elif as_json:
        rows = [
            {"key": list(row.path), "value": row.value, "origin": row.origin} for row in effective_settings(loaded)
        ]
        typer.echo(json.dumps({"settings": rows}, ensure_ascii=False))
    else:
        typer.echo(render_toml(loaded), nl=False)


def _policy_of(loaded: Loaded, name: str, store: str, model: str, profile: str) -> EffectivePolicy:
    with store_for(store) as engine:
        account, _ = AccountStore(engine).get(name)
        found = policy_of(loaded, account, model=model, profile=profile)
        if found.missing:
            raise AccountError(
                f"The account's policy {found.name!r} is not in the settings, so its requests are refused. Add"
                f" [policies.{found.name}], or give the account another policy."
            )
        return found


def _policy_named(loaded: Loaded, name: str) -> EffectivePolicy:
    names = loaded.settings.policies.names
    if name not in names:
        raise typer.BadParameter(f"there is no policy {name!r}; known are {', '.join(names)}", param_hint="--policy")
    return policy_named(loaded, name)


def _show_policy(found: EffectivePolicy, *, as_json: bool) -> None:
    typer.echo(json.dumps(found.as_json(), ensure_ascii=False) if as_json else found.as_text(), nl=as_json)


@app.command()
def reference() -> None:
    """Print the page `docs/settings.md`: every setting with type, default, bounds and meaning."""
    typer.echo(render_reference(), nl=False)


def _refuse(problems: tuple[Problem, ...]) -> NoReturn:
    for problem in problems:
        typer.echo(str(problem), err=True)
    raise typer.Exit(WRONG_USE)
