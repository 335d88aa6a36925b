"""`sluice labels`: AI-content labels in files.

There is no command that takes a label out of a file (Labelling Measures Art. 10).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import orjson
import typer

from gateway.labelling.describing import describe
from gateway.labelling.formats import FileReading, Heard, read_file, write_label
from gateway.labelling.members import LabelError, Members, Verdict
from gateway.labelling.producer import check_producer, parse_producer
from gateway.labelling.seal import PLAIN, SealState, load_key
from gateway.protocol.labels import Position

app = typer.Typer(no_args_is_help=True, help="AI-content labels in files: write, read, check a provider code.")

_FOUND = 1  # or failed
_WRONG_USE = 2
_WORDING = "内容由AI生成"

FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The file.")]


@app.command()
def write(  # noqa: PLR0913 each is an option of the command
    file: FileArgument,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the labelled file goes; may be FILE.")],
    producer: Annotated[str, typer.Option(help="Your provider code, or your name in ASCII.")],
    produce_id: Annotated[str, typer.Option(help="Your number for this content; one of its own for each.")],
    explicit: Annotated[bool, typer.Option("--explicit", help="Make a label for people as well.")] = False,
    text: Annotated[str, typer.Option(help="Wording of the label for people.")] = _WORDING,
    voice: Annotated[
        Path | None, typer.Option(help="Sound file with your spoken label, instead of a rhythm.")
    ] = None,
    at: Annotated[Position | None, typer.Option(help="Where a label to be heard stands; else the start.")] = None,
    digest: Annotated[bool, typer.Option("--digest", help="Seal with a digest, against accident.")] = False,
    seal_key: Annotated[Path | None, typer.Option(help="Seal with this key: Ed25519 in PEM, or HMAC bytes.")] = None,
) -> None:
    """Write a label into a file you generated; what the file holds is not encoded again without --explicit."""
    if digest and seal_key is not None:
        _refuse("--digest and --seal-key exclude each other")
    if not explicit and (voice is not None or at is not None):
        _refuse("--voice and --at are about the label for people: add --explicit")
    if voice is not None and not voice.is_file():
        _refuse(f"{voice}: there is no such file")
    with _reported(file):
        try:
            members = Members.first(check_producer(producer), produce_id)
            key = load_key(seal_key) if seal_key is not None else PLAIN if digest else None
        except LabelError as exc:
            _refuse(str(exc))
        form = write_label(
            file,
            output,
            members,
            shown=text if explicit else "",
            heard=Heard(at, voice),
            key=key,
            tell=lambda note: typer.echo(f"{output}: {note}", err=True),
        )
    typer.echo(f"{output}: {form.name}, labelled")


@app.command()
def read(
    file: FileArgument,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    seal_key: Annotated[Path | None, typer.Option(help="Verify the seal with this key.")] = None,
) -> None:
    """Say what a file's label says; exit 1 when it is broken or its seal fails."""
    with _reported(file):
        found = read_file(file, None if seal_key is None else load_key(seal_key))
    if as_json:
        typer.echo(orjson.dumps(describe(found)).decode())
    else:
        _show(found)
    failed = found.seal is not None and found.seal.state is SealState.FAILS
    raise typer.Exit(_FOUND if failed or found.reading.verdict is Verdict.BROKEN else 0)


@app.command("producer")
def show_producer(
    code: Annotated[str, typer.Argument(help="A provider code of 27 characters.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Take a provider code apart; exit 1 and say which part is wrong when it is none."""
    try:
        parts = asdict(parse_producer(code))
    except LabelError as exc:
        typer.echo(f"sluice labels: {exc}", err=True)
        raise typer.Exit(_FOUND) from exc
    if as_json:
        typer.echo(orjson.dumps(parts).decode())
    else:
        for name, value in parts.items():
            typer.echo(f"{name.replace('_', ' ')}: {value}")


@contextmanager
def _reported(file: Path) -> Iterator[None]:
    """End the command with a sentence when a file cannot be read, or take a label."""
    try:
        yield
    except (LabelError, OSError) as exc:
        typer.echo(f"sluice labels: {file}: {exc}", err=True)
        raise typer.Exit(_FOUND) from exc


def _show(found: FileReading) -> None:
    reading = found.reading
    typer.echo(f"{found.format}: {reading.verdict.value}")
    if reading.members is not None:
        for name, value in reading.members.named().items():
            typer.echo(f"  {name}: {_printable(value)}")
    for problem in reading.problems:
        typer.echo(f"  problem: {_printable(problem)}")
    if found.seal is not None:
        typer.echo(f"  seal {found.seal.state.value}: {found.seal.message}")


def _printable(value: str) -> str:
    # A label is a stranger's; what it holds must not steer the terminal.
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in value[:2048])


def _refuse(message: str) -> NoReturn:
    typer.echo(f"sluice labels: {message}", err=True)
    raise typer.Exit(_WRONG_USE)
