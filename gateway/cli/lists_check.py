"""``sluice lists check``: are lists well formed, complete, and harmless to harmless texts."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from filters.list_coverage import Coverage, Repetition, coverage, repetitions, short_terms, unmatched
from filters.list_rows import ListRow
from filters.list_stats import ListStats, count_rows
from filters.lists import ListError, Problem
from filters.taxonomy import load_taxonomy
from gateway.cli.context import ConfigOption, console
from gateway.cli.lists_harmless import Harmless, blocked_texts
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
from gateway.rulesets.sources import today

_SHOWN_PROBLEMS = 50


class Report(NamedTuple):
    """What a check found in lists that are well formed.

    Attributes:
        problems: what is wrong or missing.
        notes: what is worth a look and no fault.
        coverage: the classes that need keywords.
        total_minimum: keywords the standard asks for in all.
        stats: what is in force.
        expired: rows whose last day has passed.
        harmless: what harmless texts showed; None where there were none.
    """

    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    coverage: tuple[Coverage, ...]
    total_minimum: int
    stats: ListStats
    expired: int
    harmless: Harmless | None = None


def check(
    which: WhichArgument = None,
    *,
    harmless: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Texts that must pass: one a line, or JSON rows (gzip too)."),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Check format, coverage, repetition, provenance, harmless texts; exit 1 when something is wrong or missing."""
    with list_failures_reported():
        lists = settings_of(config)
        day = today(lists, datetime.now(UTC))
        try:
            read = read_all(choose(lists, which).directories)
            report = examine(read, day, lists.minimum_per_risk)
            file = harmless or lists.harmless
            if file is not None:
                report = with_harmless(report, blocked_texts(read, day, file), lists.harmless_per_mille)
        except ListError as error:
            # Programs get the same from either end: wrong lists as much as short ones.
            if as_json:
                echo_json({"ok": False, "problems": _as_json(error.problems)})
                raise typer.Exit(1) from error
            raise
    if as_json:
        echo_json(_describe(report))
    else:
        _show(report)
    raise typer.Exit(1 if report.problems else 0)


def examine(read: Sequence[Sequence[ListRow]], day: date, minimum_per_risk: int) -> Report:
    """Examine lists that are well formed.

    Args:
        read: the rows of each directory.
        day: today, by which terms expire.
        minimum_per_risk: keywords asked for in each class, where the standard asks for fewer.
    """
    rows, taxonomy = joined(read), load_taxonomy()
    stats = count_rows(row for row in rows if row.in_force(day))
    covered = coverage(stats, taxonomy, minimum_per_risk)
    # In one directory somebody keeps both rows and can take one out. What another directory repeats, after an
    # upgrade of the shipped lists for example, is said and no fault.
    within = [repetition for directory in read for repetition in repetitions(directory)]
    told = {id(each.again) for each in within}
    problems = [_repeated(each) for each in within]
    problems += [_too_short(row) for row in short_terms(rows)]
    problems += [_not_found(row) for row in unmatched([row for row in rows if row.in_force(day)])]
    problems += [_short(each.risk.id, each.keywords, each.minimum) for each in covered if each.missing]
    if stats.total < taxonomy.keyword_total_min:
        problems.append(_short("all", stats.total, taxonomy.keyword_total_min))
    notes = [_repeated(each) for each in repetitions(rows) if id(each.again) not in told]
    expired = len(rows) - sum(stats.by_kind.values())
    return Report(tuple(problems), tuple(notes), covered, taxonomy.keyword_total_min, stats, expired)


def with_harmless(report: Report, harmless: Harmless, per_mille: float) -> Report:
    """Return a report with what harmless texts showed.

    Args:
        report: of the same lists.
        harmless: what was found in the texts.
        per_mille: share of them that may be blocked, in thousandths.
    """
    if harmless.blocked * 1_000 <= per_mille * harmless.texts:
        return report._replace(harmless=harmless)
    terms = "; ".join(f"{text} ({count})" for text, count in harmless.terms)
    message = (
        f"{harmless.blocked} of {harmless.texts} harmless texts are blocked, {per_mille:g} in 1000 are allowed;"
        f" drop, narrow or flag: {terms}"
    )
    return report._replace(problems=(*report.problems, Problem("harmless", 0, message)), harmless=harmless)


def _too_short(row: ListRow) -> Problem:
    what = f"term is {row.term.text!r}, which stands inside ordinary words; make it a word or a combination"
    return Problem(row.file, row.line, what)


def _not_found(row: ListRow) -> Problem:
    what = f"term {row.term.text!r} is not found in a text that holds it; look for an allow phrase around it"
    return Problem(row.file, row.line, what)


def _repeated(repetition: Repetition) -> Problem:
    first, again = repetition
    return Problem(again.file, again.line, f"term is also in {first.file}:{first.line}; keep one of them")


def _short(what: str, keywords: int, minimum: int) -> Problem:
    return Problem(what, 0, f"has {keywords} keywords, {minimum} are asked for; add {minimum - keywords}")


def _as_json(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [problem._asdict() for problem in problems]


def _describe(report: Report) -> dict[str, Any]:
    return {
        "ok": not report.problems,
        "problems": _as_json(report.problems),
        "notes": _as_json(report.notes),
        "coverage": [
            {"risk": each.risk.id, "keywords": each.keywords, "minimum": each.minimum} for each in report.coverage
        ],
        "total": report.stats.total,
        "total_minimum": report.total_minimum,
        "provenance": [{**each._asdict(), "rows": count} for each, count in report.stats.by_provenance.items()],
        "expired": report.expired,
        "harmless": report.harmless._asdict() if report.harmless else None,
    }


def _show(report: Report) -> None:
    table = Table("Risk", "Name", "Keywords", "Asked for")
    for each in report.coverage:
        style = "red" if each.missing else None
        table.add_row(each.risk.id, each.risk.zh, str(each.keywords), str(each.minimum), style=style)
    console().print(table)
    sources = Table("Source", "Licence", "Rows")
    for provenance, count in report.stats.by_provenance.items():
        # Free text of the lists, which Rich would otherwise read as markup.
        sources.add_row(Text(provenance.source), Text(provenance.licence), str(count))
    console().print(sources)
    typer.echo(f"{report.stats.total} keywords in force, {report.total_minimum} asked for; {report.expired} expired")
    if report.harmless:
        typer.echo(f"{report.harmless.blocked} of {report.harmless.texts} harmless texts blocked")
    for note in report.notes[:_SHOWN_PROBLEMS]:
        typer.echo(f"note: {note}")
    for problem in report.problems[:_SHOWN_PROBLEMS]:
        typer.echo(str(problem), err=True)
    if len(report.problems) > _SHOWN_PROBLEMS:
        typer.echo(f"and {len(report.problems) - _SHOWN_PROBLEMS} more", err=True)
