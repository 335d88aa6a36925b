"""``sluice audit show``: entries of the audit trail, from the index where there is one.

Rules: an answer is complete or there is none. What the index does not have yet is read from the files; where the
index cannot be used, everything is; and it is said which.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Engine

from gateway.audit.content.entry import ContentEntry
from gateway.audit.entry import decode
from gateway.audit.events import Event
from gateway.audit.lookup import look_up, look_up_in_files
from gateway.audit.queries import IndexedEntry, Question
from gateway.audit.segment import CorruptLogError
from gateway.cli.audit_options import moment_us
from gateway.cli.context import StoreOption, failures_reported, store_for
from gateway.protocol.record import ExchangeRecord
from gateway.settings.loader import load
from gateway.storage.engine import SQLITE, StorageError, open_engine
from gateway.storage.migrate import pending

_COLUMNS = ("time", "request", "account", "decision", "phase", "risks", "terms", "status")
_WHOLE_COLUMNS = frozenset({"time", "request"})  # to be copied, so never broken over lines
# Narrower, eight columns would leave some without a character: they are stacked two by two.
_WIDE_CHARACTERS = 140
_STACKED = ("time", "request / account", "decision", "risks / terms / status")


class ShownType(StrEnum):
    """Types of entry that are shown; content is read by commands of its own, which leave a trace."""

    EXCHANGE = "exchange"
    EVENT = "event"


class Shown(NamedTuple):
    """What is shown.

    Attributes:
        entries: newest first.
        source: where they are from, in words.
    """

    entries: list[IndexedEntry]
    source: str


def show(  # noqa: PLR0913, PLR0917 each option is a parameter
    since: Annotated[str | None, typer.Option(help="Only since: 90s, 1h, 7d, or a date.")] = None,
    until: Annotated[str | None, typer.Option(help="Only before: the same.")] = None,
    request: Annotated[str | None, typer.Option(help="Only the exchange with this request id.")] = None,
    user: Annotated[str | None, typer.Option(help="Only this end user, by pseudonym.")] = None,
    account: Annotated[str | None, typer.Option(help="Only this account, by id.")] = None,
    risk: Annotated[str | None, typer.Option(help="Only where this risk was found, such as A.1.f.")] = None,
    decision: Annotated[str | None, typer.Option(help="Only this decision, such as block.")] = None,
    entry_type: Annotated[ShownType | None, typer.Option("--type", help="Only entries of this type.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Show at most this many, the newest.")] = 50,
    directory: Annotated[
        Path | None, typer.Option(help="Read the files of this directory; without --store, them alone.")
    ] = None,
    store: StoreOption = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One canonical entry a line, as it lies on disk.")] = False,
) -> None:
    """Show entries of the audit trail, newest last."""
    question = Question(
        since_us=moment_us(since),
        until_us=moment_us(until),
        request_id=request,
        end_user=user,
        account=account,
        risk=risk,
        decision=decision,
        type=entry_type,
    )
    try:
        with failures_reported():
            shown = _look_up(directory, store, question, limit)
    # Nothing is shown of a damaged trail, or what is missing would look as if it had not happened.
    except (CorruptLogError, OSError, ValueError) as exc:
        typer.echo(f"The audit trail cannot be read: {exc}", err=True)
        raise typer.Exit(1) from exc
    _print(shown, as_json=as_json)


def _look_up(directory: Path | None, store: str | None, question: Question, limit: int) -> Shown:
    """Find entries where the command line says, else where the settings do.

    Raises:
        StorageError: a store that was named cannot be used.
        SettingsError: the settings are wrong.
    """
    if store is not None:
        with store_for(store) as engine:
            return _indexed(engine, directory, question, limit)
    if directory is not None:
        # Settings are read only when they are needed: a trail copied elsewhere is shown without any.
        return Shown(look_up_in_files(directory, question, limit), f"the files under {directory}")
    settings = load(None, os.environ).settings
    directory = settings.audit.directory
    try:
        with _index_of(settings.store.url) as engine:
            return _indexed(engine, directory, question, limit)
    except StorageError as exc:
        found = look_up_in_files(directory, question, limit)
        return Shown(found, f"the files under {directory}, without the index: {exc}")


@contextmanager
def _index_of(url: str) -> Iterator[Engine]:
    file = url.removeprefix(f"{SQLITE}:///")
    if file != url and not Path(file).exists():  # opening it would make it
        raise StorageError(f"there is no {file}")
    engine = open_engine(url)
    try:
        if pending(engine):
            raise StorageError("its tables are missing or out of date; run 'sluice migrate'")
        yield engine
    finally:
        engine.dispose()


def _indexed(engine: Engine, directory: Path | None, question: Question, limit: int) -> Shown:
    answer = look_up(engine, directory, question, limit)
    source = f"the index in {engine.url.render_as_string()}"
    if answer.unindexed:
        source += f", which is {answer.unindexed} entries behind, and those from the files under {directory}"
    return Shown(answer.entries, source)


def _print(shown: Shown, *, as_json: bool) -> None:
    # On standard error, so that a pipe gets entries alone.
    typer.echo(f"From {shown.source}.", err=True)
    # Newest last, as in every log: the end is what a terminal leaves in view.
    entries = [indexed.entry for indexed in reversed(shown.entries)]
    if as_json:
        for entry in entries:
            # Unchanged bytes: the leaf hash of an entry is over these, so they can be checked elsewhere.
            typer.echo(entry)
    elif entries:
        console = Console()
        rows = [_cells(decode(entry)) for entry in entries]
        console.print(_table(rows) if console.width >= _WIDE_CHARACTERS else _stacked_table(rows))
    else:
        typer.echo("No entries fit.", err=True)


def _table(rows: list[tuple[str, ...]]) -> Table:
    table = Table()
    for name in _COLUMNS:
        table.add_column(name, no_wrap=name in _WHOLE_COLUMNS)
    for row in rows:
        # Account and model names are the operator's, terms the lists'; none of them is markup.
        table.add_row(*map(escape, row))
    return table


def _stacked_table(rows: list[tuple[str, ...]]) -> Table:
    """Return the same for a narrow terminal: what belongs together stands in one cell, line by line."""
    table = Table(box=None, padding=(0, 2, 1, 0), pad_edge=False)
    for name in _STACKED:
        table.add_column(name, no_wrap=name in ("time", "request / account"), overflow="fold")
    for row in rows:
        moment, request, account, decision, phase, risks, terms, status = map(escape, row)
        day, _, hour = moment[: len("2026-11-22 12:00:00")].partition(" ")
        why = "\n".join(filter(None, (risks, terms, status)))
        table.add_row(f"{day}\n{hour}", f"{request}\n{account}", f"{decision}\n{phase}".rstrip(), why)
    return table


def _cells(record: ExchangeRecord | ContentEntry | Event) -> tuple[str, ...]:
    if isinstance(record, Event):
        told = {**record.details, **({"reason": record.reason} if record.reason else {})}
        details = ", ".join(f"{name} {value}" for name, value in told.items())
        return _local_time(record.at_us), "", record.actor, record.name, "", "", record.subject, details
    if isinstance(record, ContentEntry):
        raise TypeError("content is not shown here")
    terms: Counter[str] = Counter()
    for finding in record.findings:
        terms[finding.term] += finding.count
    return (
        _local_time(record.started_at_us),
        record.request_id,
        record.account,
        record.decision,
        # Only a block falls in one half of an exchange.
        record.phase.value if record.phase else "",
        ", ".join(sorted({finding.risk for finding in record.findings})),
        ", ".join(f"{term} ×{count}" if count > 1 else term for term, count in terms.items()),
        f"{record.status} {record.error}".rstrip(),
    )


def _local_time(at_us: int) -> str:
    # As in the clock of the person who reads; the zone stands behind it.
    moment = datetime.fromtimestamp(at_us / 1_000_000, UTC).astimezone()
    return moment.isoformat(sep=" ", timespec="milliseconds")
