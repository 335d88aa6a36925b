"""``sluice accounts``: make accounts, list them, take them out of service, change their keys."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from gateway.accounts.account import AccountKind, Network, parse_network
from gateway.accounts.describing import describe_account, numbered_names
from gateway.accounts.store import AccountDraft, AccountStore
from gateway.cli.context import ConfigOption, StoreOption, console, store_for
from gateway.cli.times import parse_duration, parse_moment
from gateway.cli.trail import ReasonOption, trail_of

MOST_AT_ONCE = 1_000
"""Accounts that one command makes: a filing asks for tens."""

_KEPT_NOWHERE = "Keep each key now: it is shown this once, and only its digest is stored."

_T = TypeVar("_T")

app = typer.Typer(no_args_is_help=True, help="Accounts and their keys.")

NameArgument = Annotated[str, typer.Argument(help="Name of the account.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]


@app.command()
def create(  # noqa: PLR0913 - one parameter per option
    *,
    kind: Annotated[AccountKind, typer.Option(help="What the account is for.")],
    name: Annotated[str, typer.Option(help="Name; with --count N accounts get NAME-01 and so on.")],
    count: Annotated[int | None, typer.Option(min=1, max=MOST_AT_ONCE, help="How many accounts to make.")] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it ends: 90d, 24h, or an ISO date (UTC).")
    ] = None,
    allow_from: Annotated[
        list[str] | None, typer.Option(metavar="CIDR", help="Network it may be used from; may be repeated.")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="Policy of its own, by name.")] = None,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Make accounts, and show the key of each this one time."""
    # Taken once, so that all accounts of a batch begin and end together.
    now_us = _now_us()
    expires_at_us = _read("--expires", lambda text: parse_moment(text, now_us), expires) if expires else None
    networks = tuple(_read("--allow-from", _parse_network, text) for text in allow_from or ())
    with store_for(store, config) as engine:
        # All in one call: half a batch would have to be cleared away by hand.
        drafts = [AccountDraft(each, kind, policy, expires_at_us, networks) for each in numbered_names(name, count)]
        made = _store(engine, config, reason).create_all(drafts, now_us)
    if as_json:
        _echo_json([{**describe_account(account, now_us), "key": key} for account, key in made])
    else:
        _show_keys([(account.name, key) for account, key in made])


@app.command("list")
def list_accounts(*, as_json: JsonOption = False, store: StoreOption = None, config: ConfigOption = None) -> None:
    """List the accounts; keys are not among what can be shown."""
    with store_for(store, config) as engine:
        accounts = [describe_account(account, _now_us()) for account in AccountStore(engine).list_all()]
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
def disable(
    name: NameArgument, *, reason: ReasonOption = "", store: StoreOption = None, config: ConfigOption = None
) -> None:
    """Refuse an account until it is enabled again; workers follow within seconds."""
    with store_for(store, config) as engine:
        _store(engine, config, reason).disable(name, _now_us())
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
    overlap_seconds = _read("--overlap", parse_duration, overlap)
    with store_for(store, config) as engine:
        key = _store(engine, config, reason).rotate(name, overlap_seconds, _now_us())
    if as_json:
        _echo_json({"name": name, "key": key})
        return
    _show_keys([(name, key)])
    typer.echo(f"Its other keys end in {overlap}, or earlier where they would anyway.")


def _store(engine: Engine, config: Path | None, reason: str) -> AccountStore:
    """Return the accounts, whose changes are recorded as the doing of whoever runs the command."""
    return AccountStore(engine, trail_of(config, reason).record_accounts)


def _now_us() -> int:
    return time.time_ns() // 1_000


def _parse_network(text: str) -> Network:
    try:
        return parse_network(text)
    except ValueError as exc:
        raise ValueError(
            # Bits behind the prefix are refused: 203.0.113.7/24 may mean one address or 256 of them.
            "Write a network such as 203.0.113.0/24 or 2001:db8::/32, no bits behind its prefix."
        ) from exc


def _read(option: str, parse: Callable[[str], _T], text: str) -> _T:
    try:
        return parse(text)
    except ValueError as exc:
        # Wrong use, with the option's name; the parsers do not know which option they read.
        raise typer.BadParameter(str(exc), param_hint=option) from exc


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
