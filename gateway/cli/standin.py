"""`sluice standin`: run the stand-in model, or a small real one, on its own."""

import contextlib
from enum import StrEnum
from typing import Annotated

import typer

from gateway.sockets import base_url, open_socket
from gateway.standin import smollm2
from gateway.standin.app import StandIn
from gateway.standin.script import DEFAULT_TOKENS_PER_SECOND, MOST_TOKENS_PER_SECOND
from gateway.standin.server import run

_FAILED = 1


class Model(StrEnum):
    """What answers."""

    STANDIN = "standin"  # scripts
    SMOLLM2 = "smollm2"  # SmolLM2-135M-Instruct, from the extra `real`


def standin(
    # This machine only: it takes no key, and says whatever a prompt asks it to.
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8081,
    pace: Annotated[
        float, typer.Option(min=0, max=MOST_TOKENS_PER_SECOND, help="Tokens a second of the stand-in; 0 for at once.")
    ] = DEFAULT_TOKENS_PER_SECOND,
    model: Annotated[Model, typer.Option(help="The stand-in, or a small real model.")] = Model.STANDIN,
) -> None:
    """Run a model server to put the gateway in front of: OpenAI-compatible, no key needed."""
    if model is Model.SMOLLM2:
        _run_smollm2(host, port)
    else:
        _run_standin(host, port, pace)


def _run_standin(host: str, port: int, pace: float) -> None:
    try:
        listener = open_socket(host, port)
    except OSError as error:
        typer.echo(f"Cannot listen on {host}:{port} ({error.strerror}). Choose another --host or --port.", err=True)
        raise typer.Exit(_FAILED) from error
    # Behind the opening of the socket, so that who reads the line can connect, also to port 0.
    typer.echo(f"Stand-in model at {base_url(listener)}/v1")
    with listener, contextlib.suppress(KeyboardInterrupt):
        run(StandIn(pace), listener)


def _run_smollm2(host: str, port: int) -> None:
    try:
        smollm2.start(host, port)
    except smollm2.ModelMissingError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_FAILED) from error
