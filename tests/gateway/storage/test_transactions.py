"""A transaction is whole or absent, and fails in our words."""

import pytest
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.exc import IntegrityError

from gateway.storage.engine import StorageError
from gateway.storage.migrate import migrate
from gateway.storage.schema import REVISIONS
from gateway.storage.transactions import reading, writing
from tests.stores import opened

COUNTERS = {"accounts", "content_keys", "label_agreements", "strikes.unmarked"}


def test_a_block_that_ends_is_kept(store_engine: Engine) -> None:
    """What was written is there for the next reader."""
    with writing(store_engine) as connection:
        connection.execute(insert(REVISIONS).values(name="other", number=7))
    assert _names(store_engine) == {*COUNTERS, "other"}


def test_a_block_that_raises_leaves_nothing(store_engine: Engine) -> None:
    """The caller's exception passes, and takes what was written with it."""
    with pytest.raises(RuntimeError):
        _insert_and_fail(store_engine)
    assert _names(store_engine) == COUNTERS


def test_a_failing_store_is_reported_with_the_remedy(empty_engine: Engine) -> None:
    """Whoever forgot to migrate is told to."""
    with pytest.raises(StorageError, match="sluice migrate"), reading(empty_engine) as connection:
        connection.execute(select(REVISIONS))


def test_a_broken_constraint_is_left_to_the_caller(store_engine: Engine) -> None:
    """Only the caller knows whether a taken name is somebody's mistake."""
    with pytest.raises(IntegrityError), writing(store_engine) as connection:
        connection.execute(insert(REVISIONS).values(name="accounts", number=7))


def test_a_write_on_sqlite_holds_the_lock_from_its_start(sqlite_url: str) -> None:
    """A second writer waits before it has read anything; a reader does not wait."""
    with opened(sqlite_url) as engine, opened(sqlite_url) as other:
        migrate(engine)
        with other.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        with writing(engine):
            assert _names(other) == COUNTERS
            with pytest.raises(StorageError, match="locked"), writing(other):
                pass


def _names(engine: Engine) -> set[str]:
    with reading(engine) as connection:
        return set(connection.execute(text("SELECT name FROM revisions")).scalars())


def _insert_and_fail(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(insert(REVISIONS).values(name="other", number=7))
        raise RuntimeError
