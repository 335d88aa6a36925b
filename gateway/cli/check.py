"""`sluice check`: scan a text, or a file of texts, with the ruleset the settings name."""

import os
import sys
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import orjson
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from filters.findings import MOST_FINDINGS, Action, Finding, Phase, Stage
from filters.lists import ListError
from filters.ruleset import Ruleset
from filters.taxonomy import load_taxonomy
from gateway.accounts.account import AccountKind
from gateway.classifiers import TextScores, chosen_classifier, open_model
from gateway.cli.rows import STANDARD, open_source, open_target, read_rows, write_row
from gateway.lifecycle import load_ruleset
from gateway.protocol.judge import Decision, Judge
from gateway.protocol.personal import scan_texts
from gateway.protocol.policy import Policy
from gateway.settings.loader import Loaded, load
from gateway.settings.policies import build_policies, check_risks
from gateway.settings.problems import SettingsError

# As linters do, so that a script can tell a finding from a mistake in the call.
_FOUND = 1  # or failed
_WRONG_USE = 2


def check(  # noqa: PLR0913 each is an option of the command
    text: Annotated[str | None, typer.Argument(help="Text to scan; - reads standard input.")] = None,
    *,
    file: Annotated[Path | None, typer.Option(help="Scan the text in this file.")] = None,
    jsonl: Annotated[
        Path | None,
        typer.Option(help='Scan a file of {"id","text"} rows (gzip too); - reads them from standard input.'),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where the rows of --jsonl go; - writes them to standard output."),
    ] = None,
    phase: Annotated[Phase, typer.Option(help="Judge as a prompt or as a reply.")] = Phase.REQUEST,
    account: Annotated[AccountKind, typer.Option(help="Judge as for this kind of account.")] = AccountKind.USER,
    policy: Annotated[str, typer.Option(help="Policy to judge by.")] = "default",
    stages: Annotated[
        str | None, typer.Option(help="Stages to scan with, joined by commas; otherwise all there are.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file; default ./sluice.toml.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Scan a text with the active lists; exit 1 when something is found.

    Offsets count characters of the text as given. A file of rows exits 0: its answers are in the rows that come out.
    A row that cannot be read comes out with the decision "error", and the command exits 1 at the end.
    """
    # Before the lists are loaded, which takes longer than anybody should wait for a mistyped option.
    _check_use(text, file, jsonl, output)
    # A stage left out by a slip would make every text look clean.
    chosen = set(stages.split(",")) if stages is not None else None
    if unknown := (chosen or set()) - set(Stage):
        _refuse(f"--stages: {', '.join(sorted(unknown))} is not known here; known are {', '.join(Stage)}")
    scanner = _Scanner(config, policy, phase, chosen, observe=account is AccountKind.UNFILTERED)
    if jsonl is not None and output is not None:
        # Exit 0 whatever is found: over a bank of questions harmful rows are expected, and no failure.
        with _reported(jsonl):
            unread = scanner.scan_rows(jsonl, output)
        raise typer.Exit(_FOUND if unread else 0)
    with _reported(file or "the text"):
        given = _read(text, file)
    row = scanner.scan(given)
    if as_json:
        typer.echo(orjson.dumps(row).decode())
    else:
        _show(row)
    raise typer.Exit(_FOUND if row["findings"] else 0)


class _Scanner:
    """Scans texts by one policy."""

    def __init__(
        self, config: Path | None, policy: str, phase: Phase, stages: Collection[str] | None, *, observe: bool
    ) -> None:
        try:
            loaded = load(config, os.environ)
            # As `serve` does: a verdict by settings that it would refuse is worth nothing.
            check_risks(loaded, load_taxonomy().risks)
            policies = build_policies(loaded.settings)
            self._ruleset: Ruleset = load_ruleset(loaded.settings.lists)
        except (SettingsError, ListError) as error:
            _refuse(str(error))
        if policy not in policies:
            _refuse(f"--policy: there is no policy {policy!r}; known are {', '.join(policies)}")
        self._policy: Policy = policies[policy]
        self._phase = phase
        try:
            self._scores = _scores_of(loaded, self._policy, phase, stages)
        except SettingsError as error:
            _refuse(str(error))
        self._stages = set(Stage) if stages is None else stages
        # An unfiltered account is judged as in an exchange, so its records can be compared with this.
        self._observe = observe

    def scan(self, text: str) -> dict[str, Any]:
        """Return decision and findings for one text."""
        # A new one per text, since it keeps the hardest action so far and would carry it into the next.
        judge = Judge(self._policy, observe=self._observe)
        personal = Stage.PERSONAL_DATA in self._stages
        (findings,) = scan_texts(self._ruleset, self._phase, [text], personal=personal)
        chosen = [each for each in findings[:MOST_FINDINGS] if each.stage in self._stages]
        # What keywords decide is not scored, in an exchange either: a block needs no second reason.
        if self._scores is not None and not self._blocks(chosen):
            chosen += self._scores.findings(text)
        # A term the policy switches off has no effect in an exchange, so it is no finding here.
        acted = [each for each in chosen if judge.act(self._phase, each) is not Action.OFF]
        # More than are judged one by one block as such, and the text was not read to its end.
        if len(findings) > MOST_FINDINGS:
            judge.overrun(self._phase)
        return {"decision": judge.decision.value, "findings": [_describe(each) for each in acted]}

    def _blocks(self, found: list[Finding]) -> bool:
        return any(self._policy.action_for(self._phase, each) is Action.BLOCK for each in found)

    def scan_rows(self, source: Path, target: Path) -> int:
        """Scan a file of rows into a file of rows, in the same order; return how many could not be read."""
        unread = 0
        with (
            open_source(source) as rows,
            open_target(target) as out,
            # On standard error and for people only: output that goes into a pipe or a log stays clean.
            Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress,
        ):
            # Compressed bytes are counted, because the length of the text is not known before its end.
            task = progress.add_task("Scanning", total=rows.size_bytes)
            for row in read_rows(rows.lines):
                if row.text is None:
                    unread += 1
                    # The row itself is not quoted: banks of test questions hold what nobody wants in a log.
                    typer.echo(
                        f'sluice check: {source}:{row.number}: not a JSON object with a string "text"', err=True
                    )
                # Written all the same, so that rows in and rows out stay side by side.
                verdict = _UNREAD if row.text is None else self.scan(row.text)
                write_row(out, {"id": row.id, **verdict})
                if rows.size_bytes is not None:
                    progress.update(task, completed=rows.raw.tell())
        return unread


def _scores_of(loaded: Loaded, policy: Policy, phase: Phase, stages: Collection[str] | None) -> "TextScores | None":
    """Load the classifier where the stage is wanted; where it was named and is not there, end the command."""
    if stages is not None and Stage.CLASSIFIER not in stages:
        return None
    chosen = chosen_classifier(loaded.settings)
    if chosen is None:
        if stages is None:
            return None
        _refuse("--stages: there is no classifier here; add a table [[classifiers]] with name and path")
    return TextScores(open_model(loaded, chosen), policy, phase)


# Never "allow": nobody read it.
_UNREAD: dict[str, Any] = {"decision": Decision.ERROR.value, "findings": []}


def _check_use(text: str | None, file: Path | None, jsonl: Path | None, output: Path | None) -> None:
    if sum(given is not None for given in (text, file, jsonl)) != 1:
        _refuse("give a text, - for standard input, --file FILE or --jsonl FILE: one of them")
    if (jsonl is None) != (output is None):
        _refuse("--jsonl FILE and -o FILE go together")
    files = [each for each in (jsonl, output) if each is not None and each != STANDARD and each.exists()]
    # Opening the output empties it, and with it a source that was named twice.
    if len(files) > 1 and files[0].samefile(files[1]):
        _refuse("-o names the file that is read; name another one")


@contextmanager
def _reported(source: Path | str) -> Iterator[None]:
    """End the command with a sentence when what is to be scanned cannot be read, or the rows not written."""
    try:
        yield
    except UnicodeError as error:
        # Only the kind of error is told: the error's own text quotes bytes of the text.
        _refuse(f"{source} is not UTF-8: {type(error).__name__}; convert it first")
    except (OSError, EOFError, zlib.error) as error:
        typer.echo(f"sluice check: {source}: {error}", err=True)
        raise typer.Exit(_FOUND) from error


def _read(text: str | None, file: Path | None) -> str:
    """Return the text as given, line ends and all, because offsets count its characters."""
    if file is not None:
        # Reading in text mode would turn CR LF into one character and shift every offset behind it.
        return file.read_bytes().decode()
    if text == "-":
        return sys.stdin.buffer.read().decode()
    # An argument that is not UTF-8 comes with lone surrogates, which no text of an exchange can hold.
    return (text or "").encode().decode()


def _describe(finding: Finding) -> dict[str, Any]:
    return {
        "stage": finding.stage.value,
        "risk": finding.risk,
        "start": finding.start,
        "end": finding.end,
        "term": finding.term.text,
        # A keyword finding has none; the member stands so that every row has one shape.
        "score": finding.score,
        "via": [step.value for step in finding.via],
    }


def _show(row: dict[str, Any]) -> None:
    console = Console()
    console.print(f"decision: [bold]{row['decision']}[/bold]")
    if not row["findings"]:
        return
    table = Table("stage", "risk", "start", "end", "term", "via")
    for each in row["findings"]:
        # A term is the list's, not markup.
        cells = [*(str(each[name]) for name in ("stage", "risk", "start", "end", "term")), ", ".join(each["via"])]
        table.add_row(*map(Text, cells))
    console.print(table)


def _refuse(message: str) -> NoReturn:
    typer.echo(f"sluice check: {message}", err=True)
    raise typer.Exit(_WRONG_USE)
