"""Migrations bring any store to the declared schema, once, whole, and from many processes."""

import multiprocessing
from multiprocessing.synchronize import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from gateway.storage.engine import StorageError
from gateway.storage.migrate import migrate, pending
from gateway.storage.schema import METADATA
from gateway.storage.transactions import reading, writing
from tests.stores import opened

PROCESSES = 3


def test_the_migrated_schema_is_the_declared_one(store_engine: Engine) -> None:
    """A table, column, index or constraint changed in one place only is seen."""
    with reading(store_engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_pending_names_what_is_missing_until_it_was_run(empty_engine: Engine) -> None:
    """An empty store lacks every migration, a migrated one none."""
    assert pending(empty_engine)[0] == "0001"
    migrate(empty_engine)
    assert pending(empty_engine) == ()


def test_migrating_again_changes_nothing(store_engine: Engine) -> None:
    """What is in the store stays, and the counter is not started anew."""
    with writing(store_engine) as connection:
        connection.execute(text("UPDATE revisions SET number = 7"))
    migrate(store_engine)
    with reading(store_engine) as connection:
        assert set(connection.execute(text("SELECT number FROM revisions")).scalars()) == {7}


def test_a_url_does_as_well(store_url: str) -> None:
    """A program that has no engine need not open one."""
    migrate(store_url)
    with opened(store_url) as engine:
        assert pending(engine) == ()


def test_a_failed_migration_leaves_the_store_as_it_was(empty_engine: Engine) -> None:
    """Tables made before the failing step are gone again."""
    with writing(empty_engine) as connection:
        connection.execute(text("CREATE TABLE revisions (x INTEGER)"))
    with pytest.raises(StorageError, match="already exists"):
        migrate(empty_engine)
    assert inspect(empty_engine).get_table_names() == ["revisions"]


def test_a_store_of_a_newer_program_is_refused(store_engine: Engine) -> None:
    """An older program neither changes what it does not know nor works on it."""
    with writing(store_engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="newer one migrated it"):
        pending(store_engine)
    with pytest.raises(StorageError, match="newer one migrated it"):
        migrate(store_engine)


def test_processes_may_migrate_at_the_same_time(store_url: str) -> None:
    """Workers that start together all find the store ready."""
    spawning = multiprocessing.get_context("spawn")
    barrier = spawning.Barrier(PROCESSES)
    processes = [spawning.Process(target=_migrate_together, args=(barrier, store_url)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    with opened(store_url) as engine:
        assert pending(engine) == ()


def _migrate_together(barrier: Barrier, url: str) -> None:
    barrier.wait(60)
    migrate(url)
