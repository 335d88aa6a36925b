"""`sluice serve`: run the gateway."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop

from filters.lists import ListError
from filters.taxonomy import load_taxonomy
from gateway.audit.segment import CorruptLogError
from gateway.errors import GatewayError
from gateway.lifecycle import reload_on_hangup, stop_on_signals
from gateway.lifecycle import serve as run_gateway
from gateway.logs import configure_logging
from gateway.proxy.services import Services
from gateway.settings.loader import Loaded, load
from gateway.settings.policies import check_risks
from gateway.settings.problems import SettingsError
from gateway.settings.serving import Serving, require_serving


def serve(
    config: Annotated[Path | None, typer.Option(help="Settings file; default: sluice.toml if it is there.")] = None,
    upstream: Annotated[str | None, typer.Option(help="Address of the model's API, such as http://host/v1.")] = None,
    host: Annotated[str | None, typer.Option(help="Address of the data plane.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the data plane.")] = None,
    admin_port: Annotated[int | None, typer.Option(help="Port of the management plane.")] = None,
) -> None:
    """Run the gateway until SIGINT or SIGTERM, then let open exchanges end.

    Settings come from the file, from SLUICE_… environment variables over it, and from these options over both.
    """
    overrides: dict[str, Any] = {}
    server = {"host": host, "port": port, "admin_port": admin_port}
    if given := {key: value for key, value in server.items() if value is not None}:
        overrides["server"] = given
    if upstream is not None:
        # It takes the place of the file's, key and all: that key belongs to another server.
        overrides["upstreams"] = [{"name": "default", "base_url": upstream}]
    with failures_end_serving():
        loaded = load(config, os.environ, overrides)
        # A rule for a risk that does not exist would do nothing, and the operator would count on it.
        check_risks(loaded, load_taxonomy().risks)
        serving = require_serving(loaded, os.environ)
        # After the checks, whose problems are sentences for the person who types and no log events.
        configure_logging(loaded.settings.logging)
        uvloop.run(_run(loaded, serving))


@contextmanager
def failures_end_serving() -> Iterator[None]:
    """End the command with a sentence: status 2 for wrong settings or lists, 1 for what failed."""
    try:
        yield
    except (SettingsError, ListError) as error:
        typer.echo(str(error), err=True)
        # A status of its own, so that a service manager can be told not to start wrong settings again.
        raise typer.Exit(2) from error
    except (GatewayError, CorruptLogError, OSError) as error:
        typer.echo(f"sluice: {error}", err=True)
        raise typer.Exit(1) from error


async def _run(loaded: Loaded, serving: Serving) -> None:
    stopping = asyncio.Event()
    stop_on_signals(stopping)
    await run_gateway(loaded, serving, lambda services: _announce(loaded, services), stopping)


def _announce(loaded: Loaded, services: Services) -> None:
    reload_on_hangup(services)
    server = loaded.settings.server
    print(  # noqa: T201 the one line a person waits for
        f"sluice: serving on http://{server.host}:{server.port}, management on"
        f" http://{server.admin_host}:{server.admin_port}, {services.ruleset.term_count} terms",
        file=sys.stderr,
        flush=True,
    )
