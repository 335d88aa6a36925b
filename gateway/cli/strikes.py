"""``sluice strikes``: who is suspended, what led to it, and how to lift it."""

import json
import time
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from gateway.accounts.store import AccountError, AccountStore
from gateway.cli.context import ConfigOption, StoreOption, console, store_for
from gateway.cli.times import MICROSECONDS, parse_duration
from gateway.cli.trail import ReasonOption, trail_of
from gateway.strikes.person import Person
from gateway.strikes.store import MOST_LISTED, StrikeStore
from gateway.strikes.views import held_row, past_row

app = typer.Typer(no_args_is_help=True, help="Strikes: warnings and suspensions of accounts and end users.")

AccountArgument = Annotated[str, typer.Argument(help="Name or id of the account.")]
EndUserOption = Annotated[
    str | None,
    typer.Option("--end-user", metavar="PSEUDONYM", help="One of its end users, as the audit trail has them."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
LimitOption = Annotated[int, typer.Option(min=1, max=MOST_LISTED, help="Most rows that are shown.")]


@app.command("list")
def list_suspended(
    *, limit: LimitOption = 1000, as_json: JsonOption = False, store: StoreOption = None, config: ConfigOption = None
) -> None:
    """List who is suspended now; the suspension that ends first comes first."""
    with store_for(store, config) as engine:
        rows = [held_row(held, _names(engine)) for held in StrikeStore(engine).suspended(limit)]
    _show(rows, as_json, ["account", "end_user", "suspended_at", "until", "request_id"])


@app.command()
def history(
    account: Annotated[str | None, typer.Argument(help="Name or id of an account; all without.")] = None,
    *,
    end_user: EndUserOption = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="How far back, such as 24h or 30d; all without.")
    ] = None,
    limit: LimitOption = 1000,
    as_json: JsonOption = False,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Show strikes and what was done about them, the newest first."""
    try:
        since_us = 0 if since is None else time.time_ns() // 1000 - parse_duration(since) * MICROSECONDS
    except ValueError as exc:
        raise typer.BadParameter(str(exc), param_hint="--since") from exc
    with store_for(store, config) as engine:
        names = _names(engine)
        of = "" if account is None else _id_of(account, names)
        found = StrikeStore(engine).history(of, end_user, since_us=since_us, limit=limit)
        rows = [past_row(past, names) for past in found]
    _show(rows, as_json, ["at", "account", "end_user", "measure", "consecutive", "day_total", "until", "request_id"])


@app.command()
def lift(
    account: AccountArgument,
    *,
    end_user: EndUserOption = None,
    reason: ReasonOption = "",
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Lift a suspension, and settle the strikes behind it; workers follow at once."""
    trail = trail_of(config, reason)
    with store_for(store, config) as engine:
        person = Person(_id_of(account, _names(engine)), end_user or "")
        if not StrikeStore(engine, record=trail.write).lift(person, trail.actor, reason):
            raise AccountError(
                "Nothing is held against them. 'sluice strikes list' shows who is suspended; end users are named by "
                "--end-user."
            )
    typer.echo(f"Lifted for {account}{f', end user {end_user}' if end_user else ''}.")


def _names(engine: Engine) -> dict[str, str]:
    return {account.id: account.name for account in AccountStore(engine).list_all()}


def _id_of(account: str, names: dict[str, str]) -> str:
    if account in names:
        return account
    for id_, name in names.items():
        if name == account:
            return id_
    raise AccountError(f"There is no account {account!r}. 'sluice accounts list' shows them all.")


def _show(rows: list[dict[str, Any]], as_json: bool, columns: list[str]) -> None:  # noqa: FBT001 the option as it came
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table()
    for column in columns:
        # What is copied into the next command must not be cut.
        table.add_column(column.replace("_", " ").capitalize(), overflow="fold")
    for row in rows:
        table.add_row(*(Text("–" if row[column] in (None, "", 0) else str(row[column])) for column in columns))
    console().print(table)
