"""``sluice lists publish``, ``rollback`` and ``versions``: which lists are in force, and how to go back."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from filters.list_diff import compare_rows
from filters.lists import ListError, list_digest
from filters.ruleset import build_ruleset
from gateway.audit.event_forms import EventName
from gateway.cli.context import ConfigOption, console
from gateway.cli.lists_sources import (
    JsonOption,
    choose,
    echo_json,
    joined,
    list_failures_reported,
    read_all,
    settings_of,
)
from gateway.cli.trail import ReasonOption, check_option, trail_of, user_name
from gateway.moments import show_moment
from gateway.rulesets.candidates import MOST_PERCENT, Candidate, CandidateStore
from gateway.rulesets.sources import configured_directories
from gateway.rulesets.versions import Version, VersionStore


def publish(
    directory: Annotated[
        Path | None, typer.Argument(help="Lists to publish with the shipped ones; otherwise those of the settings.")
    ] = None,
    *,
    note: Annotated[
        str,
        typer.Option(help="Why, for whoever reads the versions and the audit trail later.", callback=check_option),
    ] = "",
    by: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who publishes; otherwise your user name.", callback=check_option),
    ] = None,
    activate: Annotated[bool, typer.Option(help="Make it the active one, and not store it only.")] = True,
    config: ConfigOption = None,
) -> None:
    """Store lists as a version and make it the active one; gateways on this machine follow within seconds."""
    with list_failures_reported():
        lists = settings_of(config)
        if directory is not None:
            lists = lists.model_copy(update={"directories": (directory,)})
        read = read_all(configured_directories(lists))
        terms = [row.term for row in joined(read)]
        # What cannot be built would be refused by every gateway, and nobody would be looking.
        digest = list_digest(terms)
        build_ruleset(terms, digest)
        try:
            before = joined(read_all(choose(lists, None).directories))
        except ListError:
            # Lists that are broken now are what this may be the repair of.
            before = ()
        added, removed, changed = map(len, compare_rows(before, joined(read)))
        trail = trail_of(config, note)

        def record(version: Version, active: str) -> None:
            details = {"ruleset": digest, "keywords": version.keywords, "by": version.by, **_from(active)}
            details |= {} if activate else {"active": "no"}
            details |= {"added": added, "removed": removed, "changed": changed}
            trail.record(EventName.LISTS_PUBLISHED, version.id, details)

        publisher = by or user_name()
        version = VersionStore(lists.versions).publish(
            read, publisher, note, time.time_ns() // 1_000, record, activate=activate
        )
    typer.echo(
        f"Version {version.id} is {'active' if activate else 'stored'}: {version.keywords} keywords;"
        f" {added} added, {removed} removed, {changed} changed."
    )


def rollback(
    *,
    to: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Id of a version; otherwise the one that was active before.")
    ] = None,
    reason: ReasonOption = "",
    config: ConfigOption = None,
) -> None:
    """Make an earlier version the active one; before the first are the directories of the settings."""
    with list_failures_reported():
        trail = trail_of(config, reason)

        def record(version: str, active: str) -> None:
            trail.record(EventName.LISTS_ROLLED_BACK, version, _from(active))

        version = VersionStore(settings_of(config).versions).roll_back(to, record)
    if version is None:
        typer.echo("No version is active now: the directories of the settings are.")
    else:
        typer.echo(f"Version {version.id} is active: {version.keywords} keywords.")


def try_out(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Id of a published version, or how it begins.")],
    *,
    percent: Annotated[int, typer.Option(min=1, max=MOST_PERCENT, help="How many of the people it judges.")],
    reason: ReasonOption = "",
    config: ConfigOption = None,
) -> None:
    """Try a version out: it judges some of the people, and the active one says besides what it would have decided."""
    with list_failures_reported():
        trail = trail_of(config, reason)

        def record(candidate: Candidate, active: str) -> None:
            trail.record(EventName.LISTS_TRIED, candidate.version, {"percent": candidate.percent, **_from(active)})

        candidate = CandidateStore(settings_of(config).versions).put(version, percent, record)
    typer.echo(f"Version {candidate.version} is tried out on {candidate.percent} % of the people.")


def promote(*, reason: ReasonOption = "", config: ConfigOption = None) -> None:
    """Make the version that is tried out the active one, for everybody."""
    with list_failures_reported():
        trail = trail_of(config, reason)

        def record(candidate: Candidate, active: str) -> None:
            trail.record(EventName.LISTS_PROMOTED, candidate.version, {"percent": candidate.percent, **_from(active)})

        candidate = CandidateStore(settings_of(config).versions).promote(record)
    typer.echo(f"Version {candidate.version} is active.")


def abandon(*, reason: ReasonOption = "", config: ConfigOption = None) -> None:
    """Give up the version that is tried out; the active one judges everybody again."""
    with list_failures_reported():
        trail = trail_of(config, reason)
        store = CandidateStore(settings_of(config).versions)
        store.abandon(lambda version: trail.record(EventName.LISTS_ABANDONED, version))
    typer.echo("Nothing is tried out now.")


def versions(*, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the published versions, the newest first."""
    with list_failures_reported():
        store = VersionStore(settings_of(config).versions)
        active, found = store.active_id(), store.versions()
    if as_json:
        echo_json(
            [
                {
                    "version": each.id,
                    "active": each.id == active,
                    "digest": each.digest,
                    "published_at": show_moment(each.published_at_us),
                    "by": each.by,
                    "note": each.note,
                    "keywords": each.keywords,
                }
                for each in found
            ]
        )
        return
    table = Table("Version", "", "Published", "By", "Keywords", "Note")
    for each in found:
        moment = show_moment(each.published_at_us) or ""
        mark = "active" if each.id == active else ""
        # Names and notes are free text, which Rich would otherwise read as markup.
        table.add_row(each.id, mark, moment, Text(each.by), str(each.keywords), Text(each.note))
    console().print(table)


def _from(active: str) -> dict[str, str | int]:
    return {"from": active} if active else {}
