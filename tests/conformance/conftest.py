"""One gateway in front of the stand-in for all clients."""

from collections.abc import Iterator

import pytest

from gateway.standin.app import StandIn
from gateway.standin.server import serving
from tests.gateways import Gateway, gateway


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that none of these tests changes."""
    with serving(StandIn(0)) as url, gateway(tmp_path_factory.mktemp("conformance"), url) as running:
        yield running
