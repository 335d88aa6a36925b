"""`sluice labels`: AI-content labels in files.

There is no command that takes a label out of a file (Labelling Measures Art. 10).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NamedTuple, NoReturn

import orjson
import typer

from gateway.labelling.describing import describe
from gateway.labelling.formats import FileReading, Heard, propagate_label, read_file, write_label
from gateway.labelling.members import LabelError, Members, Verdict, check_propagator
from gateway.labelling.producer import check_producer, parse_producer
from gateway.labelling.propagation import Knowledge, verdict_with
from gateway.labelling.provenance import has_manifest
from gateway.labelling.seal import PLAIN, SealState, load_key
from gateway.labelling.signing import load_signer
from gateway.protocol.labels import Position

app = typer.Typer(no_args_is_help=True, help="AI-content labels in files: write, read, check a provider code.")

_FOUND = 1  # or failed
_WRONG_USE = 2
_WORDING = "内容由AI生成"

_DISPLACED = (
    "sluice labels: the file has a C2PA manifest, which no longer fits the file; with --c2pa it becomes the parent"
    " of one that does"
)

FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The file.")]
C2paOption = Annotated[
    tuple[Path, Path] | None,
    typer.Option(help="Sign a C2PA manifest as well: certificate chain and private key, in PEM."),
]


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
    c2pa: C2paOption = None,
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
            signer = None if c2pa is None else load_signer(*c2pa)
        except LabelError as exc:
            _refuse(str(exc))
        displaced = signer is None and has_manifest(file)
        form = write_label(
            file,
            output,
            members,
            shown=text if explicit else "",
            heard=Heard(at, voice),
            key=key,
            signer=signer,
            tell=lambda note: typer.echo(f"{output}: {note}", err=True),
        )
    typer.echo(f"{output}: {form.name}, labelled")
    if displaced:
        typer.echo(_DISPLACED, err=True)


@app.command()
def read(  # noqa: PLR0913 each is an option of the command
    file: FileArgument,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    seal_key: Annotated[Path | None, typer.Option(help="Verify the seal with this key.")] = None,
    declared: Annotated[bool, typer.Option("--declared", help="The user declares that it was generated.")] = False,
    traces: Annotated[bool, typer.Option("--traces", help="You found a visible label or other traces.")] = False,
    propagate: Annotated[
        Path | None, typer.Option(help="Write the file with your members as a propagator here; may be FILE.")
    ] = None,
    propagator: Annotated[str, typer.Option(help="With --propagate: your provider code, or name in ASCII.")] = "",
    propagate_id: Annotated[str, typer.Option(help="With --propagate: your number for this content.")] = "",
    c2pa: C2paOption = None,
) -> None:
    """Say what a file's label says, and if asked pass the file on; exit 1 when it is broken or its seal fails."""
    if propagate is None and (propagator or propagate_id or c2pa):
        _refuse("--propagator, --propagate-id and --c2pa go with --propagate")
    knowledge = Knowledge(declared=declared, traces=traces)
    with _reported(file):
        found = read_file(file, None if seal_key is None else load_key(seal_key))
    if as_json:
        typer.echo(orjson.dumps(describe(found, knowledge)).decode())
    else:
        _show(found, knowledge)
    failed = found.seal is not None and found.seal.state is SealState.FAILS
    if propagate is not None:
        _propagate(file, propagate, Passing(propagator, propagate_id, knowledge, c2pa))
    raise typer.Exit(_FOUND if failed or verdict_with(found.reading, knowledge) is Verdict.BROKEN else 0)


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


class Passing(NamedTuple):
    """What the options say of passing a file on.

    Attributes:
        propagator: code or name.
        propagate_id: number of the content there.
        knowledge: what is known of it besides its metadata.
        c2pa: files of certificate and key; None without.
    """

    propagator: str
    propagate_id: str
    knowledge: Knowledge
    c2pa: tuple[Path, Path] | None


def _propagate(file: Path, output: Path, passing: Passing) -> None:
    with _reported(file):
        try:
            check_propagator(check_producer(passing.propagator), passing.propagate_id)
            signer = None if passing.c2pa is None else load_signer(*passing.c2pa)
        except LabelError as exc:
            _refuse(f"--propagator, --propagate-id or --c2pa: {exc}")
        displaced = signer is None and has_manifest(file)
        written = propagate_label(file, output, passing.propagator, passing.propagate_id, passing.knowledge, signer)
    typer.echo(f"{output}: passed on as {written.verdict.value}", err=True)
    if displaced:
        typer.echo(_DISPLACED, err=True)


@contextmanager
def _reported(file: Path) -> Iterator[None]:
    """End the command with a sentence when a file cannot be read, or take a label."""
    try:
        yield
    except (LabelError, OSError) as exc:
        typer.echo(f"sluice labels: {file}: {exc}", err=True)
        raise typer.Exit(_FOUND) from exc


def _show(found: FileReading, knowledge: Knowledge) -> None:
    reading = found.reading
    typer.echo(f"{found.format}: {verdict_with(reading, knowledge).value}")
    if reading.members is not None:
        for name, value in reading.members.named().items():
            typer.echo(f"  {name}: {_printable(value)}")
    for problem in reading.problems:
        typer.echo(f"  problem: {_printable(problem)}")
    if found.seal is not None:
        typer.echo(f"  seal {found.seal.state.value}: {found.seal.message}")
    if found.manifest is not None:
        signer = f" (signer: {_printable(found.manifest.signer)})" if found.manifest.signer else ""
        typer.echo(f"  C2PA {found.manifest.state.value}: {_printable(found.manifest.message)}{signer}")


def _printable(value: str) -> str:
    # A label is a stranger's; what it holds must not steer the terminal.
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in value[:2048])


def _refuse(message: str) -> NoReturn:
    typer.echo(f"sluice labels: {message}", err=True)
    raise typer.Exit(_WRONG_USE)
