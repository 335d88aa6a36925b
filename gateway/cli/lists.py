"""``sluice lists``: keyword lists, from their format to the version that is in force."""

from datetime import UTC, datetime
from importlib.resources.abc import Traversable
from typing import Annotated, Any

import typer
from rich.table import Table

from filters.list_coverage import coverage
from filters.list_diff import Difference, compare_rows
from filters.list_rows import ListRow, write_row
from filters.list_stats import ListStats, count_rows
from filters.taxonomy import load_taxonomy
from gateway.cli.context import ConfigOption, console
from gateway.cli.lists_check import check
from gateway.cli.lists_export import export
from gateway.cli.lists_import import import_terms
from gateway.cli.lists_sources import (
    JsonOption,
    WhichArgument,
    choose,
    echo_json,
    joined,
    list_failures_reported,
    read_all,
    settings_of,
)
from gateway.cli.lists_versions import abandon, promote, publish, rollback, try_out, versions
from gateway.rulesets.sources import ActiveLists, changed_at_seconds, today
from gateway.rulesets.versions import VersionStore
from gateway.settings.models import Lists

app = typer.Typer(no_args_is_help=True, help="Keyword lists: format, coverage, provenance, versions.")
app.command()(check)
app.command("import")(import_terms)
app.command()(export)
app.command()(publish)
app.command()(rollback)
app.command("try")(try_out)
app.command()(promote)
app.command()(abandon)
app.command()(versions)

_SECONDS_PER_DAY = 86_400
_BAR_CHARACTERS = 16


@app.command()
def stats(which: WhichArgument = None, *, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Count the keywords in force, by risk class and language."""
    now = datetime.now(UTC)
    with list_failures_reported():
        lists = settings_of(config)
        chosen = choose(lists, which)
        day = today(lists, now)
        counted = count_rows(row for row in joined(read_all(chosen.directories)) if row.in_force(day))
        age_days = _age_days(lists, chosen.version, chosen.directories, now)
    if as_json:
        provenance = [{**each._asdict(), "rows": count} for each, count in counted.by_provenance.items()]
        numbers = {**counted._asdict(), "by_provenance": provenance}
        echo_json({**numbers, "version": chosen.version or None, "age_days": age_days})
    else:
        _show_stats(counted, chosen.version, age_days, lists.minimum_per_risk)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="A directory, or a version's id.")],
    after: Annotated[str, typer.Argument(help="The same, as it is now.")],
    *,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show which rows were added, removed and changed; exit 0 whether or not there are any."""
    with list_failures_reported():
        lists = settings_of(config)
        old, new = (joined(read_all(choose(lists, which).directories)) for which in (before, after))
    difference = compare_rows(old, new)
    if as_json:
        echo_json(_describe(difference))
    else:
        _show(difference)


def _age_days(lists: Lists, version: str, directories: tuple[Traversable, ...], now: datetime) -> int:
    changed_at = changed_at_seconds(ActiveLists(directories, version), VersionStore(lists.versions))
    return int((now.timestamp() - changed_at) // _SECONDS_PER_DAY)


def bar(count: int, most: int) -> str:
    """Return a bar for a number, in eighths of a character.

    Args:
        count: the number.
        most: the number whose bar is the longest.
    """
    eighths = round(count * _BAR_CHARACTERS * 8 / max(most, 1))
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _show_stats(counted: ListStats, version: str, age_days: int, minimum_per_risk: int) -> None:
    taxonomy = load_taxonomy()
    minimums = {each.risk.id: each.minimum for each in coverage(counted, taxonomy, minimum_per_risk)}
    counts = dict.fromkeys(minimums, 0) | dict(counted.by_risk)
    table = Table("Risk", "Name", "Keywords", "Asked for", "")
    for risk, count in sorted(counts.items()):
        minimum = minimums.get(risk, 0)
        style = "red" if count < minimum else "green" if minimum else None
        asked = str(minimum) if risk in minimums else "–"
        table.add_row(risk, taxonomy.risks[risk].zh, str(count), asked, bar(count, max(counts.values())), style=style)
    console().print(table)
    typer.echo(f"{counted.total} keywords; {_listed(counted.by_kind)}; {_listed(counted.by_language)}")
    typer.echo(f"{f'version {version}' if version else 'no version published'}; changed {age_days} days ago")


def _listed(counts: Any) -> str:  # noqa: ANN401 any mapping of numbers
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _describe(difference: Difference) -> dict[str, Any]:
    changed = [
        {
            **_place(change.after),
            "columns": {name: {"before": was, "after": now} for name, (was, now) in change.columns.items()},
        }
        for change in difference.changed
    ]
    return {
        "added": [write_row(row) for row in difference.added],
        "removed": [write_row(row) for row in difference.removed],
        "changed": changed,
    }


def _place(row: ListRow) -> dict[str, str]:
    return {"risk": row.term.risk, "term": row.term.text}


def _show(difference: Difference) -> None:
    # Text and not a table: it is read line by line, mailed and kept, and a term may be long.
    for sign, rows in (("+", difference.added), ("-", difference.removed)):
        for row in rows:
            values = write_row(row)
            typer.echo(f"{sign} {values['risk']} {values['term']} ({values['kind']}, {values['action']})")
    for change in difference.changed:
        columns = "; ".join(f"{name}: {was or '–'} → {now or '–'}" for name, (was, now) in change.columns.items())
        typer.echo(f"~ {change.after.term.risk} {change.after.term.text} ({columns})")
    added, removed, changed = map(len, difference)
    typer.echo(f"{added} added, {removed} removed, {changed} changed")
