"""Fixtures for the parts that have a store, and for those that need a whole gateway."""

from collections.abc import Iterator

import pytest

from gateway.standin.app import StandIn
from gateway.standin.server import serving
from tests.certificates import certificate
from tests.gateways import Gateway, gateway
from tests.redises import redis_url
from tests.stores import (
    empty_engine,
    postgresql_engine,
    postgresql_url,
    sqlite_engine,
    sqlite_url,
    store_engine,
    store_url,
)

__all__ = [
    "certificate",
    "empty_engine",
    "postgresql_engine",
    "postgresql_url",
    "redis_url",
    "sqlite_engine",
    "sqlite_url",
    "store_engine",
    "store_url",
]


@pytest.fixture(scope="session")
def standin_url() -> Iterator[str]:
    """Base URL of a stand-in that answers at once."""
    with serving(StandIn(0)) as url:
        yield url


@pytest.fixture(scope="session")
def shared(standin_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway in front of the stand-in, for tests that leave it as it was."""
    with gateway(tmp_path_factory.mktemp("gateway"), standin_url) as running:
        yield running
