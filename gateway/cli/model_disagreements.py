"""``sluice model disagreements``: where a classifier in shadow and what decides differed, from the audit trail.

Two shadows are told apart. A classifier with ``shadow = true`` is asked beside those that decide, and each text it
would have decided otherwise on is an entry of its own. A policy with the stage in shadow mode writes what would have
been decided into the entry of the exchange.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import orjson
import typer
from rich.table import Table

from filters.findings import Action, Stage
from gateway.audit.entry import decode
from gateway.audit.event_forms import EventName
from gateway.audit.events import Event
from gateway.audit.reader import read_log
from gateway.audit.segment import log_directories
from gateway.cli.audit_options import DirectoryOption, audit_directory, moment_us, trail_failures_reported
from gateway.cli.context import console
from gateway.protocol.record import ExchangeRecord

_STEPS = 10
_FULL = 1000
# What stands in the bytes of every entry that counts; decoding costs ten times what reading does.
_DIFFERED = EventName.CLASSIFIER_DIFFERED.encode()
_SHADOWED = b'"shadow":"'
_STAGE = f'"stage":"{Stage.CLASSIFIER}"'.encode()
_POLICY = "policy"
_DECISIVE = frozenset({Action.MASK, Action.RESTORE, Action.BLOCK})


class Disagreement(NamedTuple):
    """A text on which a shadow and what decides differed.

    Attributes:
        at_us: when it was recorded, in microseconds of Unix time.
        request_id: of the exchange.
        shadow: name of the classifier in shadow, or ``policy`` and its name.
        side: ``input`` or ``output``.
        outcome: ``shadow_only`` where the shadow alone would have acted, else ``decided_only``.
        category: what the text was taken for, by whoever would have acted.
        score: how sure that was, in per mille.
        other_score: how sure the other one was, in per mille; None where it is not known.
    """

    at_us: int
    request_id: str
    shadow: str
    side: str
    outcome: str
    category: str
    score: int
    other_score: int | None


class Report(NamedTuple):
    """What was read.

    Attributes:
        found: newest last.
        unreported: texts beside them that differed, of which the trail tells only the number.
    """

    found: list[Disagreement]
    unreported: int


def disagreements(
    since: Annotated[str | None, typer.Option(help="Only since: 90s, 1h, 7d, or a date.")] = None,
    until: Annotated[str | None, typer.Option(help="Only before: the same.")] = None,
    directory: DirectoryOption = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write all of them to this file, one a line, for a spreadsheet.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Name at most this many requests, the newest.")] = 20,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Compare a classifier in shadow with what decides: counts by class, scores, and the requests.

    Read from the files of the audit trail. `sluice audit show --request ID` shows one of them, and
    `sluice audit content` its text, where that was kept.
    """
    since_us, until_us = moment_us(since), moment_us(until)
    with trail_failures_reported():
        report = read_disagreements(audit_directory(directory), since_us, until_us)
        if csv_file is not None:
            _write_csv(csv_file, report.found)
    if as_json:
        rows = [each._asdict() for each in report.found]
        typer.echo(orjson.dumps({"disagreements": rows, "unreported": report.unreported}).decode())
        return
    _show(report, limit)


def read_disagreements(directory: Path, since_us: int | None = None, until_us: int | None = None) -> Report:
    """Return what differed, from the files of a trail.

    Args:
        directory: the audit directory.
        since_us: of nothing earlier, in microseconds of Unix time.
        until_us: of nothing from then on.

    Raises:
        CorruptLogError: a log is damaged.
        OSError: a log cannot be read, or there is no such directory.
        ValueError: an entry is of a form that is not known here.
    """
    # A mistyped directory must not read as a trail in which nothing differed.
    if not directory.is_dir():
        raise OSError(f"there is no directory {directory}; name it with --directory")
    found: list[Disagreement] = []
    unreported = 0
    for entry in _entries(directory):
        read = decode(entry)
        if isinstance(read, Event):
            within = _within(read.at_us, since_us, until_us)
            found += [_of_event(read)] if within else []
            unreported += int(read.details.get("unreported", 0)) if within else 0
        elif isinstance(read, ExchangeRecord) and _within(read.started_at_us, since_us, until_us):
            found += _of_exchange(read)
    return Report(sorted(found), unreported)


def _entries(directory: Path) -> Iterator[bytes]:
    for log_directory in log_directories(directory):
        for stored in read_log(log_directory):
            entry = stored.entry
            if _DIFFERED in entry or (_SHADOWED in entry and _STAGE in entry):
                yield entry


def _within(at_us: int, since_us: int | None, until_us: int | None) -> bool:
    return (since_us is None or at_us >= since_us) and (until_us is None or at_us < until_us)


def _of_event(event: Event) -> Disagreement:
    said = event.details
    own, other = ("shadow", "decided") if said["outcome"] == "shadow_only" else ("decided", "shadow")
    return Disagreement(
        event.at_us,
        event.subject,
        str(said["classifier"]),
        str(said["side"]),
        str(said["outcome"]),
        str(said[own]),
        int(said[f"{own}_score"]),
        int(said[f"{other}_score"]),
    )


def _of_exchange(record: ExchangeRecord) -> Iterator[Disagreement]:
    """Yield what the stage would have acted on, had the policy not had it in shadow."""
    for finding in record.findings if record.shadow else ():
        if finding.stage is Stage.CLASSIFIER and finding.action in _DECISIVE:
            side = "input" if finding.phase.value == "request" else "output"
            shadow = f"{_POLICY} {record.policy}"
            score = finding.score or 0
            yield Disagreement(
                record.started_at_us, record.request_id, shadow, side, "shadow_only", finding.term, score, None
            )


def _show(report: Report, limit: int) -> None:
    found, unreported = report
    if not found:
        typer.echo("Nothing differed: no classifier was in shadow, or it agreed.")
        return
    by_class = Table("shadow", "side", "outcome", "class", "texts", "score, low to high", title="What differed")
    groups: dict[tuple[str, ...], list[int]] = {}
    for each in found:
        groups.setdefault((each.shadow, each.side, each.outcome, each.category), []).append(each.score)
    for name, scores in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        by_class.add_row(*name, str(len(scores)), spread(scores))
    console().print(by_class)
    requests = Table("time", "request", "shadow", "outcome", "class", "score", title="The newest of them")
    for each in found[len(found) - min(limit, len(found)) :]:
        time = datetime.fromtimestamp(each.at_us / 1e6, UTC).isoformat(" ", "seconds").removesuffix("+00:00")
        other = "" if each.other_score is None else f" against {each.other_score / _FULL:.3f}"
        cells = (time, each.request_id, each.shadow, each.outcome, each.category)
        requests.add_row(*cells, f"{each.score / _FULL:.3f}{other}")
    if limit:
        console().print(requests)
    typer.echo(f"{len(found)} texts of {len({each.request_id for each in found})} requests differed.")
    if unreported:
        typer.echo(f"{unreported} more differed of which no entry was written, since there were too many a minute.")


def spread(scores: Iterable[int]) -> str:
    """Return how scores are spread, as a small chart of ten steps from 0 to 1."""
    counts = Counter(min(score * _STEPS // _FULL, _STEPS - 1) for score in scores)
    most = max(counts.values(), default=0)
    # A step that has any is seen, however few they are beside the highest.
    return "".join(" ▁▂▃▄▅▆▇█"[-(-8 * counts[step] // most)] if counts[step] else "·" for step in range(_STEPS))


def _write_csv(file: Path, found: Sequence[Disagreement]) -> None:
    # With a mark in front: spreadsheets take it for UTF-8 then.
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(Disagreement._fields)
        writer.writerows(found)
