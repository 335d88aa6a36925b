"""What the commands on the audit trail share: where it lies, and by which key it is verified."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gateway.audit.checkpointing import signing_key_file
from gateway.audit.note import PublicKey
from gateway.audit.segment import CorruptLogError
from gateway.audit.signing_key import load_key
from gateway.cli.context import failures_reported
from gateway.settings.loader import load

_KEY_LIMIT_BYTES = 4096
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
# Five digits at most: more would leave the range of dates and fail with an error about Python.
_DURATION = re.compile(r"(\d{1,5})([smhdw])")

DirectoryOption = Annotated[
    Path | None, typer.Option(help="Directory of the audit trail; otherwise the one the settings name.")
]
KeyOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="Public key to verify by, as `sluice audit key` prints it or as PEM; otherwise this installation's own. "
        "Give several when the key was replaced.",
    ),
]


def audit_directory(directory: Path | None) -> Path:
    """Return where the trail lies."""
    # Settings are read only when they are needed: a trail copied elsewhere is worked on without any.
    return directory or load(None, os.environ).settings.audit.directory


def own_key() -> PublicKey:
    """Return the public half of this installation's signing key."""
    path = signing_key_file(load(None, os.environ).settings.audit)
    try:
        return load_key(path).public
    except FileNotFoundError:
        typer.echo(f"There is no signing key {path}; name a public key with --key.", err=True)
        raise typer.Exit(2) from None


def public_keys(files: Sequence[Path] | None) -> list[PublicKey]:
    """Return the keys to verify by; never one that came with what is verified, unless it is named."""
    return [_read_key(path) for path in files] if files else [own_key()]


def _read_key(path: Path) -> PublicKey:
    try:
        with path.open("rb") as file:
            return PublicKey.parse(file.read(_KEY_LIMIT_BYTES).decode())
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else exc
        typer.echo(f"{path} cannot be used as a key: {reason}", err=True)
        raise typer.Exit(2) from exc


@contextmanager
def trail_failures_reported() -> Iterator[None]:
    """End the command with status 1 and one sentence when the trail or a file cannot be worked with."""
    with failures_reported():
        try:
            yield
        except (CorruptLogError, OSError, ValueError) as exc:
            typer.echo(f"Error: {exc}", err=True)
            raise typer.Exit(1) from exc


def progress_bar() -> Progress:
    """Return a progress bar on standard error, that a pipe sees nothing of."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not Console(stderr=True).is_terminal,
    )


def moment_us(text: str | None) -> int | None:
    """Read a duration back from now, or a date; one without a zone is local time.

    Raises:
        typer.BadParameter: it is neither.
    """
    if text is None:
        return None
    if duration := _DURATION.fullmatch(text):
        moment = datetime.now(UTC) - timedelta(**{_UNITS[duration[2]]: int(duration[1])})
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise typer.BadParameter("give a duration such as 90s, 1h or 7d, or a date as in ISO 8601") from None
    return int(moment.timestamp() * 1_000_000)
