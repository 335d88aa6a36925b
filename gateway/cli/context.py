"""What commands share: the store they work on, and how they fail.

Exit status 1 with one sentence on standard error for what went wrong; a stack is for defects only.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import Engine

from gateway.errors import GatewayError
from gateway.settings.loader import load
from gateway.settings.problems import SettingsError
from gateway.storage.engine import StorageError, open_engine
from gateway.storage.migrate import pending

_SQLITE_FILE = "sqlite:///"

# Narrower, a table would cut what people copy from it.
_TABLE_COLUMNS = 80

StoreOption = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="The store; otherwise the one the settings name ([store] url)."),
]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file; default ./sluice.toml.")]


def open_store(url: str | None, config: Path | None = None) -> Engine:
    """Open the store a command works on.

    Args:
        url: what the command line named; None takes the settings'.
        config: settings file; None takes the default.

    Raises:
        StorageError: when it cannot be opened.
        SettingsError: when the settings are wrong.
    """
    url = url or load(config, os.environ).settings.store.url
    if url.startswith(_SQLITE_FILE):
        # SQLite makes its file and no directory, and its error for that names neither.
        Path(url.removeprefix(_SQLITE_FILE)).parent.mkdir(parents=True, exist_ok=True)
    return open_engine(url)


@contextmanager
def store_for(url: str | None, config: Path | None = None) -> Iterator[Engine]:
    """Open a store that is up to date for one command, and close it after."""
    with failures_reported():
        engine = open_store(url, config)
        try:
            if pending(engine):
                # Not migrated in passing: a newer program beside a running gateway would change its tables unasked.
                raise StorageError("The store's tables are missing or out of date. Run 'sluice migrate' first.")
            yield engine
        finally:
            engine.dispose()


@contextmanager
def failures_reported() -> Iterator[None]:
    """End the command with status 1 and one sentence when something expected fails."""
    try:
        yield
    except SettingsError as exc:
        typer.echo(str(exc), err=True)
        # Wrong settings are wrong use, which a script should not try again.
        raise typer.Exit(2) from exc
    except GatewayError as exc:
        typer.echo(f"Error: {exc}", err=True)
        raise typer.Exit(1) from exc


def console() -> Console:
    """Return a console on standard output, wide enough for what is copied from it."""
    detected = Console()
    return detected if detected.width >= _TABLE_COLUMNS else Console(width=_TABLE_COLUMNS)
