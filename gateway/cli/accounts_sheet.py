"""``accounts create --sheet``: the file with the keys, made before there are any."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from gateway.accounts.account import Account
from gateway.accounts.sheet import Service, write_sheet
from gateway.errors import ResourceError
from gateway.settings.models import Settings

SheetOption = Annotated[
    Path | None,
    typer.Option(
        "--sheet", metavar="FILE", help="Write the accounts with their keys into a new spreadsheet (.xlsx)."
    ),
]
BaseUrlOption = Annotated[
    str | None, typer.Option("--base-url", metavar="URL", help="Address of the API that the sheet names, with /v1.")
]
ModelOption = Annotated[str | None, typer.Option("--model", help="Model that the sheet names.")]

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 looked for, not listened on
_ONLY_HERE = frozenset({"127.0.0.1", "::1", "localhost"})


def service_of(settings: Settings, base_url: str | None, model: str | None, models: Sequence[str]) -> Service:
    """Return what the sheet says of the service.

    Args:
        settings: of the gateway the accounts are for.
        base_url: what ``--base-url`` says; None takes the listener's address.
        model: what ``--model`` says; None takes the first that the accounts may ask for, or the first there is.
        models: what the accounts may ask for.

    Raises:
        typer.BadParameter: the address is none, or there is no model to name.
    """
    url = _checked_url(base_url) if base_url else _listener(settings)
    known = [*models, *(name for upstream in settings.upstreams for name in upstream.models)]
    named = model or next(iter(known), None)
    if named is None:
        raise typer.BadParameter("Name the model that reviewers ask for.", param_hint="--model")
    if models and named not in models:
        raise typer.BadParameter("The accounts may not ask for this model.", param_hint="--model")
    return Service(url, named, settings.lists.timezone)


@contextmanager
def new_sheet(path: Path) -> Iterator["SheetFile"]:
    """Make the file that keys go into, readable by its owner alone; it goes again when nothing was written to it.

    Raises:
        ResourceError: it is there already, or cannot be made.
    """
    try:
        # Before the accounts: a name that cannot be written to must not cost keys that nobody has seen.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as exc:
        raise ResourceError(f"{path} is there already. Name another file: keys are never written over.") from exc
    except OSError as exc:
        raise ResourceError(f"{path} cannot be written ({exc.strerror}). Name another file.") from exc
    sheet = SheetFile(descriptor)
    try:
        yield sheet
    finally:
        os.close(descriptor)
        if not sheet.written:
            path.unlink(missing_ok=True)


class SheetFile:
    """An empty file that waits for its keys.

    Attributes:
        written: whether it has them.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.written = False

    def write(self, made: Sequence[tuple[Account, str]], service: Service) -> None:
        """Write the sheet durably.

        Raises:
            ResourceError: the disk does not take it.
        """
        data = memoryview(write_sheet(made, service))
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)
        except OSError as exc:
            raise ResourceError(
                f"The sheet could not be written ({exc.strerror}); its keys are shown above."
            ) from exc
        self.written = True


def _checked_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and text.isprintable() and " " not in text
    except ValueError:
        good = False
    if not good:
        raise typer.BadParameter("Write an address such as https://llm.example.com/v1.", param_hint="--base-url")
    return text.rstrip("/")


def _listener(settings: Settings) -> str:
    host, port = settings.server.host, settings.server.port
    url = f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"
    if host in _EVERYWHERE | _ONLY_HERE:
        # Reviewers sit elsewhere, and would find out on the day they sign in.
        typer.echo(
            f"The sheet names {url}, which reviewers cannot reach. Name the public address: --base-url.", err=True
        )
    return url
