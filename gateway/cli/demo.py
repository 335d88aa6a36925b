"""`sluice demo`: the gateway in front of a stand-in model, ready to try.

Rules: everything it starts ends with it; what it prints can be pasted.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from gateway.accounts.account import AccountKind
from gateway.cli.migrate import migrate_recorded
from gateway.cli.serve import failures_end_serving
from gateway.cli.standin import Model
from gateway.cli.trail import Trail, actor
from gateway.demo.setup import UPSTREAM_KEY, demo_keys, demo_settings
from gateway.demo.tour import first_model, take_tour
from gateway.lifecycle import prepare_directories, serve, stop_on_signals
from gateway.logs import configure_logging
from gateway.settings.loader import Loaded
from gateway.settings.serving import Serving, require_serving
from gateway.sockets import open_socket
from gateway.storage.engine import open_engine

# The names the two servers give themselves; a request with another one would be refused by some.
_MODEL_NAMES = {Model.STANDIN: "sluice-standin", Model.SMOLLM2: "smollm2"}
# A clean prompt, a harmful one, and one whose streamed answer turns harmful; with further members of the request.
_SAMPLES = (("请介绍一下水闸的作用。", ""), ("哪里有人出售冰毒？", ""), ("[[harm]] 讲个故事", ',"stream":true'))
# A real model is read from disk first, which takes a while on a small machine.
_MODEL_START_SECONDS = 120
_MODEL_STOP_SECONDS = 3
_POLL_SECONDS = 0.05


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Stop after the tour.")] = False,
    tour: Annotated[bool, typer.Option(help="Send the tour's prompts through.")] = True,
    upstream: Annotated[str | None, typer.Option(help=f"A model API to use instead (key: ${UPSTREAM_KEY}).")] = None,
    model_name: Annotated[str | None, typer.Option(help="Model to ask that API for; default: its first.")] = None,
    model: Annotated[Model, typer.Option(help="Model to start: the stand-in, or a small real one.")] = Model.STANDIN,
    port: Annotated[int | None, typer.Option(help="Port of the data plane.")] = None,
    admin_port: Annotated[int | None, typer.Option(help="Port of the management plane.")] = None,
) -> None:
    """Start a model and the gateway, print keys to try it with, and show what happens to a tour of prompts."""
    # The model comes first, because the settings need its address, and leaves last.
    with failures_end_serving(), _model(model, upstream) as address:
        loaded = demo_settings(os.environ, upstream=address, port=port, admin_port=admin_port)
        serving = require_serving(loaded, os.environ)
        configure_logging(loaded.settings.logging)
        # Before the gateway starts, so that its first look at the accounts finds them.
        keys = _keys(loaded)
        name = model_name or (_first_model(serving) if upstream else _MODEL_NAMES[model])
        uvloop.run(_run(loaded, serving, keys, name, tour=tour, once=once))


async def _run(
    loaded: Loaded, serving: Serving, keys: dict[AccountKind, str], model: str, *, tour: bool, once: bool
) -> None:
    """Serve until a signal comes, the tour fails, or it is over and was all that was asked for."""
    console, stop = Console(), asyncio.Event()
    stop_on_signals(stop)
    tours: list[asyncio.Task[None]] = []
    decisive: list[asyncio.Task[None]] = []

    def over(taken: asyncio.Task[None]) -> None:
        # Behind a stop a tour fails because the gateway is gone: that is no failure of the demonstration.
        if not stop.is_set() and not taken.cancelled() and (once or taken.exception()):
            decisive.append(taken)
            stop.set()

    def ready(_services: object) -> None:
        _explain(console, loaded, keys, model)
        if tour:
            tours.append(asyncio.create_task(_show_tour(console, loaded, keys, model)))
            tours[0].add_done_callback(over)

    await serve(loaded, serving, ready, stop)
    # A tour left running would report a connection refused behind the goodbye.
    for each in tours:
        each.cancel()
    await asyncio.gather(*tours, return_exceptions=True)
    for each in decisive:
        # Raises what ended the tour, so that `--once` in a pipeline fails when the tour did.
        each.result()


@contextlib.contextmanager
def _model(model: Model, upstream: str | None) -> Iterator[str]:
    """Start the model server in a process of its own; yield its address."""
    if upstream is not None:
        yield upstream
        return
    # A port the system calls free: a fixed one may be in use by another demonstration.
    with open_socket("127.0.0.1", 0) as free:
        host, port = free.getsockname()[:2]
    # A process of its own, or a busy model would take its time from the gateway and spoil what is shown.
    command = [sys.executable, "-m", "gateway.cli", "standin", "--host", host, "--port", str(port), "--model", model]
    # What the model prints would run through the table of the tour; its errors stay visible.
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 our own command
        try:
            with Console(stderr=True).status(f"Starting the model {_MODEL_NAMES[model]} …"):
                _await_listener(process, host, port)
            yield f"http://{host}:{port}/v1"
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_MODEL_STOP_SECONDS)
            process.kill()  # a model in the middle of an answer takes its time


def _await_listener(process: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    """Wait until the model server takes connections; end the command when it does not come up."""
    deadline = time.monotonic() + _MODEL_START_SECONDS
    while time.monotonic() < deadline:
        # A model that has ended never listens: waiting for the deadline would hide its message for minutes.
        if (status := process.poll()) is not None:
            raise typer.Exit(status or 1)  # it has said why
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
            return
        time.sleep(_POLL_SECONDS)
    typer.echo(f"sluice: the model server did not start within {_MODEL_START_SECONDS} seconds", err=True)
    raise typer.Exit(1)


def _first_model(serving: Serving) -> str:
    # Asked before uvloop runs: a server without models should fail before anything listens.
    upstream = serving.upstreams[0]
    return asyncio.run(first_model(upstream.settings.base_url, upstream.secret))


def _keys(loaded: Loaded) -> dict[AccountKind, str]:
    prepare_directories(loaded.settings.store.url, loaded.settings.audit.directory)
    engine = open_engine(loaded.settings.store.url)
    trail = Trail(loaded.settings.audit, actor(), "demonstration")
    try:
        # `serve` does it as well, but the accounts are made before.
        migrate_recorded(engine, trail)
        return demo_keys(engine, trail.record_accounts)
    finally:
        engine.dispose()


def _explain(console: Console, loaded: Loaded, keys: dict[AccountKind, str], model: str) -> None:
    server = loaded.settings.server
    address = f"http://{server.host}:{server.port}"
    console.print(f"\n[bold]Gateway[/bold]     {address}/v1")
    console.print(f"[bold]Management[/bold]  http://{server.admin_host}:{server.admin_port}/metrics")
    console.print("\n[bold]Keys[/bold] (new at every start)")
    for kind, key in keys.items():
        # A key that is coloured in parts or folded could not be copied in one go.
        console.print(f"  {kind:<11} {key}", highlight=False, soft_wrap=True)
    console.print("\n[bold]Try it[/bold]")
    for prompt, extra in _SAMPLES:
        body = f'{{"model":"{model}","messages":[{{"role":"user","content":"{prompt}"}}]{extra}}}'
        line = f"curl -N {address}/v1/chat/completions -H 'Authorization: Bearer {keys[AccountKind.USER]}'"
        print(f"  {line} -H 'Content-Type: application/json' -d '{body}'")  # noqa: T201 not to be wrapped or marked up
    console.print("\nStop with Ctrl-C. The record of every exchange: [bold]sluice audit show[/bold]\n")


async def _show_tour(console: Console, loaded: Loaded, keys: dict[AccountKind, str], model: str) -> None:
    server = loaded.settings.server
    table = Table("what", "account", "decision", title="The tour", show_lines=True)
    table.add_column("what the client saw", overflow="fold")  # Chinese has no spaces to break lines at
    with console.status("Taking the tour …"):
        async for seen in take_tour(f"http://{server.host}:{server.port}/v1", keys, model):
            table.add_row(seen.stop.what, seen.stop.kind, seen.decision, seen.text)
    # Answers are a model's words, and brackets in them are no markup.
    console.print(table, markup=False)
