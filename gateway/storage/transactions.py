"""Transactions: the one border where the database's exceptions become ours.

A block is one transaction: it commits at its end, or leaves nothing behind. ``IntegrityError`` passes through, since
only the caller knows what a broken constraint means.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from gateway.storage.engine import StorageError, unavailable


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that reads.

    Raises:
        StorageError: when the store fails.
    """
    with _translated(engine), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes.

    On SQLite it takes the write lock first. A transaction that reads and then wants to write fails at once, without
    waiting, when another process wrote in between.

    Raises:
        StorageError: when the store fails.
    """
    with _translated(engine), engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        yield connection


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except SQLAlchemyError as exc:
        raise StorageError(unavailable(engine, exc)) from exc
