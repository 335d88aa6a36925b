"""Engines: one place that opens SQLite and PostgreSQL, with every wait bounded.

A store that cannot be opened is reported at once, with what to do; an engine that was returned has answered.
"""

import sqlite3
import time
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from gateway.errors import ErrorCode, ResourceError

POOL_CONNECTIONS = 5
"""Connections one process may hold; PostgreSQL allows 100 for all processes unless told otherwise."""

WAIT_SECONDS = 5
"""Longest wait for a connection, a lock of SQLite, or a lost server."""

STATEMENT_SECONDS = 10
"""Longest that PostgreSQL may work on one statement."""

SQLITE = "sqlite"
POSTGRESQL = "postgresql+psycopg"

_WAL_TRIES = 100
_WAL_PAUSE_SECONDS = 0.02

_SCHEMES = "Use sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE."


class StorageError(ResourceError):
    """The store cannot be opened, or does not answer; the message is for the operator."""

    code = ErrorCode.STORE_UNAVAILABLE


def open_engine(url: str) -> Engine:
    """Open a store and make sure that it answers.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql+psycopg://…``.

    Raises:
        StorageError: for another scheme, and when the store cannot be reached.
    """
    engine = _create(_parse(url))
    try:
        engine.connect().close()
    except SQLAlchemyError as exc:
        engine.dispose()
        raise StorageError(unavailable(engine, exc)) from exc
    return engine


def unavailable(engine: Engine, error: SQLAlchemyError) -> str:
    """Say which store failed, how, and what to do."""
    # Drivers report in several lines; what a command prints is one sentence.
    cause = " ".join(str(getattr(error, "orig", None) or error).split())
    return (
        f"The store {engine.url.render_as_string()} does not answer ({cause}). "
        "Check that it is there, that this user may use it, and that 'sluice migrate' was run."
    )


def _parse(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as exc:
        # The text stays out of the message: it may hold a password.
        raise StorageError(f"The store's URL cannot be read. {_SCHEMES}") from exc
    if url.drivername not in {SQLITE, POSTGRESQL}:
        raise StorageError(f"The store's scheme {url.drivername!r} is not supported. {_SCHEMES}")
    if url.drivername == SQLITE and url.database in {None, "", ":memory:"}:
        # Workers share nothing but the store, so one that lives in a process is no store.
        raise StorageError("A store in memory cannot be shared between processes. Name a file: sqlite:///FILE.")
    return url


def _create(url: URL) -> Engine:
    sqlite = url.drivername == SQLITE
    engine = create_engine(
        url,
        pool_size=POOL_CONNECTIONS,
        max_overflow=0,
        pool_timeout=WAIT_SECONDS,
        # A server that was restarted costs one round trip, not a failed request.
        pool_pre_ping=not sqlite,
        connect_args={} if sqlite else _postgresql_arguments(url),
        # Rows hold digests and names; an error message should not repeat them.
        hide_parameters=True,
    )
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql_arguments(url: URL) -> dict[str, Any]:
    # What the URL's own ``options`` say comes last, and so wins.
    own = url.query.get("options", "")
    return {
        "connect_timeout": WAIT_SECONDS,
        "tcp_user_timeout": WAIT_SECONDS * 1000,
        "options": f"-c statement_timeout={STATEMENT_SECONDS}s {own if isinstance(own, str) else ' '.join(own)}",
    }


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Set what SQLite keeps per connection.

    ``synchronous`` is FULL although WAL would be consistent with NORMAL: NORMAL may lose the last commits when the
    power fails, and an account that was disabled must stay so. Writes are rare or batched; one sync each is cheap.
    """
    # The driver would begin transactions on its own, and not before DDL; _begin_sqlite does it instead.
    connection.isolation_level = None
    _set_pragma(connection, f"busy_timeout = {WAIT_SECONDS * 1000}")
    _enter_wal(connection)
    _set_pragma(connection, "synchronous = FULL")
    _set_pragma(connection, "foreign_keys = ON")


def _enter_wal(connection: sqlite3.Connection) -> None:
    # While another process makes the same change to a new file, SQLite refuses without minding busy_timeout.
    for tries_left in reversed(range(_WAL_TRIES)):
        try:
            _set_pragma(connection, "journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY or not tries_left:
                raise
            time.sleep(_WAL_PAUSE_SECONDS)
        else:
            return


def _set_pragma(connection: sqlite3.Connection, pragma: str) -> None:
    connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('sqlite_begin', 'DEFERRED')}")
