"""Engines open the two databases, bound every wait, and say what is wrong with the rest."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.pool import QueuePool

from gateway.errors import ErrorCode
from gateway.storage.engine import POOL_CONNECTIONS, StorageError, _prepare_sqlite, open_engine
from tests.stores import opened


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://user:hidden@host/db", "'mysql' is not supported"),
        ("postgresql://user:hidden@host/db", "'postgresql' is not supported"),
        ("not a url: hidden", "cannot be read"),
        ("postgresql+psycopg://user:hidden@host:port/db", "cannot be read"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_another_kind_of_store_is_refused_with_the_remedy(url: str, said: str) -> None:
    """The message says what is wrong and which form to write, and never repeats a password."""
    with pytest.raises(StorageError, match=said) as caught:
        open_engine(url)
    assert "sqlite:///FILE" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_a_server_that_is_not_there_is_reported_without_the_password() -> None:
    """Opening fails at once, in one line, with the code that clients are told."""
    with pytest.raises(StorageError, match="does not answer") as caught:
        open_engine("postgresql+psycopg://user:hidden@127.0.0.1:1/db")
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.code is ErrorCode.STORE_UNAVAILABLE


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    """A folder is not made up for a mistyped path."""
    with pytest.raises(StorageError, match="unable to open"):
        open_engine(f"sqlite:///{tmp_path / 'missing' / 'store.db'}")
    assert not (tmp_path / "missing").exists()


def test_a_file_of_another_kind_is_reported(tmp_path: Path) -> None:
    """A file that is no database is left alone."""
    file = tmp_path / "store.db"
    file.write_text("notes\n" * 100)
    with pytest.raises(StorageError, match="not a database"):
        open_engine(f"sqlite:///{file}")
    assert file.read_text() == "notes\n" * 100


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
def test_sqlite_is_durable_shared_and_patient(sqlite_url: str, pragma: str, value: object) -> None:
    """Readers do not wait for writers, commits are synced, keys hold, and a lock is waited for."""
    with opened(sqlite_url) as engine, engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


class Contended(sqlite3.Connection):
    """A connection to a new file while another process makes its first one: SQLite refuses at once, a few times."""

    refusals = 3

    def execute(self, sql: str, *args: object) -> sqlite3.Cursor:
        """Refuse the change of the journal as SQLite does."""
        if "journal_mode" in sql and self.refusals:
            self.refusals -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return super().execute(sql)


def test_workers_that_start_together_do_not_fail_each_other(tmp_path: Path) -> None:
    """The change to WAL is tried again, since SQLite does not wait for it."""
    with closing(sqlite3.connect(tmp_path / "store.db", factory=Contended)) as connection:
        _prepare_sqlite(connection, None)
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]


def test_the_pool_is_bounded(store_url: str) -> None:
    """A process holds no more connections than stated, however many threads ask."""
    with opened(store_url) as engine:
        assert isinstance(engine.pool, QueuePool)
        assert engine.pool.size() == POOL_CONNECTIONS
        assert engine.pool._max_overflow == 0


@pytest.mark.postgresql
def test_a_statement_is_bounded_on_postgresql(postgresql_url: str) -> None:
    """The server itself ends a statement that takes too long, and keeps to the options of the URL."""
    with opened(postgresql_url) as engine, engine.connect() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "10s"
        assert str(connection.execute(text("SHOW search_path")).scalar()).startswith("test_")


@pytest.mark.postgresql
def test_a_connection_that_was_lost_is_replaced(postgresql_url: str) -> None:
    """A restart of the server between two requests is not noticed by the second."""
    with opened(postgresql_url) as engine, opened(postgresql_url) as other:
        lost = _backend(engine)
        with other.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": lost})
        assert _backend(engine) != lost


def _backend(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
