"""Redis for tests: an empty database, where a server is named."""

import os
from collections.abc import Iterator

import pytest
import redis

REDIS_VARIABLE = "SLUICE_TEST_REDIS_URL"


@pytest.fixture
def redis_url() -> Iterator[str]:
    """URL of a database that is empty before the test and after it."""
    url = os.environ.get(REDIS_VARIABLE)
    if url is None:
        pytest.skip(f"no Redis server is named by {REDIS_VARIABLE}")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()
