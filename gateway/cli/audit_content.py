"""`sluice audit content`: read, export, erase and retire what is kept of prompts and replies.

Rules: every look at decrypted content is recorded durably before anything is shown, and every destruction of keys
before it happens; what is destroyed is content, and no entry of a decision.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import orjson
import typer

from gateway.accounts.store import AccountStore
from gateway.audit.content.entry import ContentEntry
from gateway.audit.content.keys import day_name
from gateway.audit.content.reading import Found, find_person, find_request, open_found
from gateway.audit.content.secrets import MasterKeys, read_master_keys
from gateway.audit.content.store import ContentKeyStore, Person
from gateway.audit.content.writer import retire as retire_keys
from gateway.audit.event_forms import EventName
from gateway.audit.recording import append_event_entry
from gateway.audit.segment import CorruptLogError
from gateway.cli.context import ConfigOption, store_for
from gateway.cli.trail import ReasonOption, Trail, trail_of
from gateway.errors import ResourceError
from gateway.protocol.record import ExchangeRecord
from gateway.settings.loader import load
from gateway.settings.models import Audit

app = typer.Typer(help="What is kept of prompts and replies, encrypted.", no_args_is_help=True)

UserOption = Annotated[
    str | None, typer.Option("--user", metavar="PSEUDONYM", help="One end user, as entries name them.")
]
AccountOption = Annotated[str | None, typer.Option("--account", metavar="ID", help="Everybody of one account.")]


class _Desk(NamedTuple):
    """What these commands work with."""

    settings: Audit
    master_keys: MasterKeys
    store: ContentKeyStore
    trail: Trail
    accounts: AccountStore


@contextmanager
def _desk(config: Path | None, reason: str) -> Iterator[_Desk]:
    with store_for(None, config) as engine:
        settings = load(config, os.environ).settings.audit
        master_keys = read_master_keys(os.environ, settings.master_key_file, settings.directory)
        try:
            store, accounts = ContentKeyStore(engine, master_keys), AccountStore(engine)
            yield _Desk(settings, master_keys, store, trail_of(config, reason), accounts)
        except (CorruptLogError, OSError, ValueError) as exc:
            raise ResourceError(f"The audit trail cannot be read: {exc}") from exc


@app.command()
def read(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="Id of the exchange, as in `x-request-id`.")],
    reason: ReasonOption,
    config: ConfigOption = None,
) -> None:
    """Show what was kept of one exchange. That you looked, and why, is recorded first."""
    with _desk(config, reason) as desk:
        found = find_request(desk.settings.directory, request)
        contents = [each for each in found if isinstance(each.value, ContentEntry)]
        if not contents:
            raise ResourceError(
                f"Nothing is kept of the exchange {request}: its entry says whether there was anything to keep "
                "('sluice audit show --request')."
            )
        details: dict[str, str | int] = {"entries": len(contents)}
        for each in found:
            if isinstance(each.value, ExchangeRecord):
                names = {"user": each.value.user, "account": each.value.account}
                details |= {name: value for name, value in names.items() if value}
        desk.trail.record(EventName.CONTENT_READ, request, details)
        for each in contents:
            _print(open_found(each, desk.store.find))


@app.command()
def export(
    reason: ReasonOption, user: UserOption = None, account: AccountOption = None, config: ConfigOption = None
) -> None:
    """Write everything kept of one person, decrypted, one JSON object a line."""
    person = _person(user, account)
    with _desk(config, reason) as desk:
        keys = desk.store.of_person(person)

        def entries() -> Iterator[Found]:
            return find_person(desk.settings.directory, person, frozenset(keys))

        # Counted first, since the event comes before the first line; so the trail is read twice and never held.
        count = sum(isinstance(each.value, ContentEntry) for each in entries())
        desk.trail.record(EventName.CONTENT_EXPORTED, user or account or "", {"entries": count})
        for each in entries():
            _print(open_found(each, keys.get))


@app.command()
def erase(
    reason: ReasonOption, user: UserOption = None, account: AccountOption = None, config: ConfigOption = None
) -> None:
    """Destroy the keys of one person's content. Decisions stay, and the trail still verifies."""
    person = _person(user, account)
    with _desk(config, reason) as desk:
        held = desk.store.held(person)
        if not held.keys:
            typer.echo("There are no keys of this person, so no content of theirs can be read.", err=True)
            return
        first, last = day_name(held.first_day), day_name(held.last_day)
        details: dict[str, str | int] = {"keys": held.keys, "first_day": first, "last_day": last}
        desk.trail.record(EventName.CONTENT_ERASED, user or account or "", details)
        destroyed = desk.store.erase(person)
    typer.echo(f"Destroyed {destroyed} data keys of {first} to {last}. What they encrypted cannot be read any more.")
    typer.echo("Backups of the store still hold these keys until they expire.", err=True)


@app.command()
def retire(reason: ReasonOption = "", config: ConfigOption = None) -> None:
    """Destroy the keys of content that is older than the retention. A gateway does so every day."""
    with _desk(config, reason) as desk:
        days = desk.settings.retention_days
        destroyed = retire_keys(
            desk.store, lambda entry: append_event_entry(desk.trail.audit, entry), desk.trail.actor, days, reason
        )
    typer.echo(f"Destroyed {destroyed} data keys older than {days} days.")


@app.command()
def rekey(reason: ReasonOption, config: ConfigOption = None) -> None:
    """Wrap all data keys by the newest master key, so that older ones can be taken away."""
    with _desk(config, reason) as desk:
        count = desk.store.unlike(desk.master_keys.newest_id)
        details: dict[str, str | int] = {"keys": count, "from": ", ".join(desk.master_keys.ids[1:])}
        desk.trail.record(EventName.CONTENT_REKEYED, desk.master_keys.newest_id, details)
        wrapped = sum(desk.store.rekey())
    typer.echo(f"{wrapped} data keys are now wrapped by the master key {desk.master_keys.newest_id}.")


@app.command()
def pseudonym(
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="Name or id of the account whose end user it is.")
    ],
    config: ConfigOption = None,
) -> None:
    """Read an end user's name from standard input, and print the pseudonym that entries have for it."""
    # Not an argument: those are seen by everybody on the machine, and stay in the shell's history.
    name = typer.get_text_stream("stdin").readline().rstrip("\n")
    with _desk(config, "") as desk:
        if not name:
            raise ResourceError("Write the end user's name, as requests give it, to standard input.")
        # By its id, and only of one there is: a pseudonym of anything else would look as good and be nobody's.
        typer.echo(desk.master_keys.pseudonym(desk.accounts.get(account)[0].id, name))


def _person(user: str | None, account: str | None) -> Person:
    if bool(user) == bool(account):
        raise typer.BadParameter("name one person: --user PSEUDONYM, or --account ID")
    return Person(user or "", account or "")


def _print(value: dict[str, Any]) -> None:
    typer.echo(orjson.dumps(value))
