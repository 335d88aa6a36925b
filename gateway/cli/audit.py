"""`sluice audit`: read the audit trail.

Rules: what is shown comes from the segment files, which are the truth, so this works without a store and beside a
running gateway.
"""

import heapq
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.audit.canonical import canonical_json
from gateway.audit.entry import decode
from gateway.audit.reader import read_log
from gateway.audit.segment import CorruptLogError, log_directories
from gateway.cli.audit_export import export
from gateway.cli.audit_key import key
from gateway.cli.audit_options import moment_us
from gateway.cli.audit_prove import check_proof_command, prove
from gateway.cli.audit_verify import verify
from gateway.cli.context import failures_reported
from gateway.protocol.record import ExchangeRecord
from gateway.settings.loader import load

app = typer.Typer(help="The audit trail: what was decided, on whose request, and why.", no_args_is_help=True)
app.command()(verify)
app.command()(prove)
app.command("check-proof")(check_proof_command)
app.command()(export)
app.command()(key)

_COLUMNS = ("time", "request", "account", "decision", "phase", "risks", "terms", "status")
_WHOLE_COLUMNS = frozenset({"time", "request"})  # to be copied, so never broken over lines
# Narrower, eight columns would leave some without a character: they are stacked two by two.
_WIDE_CHARACTERS = 140
_STACKED = ("time", "request / account", "decision", "risks / terms / status")


class Shown(NamedTuple):
    """An entry with what it says.

    Attributes:
        record: the exchange.
        entry: its canonical bytes.
    """

    record: ExchangeRecord
    entry: bytes


class Filter(NamedTuple):
    """What an entry must fit to be shown; None fits all.

    Attributes:
        since_us: earliest start, in microseconds of Unix time.
        request_id: id of the exchange.
        decision: the decision, as recorded.
    """

    since_us: int | None = None
    request_id: str | None = None
    decision: str | None = None

    def fits(self, record: ExchangeRecord) -> bool:
        """Say whether an exchange is asked for."""
        return (
            (self.since_us is None or record.started_at_us >= self.since_us)
            and self.request_id in {None, record.request_id}
            and self.decision in {None, record.decision}
        )


@app.callback()
def _root() -> None:
    """Keep `sluice audit COMMAND` the form even while there is one command."""


@app.command()
def show(
    since: Annotated[str | None, typer.Option(help="Only what began since: 90s, 1h, 7d, or a date.")] = None,
    request: Annotated[str | None, typer.Option(help="Only the exchange with this request id.")] = None,
    decision: Annotated[str | None, typer.Option(help="Only this decision, such as block.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Show at most this many, the newest.")] = 50,
    directory: Annotated[
        Path | None, typer.Option(help="Directory of the audit trail; otherwise the one the settings name.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One canonical entry a line, as it lies on disk.")] = False,
) -> None:
    """Show entries of the audit trail, newest last."""
    wanted = Filter(moment_us(since), request, decision)
    with failures_reported():
        # Settings are read only when they are needed: a trail copied elsewhere is shown without any.
        directory = directory or load(None, os.environ).settings.audit.directory
    try:
        # Only so many entries are in memory, however large the trail is.
        newest = heapq.nlargest(limit, _matching(directory, wanted), key=lambda shown: shown.record.started_at_us)
    # Nothing is shown of a damaged trail, or what is missing would look as if it had not happened.
    except (CorruptLogError, OSError, ValueError) as exc:
        typer.echo(f"The audit trail cannot be read: {exc}", err=True)
        raise typer.Exit(1) from exc
    # Newest last, as in every log: the end is what a terminal leaves in view.
    newest.reverse()
    if as_json:
        for shown in newest:
            # Unchanged bytes: the leaf hash of an entry is over these, so they can be checked elsewhere.
            typer.echo(shown.entry)
    elif newest:
        console = Console()
        console.print(_table(newest) if console.width >= _WIDE_CHARACTERS else _stacked_table(newest))
    else:
        # On standard error, so that a pipe gets nothing rather than a sentence for an entry.
        typer.echo(f"No entries under {directory} fit.", err=True)


def _matching(directory: Path, wanted: Filter) -> Iterator[Shown]:
    # A mistyped directory must not read as a trail in which nothing happened.
    if not directory.is_dir():
        raise OSError(f"there is no directory {directory}; name it with --directory")
    # Decoding costs ten times what reading does, so the one entry of a request is looked for in the bytes first.
    needle = canonical_json(wanted.request_id) if wanted.request_id else b""
    # Each process writes a log of its own; the times put them in one order.
    for log_directory in log_directories(directory):
        for stored in read_log(log_directory):
            if needle not in stored.entry:
                continue
            record = decode(stored.entry)
            # The bytes may hold the id in another member, so the decoded one decides.
            if wanted.fits(record):
                yield Shown(record, stored.entry)


def _table(newest: list[Shown]) -> Table:
    table = Table()
    for name in _COLUMNS:
        table.add_column(name, no_wrap=name in _WHOLE_COLUMNS)
    for record, _ in newest:
        # Account and model names are the operator's, terms the lists'; none of them is markup.
        table.add_row(*map(escape, _cells(record)))
    return table


def _stacked_table(newest: list[Shown]) -> Table:
    """Return the same for a narrow terminal: what belongs together stands in one cell, line by line."""
    table = Table(box=None, padding=(0, 2, 1, 0), pad_edge=False)
    for name in _STACKED:
        table.add_column(name, no_wrap=name in ("time", "request / account"), overflow="fold")
    for record, _ in newest:
        moment, request, account, decision, phase, risks, terms, status = map(escape, _cells(record))
        day, _, hour = moment[: len("2026-11-22 12:00:00")].partition(" ")
        why = "\n".join(filter(None, (risks, terms, status)))
        table.add_row(f"{day}\n{hour}", f"{request}\n{account}", f"{decision}\n{phase}".rstrip(), why)
    return table


def _cells(record: ExchangeRecord) -> tuple[str, ...]:
    # Local time, as in the clock of the person who reads; the zone stands behind it.
    moment = datetime.fromtimestamp(record.started_at_us / 1_000_000, UTC).astimezone()
    terms: Counter[str] = Counter()
    for finding in record.findings:
        terms[finding.term] += finding.count
    return (
        moment.isoformat(sep=" ", timespec="milliseconds"),
        record.request_id,
        record.account,
        record.decision,
        # Only a block falls in one half of an exchange.
        record.phase.value if record.phase else "",
        ", ".join(sorted({finding.risk for finding in record.findings})),
        ", ".join(f"{term} ×{count}" if count > 1 else term for term, count in terms.items()),
        f"{record.status} {record.error}".rstrip(),
    )
