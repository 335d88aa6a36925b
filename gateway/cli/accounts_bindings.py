"""``sluice accounts bind``, ``unbind`` and ``bindings``: end users of an account who are judged as another kind.

The name of an end user is read here and goes no further: its pseudonym is stored, shown and recorded.
"""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gateway.accounts.account import Account, AccountKind, Binding
from gateway.accounts.describing import describe_binding
from gateway.accounts.drafts import BindingDraft
from gateway.accounts.store import AccountStore
from gateway.audit.content.secrets import read_master_keys
from gateway.audit.events import now_us
from gateway.cli.account_options import (
    AllowFromOption,
    ExpiresOption,
    JsonOption,
    NameArgument,
    read_expires,
    read_networks,
)
from gateway.cli.context import ConfigOption, StoreOption, console, store_for
from gateway.cli.trail import ReasonOption, trail_of
from gateway.settings.loader import load

EndUsersOption = Annotated[
    list[str] | None,
    typer.Option("--end-user", metavar="NAME", help="End user as requests name them; may be repeated."),
]
PseudonymsOption = Annotated[
    list[str] | None,
    typer.Option("--pseudonym", metavar="PSEUDONYM", help="End user as the audit trail names them; may be repeated."),
]


def bind(  # noqa: PLR0913 - one parameter per option
    name: NameArgument,
    *,
    kind: Annotated[AccountKind, typer.Option(help="audit or unfiltered.")],
    end_user: EndUsersOption = None,
    pseudonym: PseudonymsOption = None,
    expires: ExpiresOption = None,
    allow_from: AllowFromOption = None,
    note: Annotated[str, typer.Option(help="What it is for; no names of persons.")] = "",
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Judge named end users of a platform's account as reviewers."""
    at_us = now_us()
    expires_at_us, networks = read_expires(expires, at_us), read_networks(allow_from)
    with store_for(store, config) as engine:
        accounts = AccountStore(engine, trail_of(config, reason).record_accounts)
        account, _ = accounts.get(name)
        people = _pseudonyms(account, end_user or (), pseudonym or (), config)
        drafts = [BindingDraft(each, kind, expires_at_us, networks, note) for each in people]
        made = accounts.bind(account.id, drafts, at_us)
    _show(made, at_us, as_json=as_json)


def unbind(
    name: NameArgument,
    *,
    end_user: EndUsersOption = None,
    pseudonym: PseudonymsOption = None,
    reason: ReasonOption = "",
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Judge end users as their account again."""
    with store_for(store, config) as engine:
        accounts = AccountStore(engine, trail_of(config, reason).record_accounts)
        account, _ = accounts.get(name)
        for each in _pseudonyms(account, end_user or (), pseudonym or (), config):
            accounts.unbind(account.id, each)
            typer.echo(f"{each} is not bound any more.")


def bindings(
    name: NameArgument, *, as_json: JsonOption = False, store: StoreOption = None, config: ConfigOption = None
) -> None:
    """List the end users an account binds, by pseudonym."""
    with store_for(store, config) as engine:
        account, _ = AccountStore(engine).get(name)
    _show(list(account.bindings.values()), now_us(), as_json=as_json)


def _pseudonyms(
    account: Account, names: list[str] | tuple[()], given: list[str] | tuple[()], config: Path | None
) -> list[str]:
    if not names and not given:
        raise typer.BadParameter("Name whom: --end-user NAME or --pseudonym PSEUDONYM.")
    made: list[str] = []
    if names:
        audit = load(config, os.environ).settings.audit
        # The gateway's own: with another key the pseudonym would be nobody's.
        keys = read_master_keys(os.environ, audit.master_key_file, audit.directory)
        made = [keys.pseudonym(account.id, each) for each in names]
    return list(dict.fromkeys((*made, *given)))


def _show(found: list[Binding], at_us: int, *, as_json: bool) -> None:
    described = [describe_binding(each, at_us) for each in found]
    if as_json:
        typer.echo(json.dumps(described, ensure_ascii=False, indent=2))
        return
    table = Table("Pseudonym", "Kind", "State", "Expires", "Allowed from", "Note")
    for each in described:
        cells = (each["pseudonym"], each["kind"], each["state"], each["expires_at"] or "–")
        table.add_row(*map(Text, cells), Text(" ".join(each["allow_from"]) or "anywhere"), Text(each["note"]))
    console().print(table)
