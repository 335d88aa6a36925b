"""Stores for tests: each test that asks for one runs on SQLite and on PostgreSQL.

Take the fixtures in by importing them in a ``conftest.py``.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text

from gateway.storage.engine import open_engine
from gateway.storage.migrate import migrate

SERVER_VARIABLE = "SLUICE_TEST_POSTGRESQL_URL"


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Open an engine for the length of a block."""
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of an SQLite store that does not exist yet."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """URL of an empty schema of its own, which goes with the test."""
    server = os.environ.get(SERVER_VARIABLE)
    if server is None:
        pytest.skip(f"no PostgreSQL server is named by {SERVER_VARIABLE}")
    schema = f"test_{secrets.token_hex(8)}"
    with opened(server) as engine:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        url = make_url(server).update_query_dict({"options": f"-csearch_path={schema}"})
        yield url.render_as_string(hide_password=False)
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty store, on each database in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def empty_engine(store_url: str) -> Iterator[Engine]:
    """An engine on an empty store."""
    with opened(store_url) as engine:
        yield engine


@pytest.fixture
def store_engine(empty_engine: Engine) -> Engine:
    """An engine on a store with all its tables."""
    migrate(empty_engine)
    return empty_engine


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[Engine]:
    """An engine on an SQLite store with all its tables, for what SQLite alone does."""
    yield from _migrated(sqlite_url)


@pytest.fixture
def postgresql_engine(postgresql_url: str) -> Iterator[Engine]:
    """An engine on a PostgreSQL store with all its tables, for what PostgreSQL alone does."""
    yield from _migrated(postgresql_url)


def _migrated(url: str) -> Iterator[Engine]:
    with opened(url) as engine:
        migrate(engine)
        yield engine
