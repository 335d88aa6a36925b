"""Servers for tests that need real HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp

from gateway.standin.server import serving


@contextmanager
def run_asgi(app: ASGIApp) -> Iterator[str]:
    """Serve an ASGI application on a free port of this machine while the block runs; yield its base URL."""
    with serving(app) as url:
        yield url
