"""One bench for all of these tests: none of them changes it."""

from collections.abc import Iterator

import pytest

from tests.bypass.bench import Bench
from tests.bypass.bench import bench as running_bench


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A gateway between any client and any model server."""
    with running_bench(tmp_path_factory.mktemp("bypass")) as running:
        yield running
