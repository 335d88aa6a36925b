"""``sluice accounts``: make accounts, list and change them, take them out of service, change their keys."""

import json
import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from gateway.accounts.account import DEFAULT_TENANT, AccountKind
from gateway.accounts.describing import describe_account, describe_fully, numbered_names
from gateway.accounts.store import AccountDraft, AccountStore
from gateway.audit.events import now_us
from gateway.cli import accounts_bindings
from gateway.cli.account_options import (
    AllowFromOption,
    ExpiresOption,
    JsonOption,
    ModelsOption,
    NameArgument,
    read_expires,
    read_networks,
    read_option,
)
from gateway.cli.accounts_sheet import BaseUrlOption, ModelOption, SheetOption, new_sheet, service_of
from gateway.cli.context import ConfigOption, StoreOption, console, store_for
from gateway.cli.times import MICROSECONDS, parse_duration
from gateway.cli.trail import ReasonOption, trail_of
from gateway.settings.loader import load
from gateway.settings.models import Settings

MOST_AT_ONCE = 1_000
"""Accounts that one command makes: a filing asks for tens."""

_KEPT_NOWHERE = "Keep each key now: it is shown this once, and only its digest is stored."
_WHAT_GOES: dict[str, tuple[str, Any]] = {
    "expires": ("expires_at_us", None),
    "allow-from": ("allow_from", ()),
    "policy": ("policy", None),
    "allow-model": ("models", ()),
}
"""What ``change --remove`` takes away, and what is left then."""

app = typer.Typer(no_args_is_help=True, help="Accounts and their keys.")
app.command()(accounts_bindings.bind)
app.command()(accounts_bindings.unbind)
app.command()(accounts_bindings.bindings)

PolicyOption = Annotated[str | None, typer.Option(help="Policy of its own, by name.")]
TrustOption = Annotated[
    bool | None,
    typer.Option(
        "--trusts-end-user/--no-trusts-end-user", help="Whether its requests are believed when they name an end user."
    ),
]


@app.command()
def create(  # noqa: PLR0913 - one parameter per option
    *,
    kind: Annotated[AccountKind, typer.Option(help="What the account is for.")],
    name: Annotated[str, typer.Option(help="Name; with --count N accounts get NAME-01 and so on.")],
    count: Annotated[int | None, typer.Option(min=1, max=MOST_AT_ONCE, help="How many accounts to make.")] = None,
    expires: ExpiresOption = None,
    allow_from: AllowFromOption = None,
    policy: PolicyOption = None,
    tenant: Annotated[str, typer.Option(help="Whom it belongs to.")] = DEFAULT_TENANT,
    allow_model: ModelsOption = None,
    trusts_end_user: TrustOption = None,
    sheet: SheetOption = None,
    base_url: BaseUrlOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Make accounts, and show the key of each this one time, or write them into a sheet for a filing."""
    # Taken once, so that all accounts of a batch begin and end together.
    at_us = now_us()
    expires_at_us, networks = read_expires(expires, at_us), read_networks(allow_from)
    if sheet is None and (base_url or model):
        raise typer.BadParameter("--base-url and --model are for a sheet: add --sheet FILE.")
    with store_for(store, config) as engine:
        settings = load(config, os.environ).settings
        _check_policy(settings, policy)
        models = tuple(allow_model or ())
        rules = (policy, expires_at_us, networks, tenant, models, bool(trusts_end_user))
        # All in one call: half a batch would have to be cleared away by hand.
        drafts = [AccountDraft(each, kind, *rules) for each in numbered_names(name, count)]
        service = service_of(settings, base_url, model, models) if sheet is not None else None
        with nullcontext() if sheet is None else new_sheet(sheet) as file:
            made = _store(engine, config, reason).create_all(drafts, at_us)
            shown = [(account.name, key) for account, key in made]
            if file is not None and service is not None:
                try:
                    file.write(made, service)
                finally:
                    if not file.written:
                        # They exist, and nobody has seen them: better here than nowhere.
                        _show_keys(shown)
    described = [describe_account(account, at_us) for account, _ in made]
    if as_json:
        keys = [{} if sheet else {"key": key} for _, key in made]
        _echo_json([{**each, **key} for each, key in zip(described, keys, strict=True)])
    elif sheet is None:
        _show_keys(shown)
    else:
        typer.echo(f"{len(made)} accounts are in {sheet}, with their keys: they are stored nowhere else. Guard it.")


@app.command("list")
def list_accounts(*, as_json: JsonOption = False, store: StoreOption = None, config: ConfigOption = None) -> None:
    """List the accounts; keys are not among what can be shown."""
    with store_for(store, config) as engine:
        accounts = [describe_account(account, now_us()) for account in AccountStore(engine).list_all()]
    if as_json:
        _echo_json(accounts)
        return
    table = Table("Name", "Kind", "State", "Policy", "Expires", "Allowed from")
    for each in accounts:
        # No id: it is for audit entries and programs, and would push the columns people read off the screen.
        cells = [each["name"], each["kind"], each["state"], each["policy"], each["expires_at"]]
        # Names are free text, which Rich would otherwise read as markup.
        table.add_row(*(Text(cell or "–") for cell in cells), Text(" ".join(each["allow_from"]) or "anywhere"))
    console().print(table)


@app.command()
def show(
    name: NameArgument, *, as_json: JsonOption = False, store: StoreOption = None, config: ConfigOption = None
) -> None:
    """Show all that is known of one account: its rules, how long its keys live, whom it binds."""
    with store_for(store, config) as engine:
        account, keys = AccountStore(engine).get(name)
    described = describe_fully(account, keys, now_us())
    if as_json:
        _echo_json(described)
        return
    for key, value in described.items():
        typer.echo(f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")


@app.command()
def change(  # noqa: PLR0913 - one parameter per option
    name: NameArgument,
    *,
    expires: ExpiresOption = None,
    allow_from: AllowFromOption = None,
    policy: PolicyOption = None,
    tenant: Annotated[str | None, typer.Option(help="Whom it belongs to.")] = None,
    allow_model: ModelsOption = None,
    trusts_end_user: TrustOption = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="|".join(_WHAT_GOES), help="Take this away; may be repeated.")
    ] = None,
    reason: ReasonOption = "",
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Change what an account may do; its name, kind and keys stay, and so does what no option names."""
    given: dict[str, Any] = {
        "expires_at_us": read_expires(expires, now_us()),
        "allow_from": read_networks(allow_from) or None,
        "policy": policy,
        "tenant": tenant,
        "models": tuple(allow_model) if allow_model else None,
        "trusts_end_user": trusts_end_user,
    }
    values = {key: value for key, value in given.items() if value is not None} | _removed(remove or [])
    if not values:
        raise typer.BadParameter("Say what to change.")
    with store_for(store, config) as engine:
        _check_policy(load(config, os.environ).settings, policy)
        _store(engine, config, reason).amend(name, lambda before: replace(before, **values))
    typer.echo(f"Account {name} is changed.")


@app.command()
def prune(
    *,
    older_than: Annotated[str, typer.Option(metavar="TIME", help="How long they have ended.")] = "30d",
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Clear away keys and bindings that ended long ago; accounts stay, since the audit trail names them."""
    before_us = now_us() - read_option("--older-than", parse_duration, older_than) * MICROSECONDS
    with store_for(store, config) as engine:
        pruned = _store(engine, config, reason).prune(before_us)
    if as_json:
        _echo_json(pruned._asdict())
        return
    typer.echo(f"{pruned.keys} keys and {pruned.bindings} bindings are cleared away.")


@app.command()
def disable(
    name: NameArgument, *, reason: ReasonOption = "", store: StoreOption = None, config: ConfigOption = None
) -> None:
    """Refuse an account until it is enabled again; workers follow within seconds."""
    with store_for(store, config) as engine:
        _store(engine, config, reason).disable(name, now_us())
    typer.echo(f"Account {name} is disabled.")


@app.command()
def enable(
    name: NameArgument, *, reason: ReasonOption = "", store: StoreOption = None, config: ConfigOption = None
) -> None:
    """Take a disabled account back into service."""
    with store_for(store, config) as engine:
        _store(engine, config, reason).enable(name)
    typer.echo(f"Account {name} is enabled.")


@app.command()
def rotate(
    name: NameArgument,
    *,
    # A day, so that clients can change keys without a moment of refusals; 0m ends a leaked one at once.
    overlap: Annotated[str, typer.Option(metavar="TIME", help="How long the old key still works.")] = "24h",
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Give an account a new key, shown this one time; the old one ends after the overlap."""
    overlap_seconds = read_option("--overlap", parse_duration, overlap)
    with store_for(store, config) as engine:
        key = _store(engine, config, reason).rotate(name, overlap_seconds, now_us())
    if as_json:
        _echo_json({"name": name, "key": key})
        return
    _show_keys([(name, key)])
    typer.echo(f"Its other keys end in {overlap}, or earlier where they would anyway.")


def _store(engine: Engine, config: Path | None, reason: str) -> AccountStore:
    """Return the accounts, whose changes are recorded as the doing of whoever runs the command."""
    return AccountStore(engine, trail_of(config, reason).record_accounts)


def _check_policy(settings: Settings, policy: str | None) -> None:
    # An account whose policy does not exist is answered 503 until somebody notices.
    if policy is not None and policy not in settings.policies.names:
        known = ", ".join(sorted(settings.policies.names))
        raise typer.BadParameter(f"No policy has this name; the settings have: {known}.", param_hint="--policy")


def _removed(names: list[str]) -> dict[str, Any]:
    if unknown := sorted(set(names) - _WHAT_GOES.keys()):
        said = f"{unknown[0]} cannot be taken away; {', '.join(_WHAT_GOES)} can."
        raise typer.BadParameter(said, param_hint="--remove")
    return dict(_WHAT_GOES[name] for name in names)


def _show_keys(keys: list[tuple[str, str]]) -> None:
    table = Table()
    # A name may be folded; a key that is broken over lines could not be copied.
    table.add_column("Name", overflow="fold")
    table.add_column("Key", no_wrap=True)
    for name, key in keys:
        table.add_row(Text(name), Text(key))
    console().print(table)
    typer.echo(_KEPT_NOWHERE)


def _echo_json(value: object) -> None:
    # Names may be Chinese, and escapes would make them unreadable for people.
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
