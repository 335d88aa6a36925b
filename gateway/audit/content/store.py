"""Data keys in the store, wrapped: made, found, destroyed.

Rules: a key is in the store in wrapped form only; to destroy one raises the counter ``content_keys`` in the same
transaction, so that gateways forget it too; a destroyed key is overwritten where the database can do so.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Engine

from gateway.audit.content.keys import DataKey
from gateway.audit.content.secrets import MasterKeys
from gateway.storage.schema import CONTENT_KEYS, REVISIONS
from gateway.storage.transactions import reading, writing

REVISION = "content_keys"
"""Name of the counter that goes up when keys are destroyed."""

_KEYS = CONTENT_KEYS.c
# Databases bound the number of parameters of a statement.
_BATCH = 500


class Person(NamedTuple):
    """Whose content it is: one end user, or everybody of an account.

    Attributes:
        user: pseudonym of the end user, or empty.
        account: id of the account, or empty.
    """

    user: str = ""
    account: str = ""

    @property
    def rows(self) -> ColumnElement[bool]:
        """Return which rows are theirs."""
        return _KEYS.end_user == self.user if self.user else _KEYS.account == self.account


class Holding(NamedTuple):
    """What keys there are.

    Attributes:
        keys: how many.
        first_day: day of the oldest, in days since 1970-01-01; 0 where there is none.
        last_day: day of the newest.
    """

    keys: int
    first_day: int
    last_day: int


class ContentKeyStore:
    """The data keys of one store; synchronous, safe to use from several threads.

    Args:
        engine: the store.
        master_keys: what the keys are wrapped by.
    """

    def __init__(self, engine: Engine, master_keys: MasterKeys) -> None:
        self._engine = engine
        self._master_keys = master_keys

    def add(self, keys: Sequence[DataKey], at_us: int) -> None:
        """Store keys durably, all of them or none; those that are there already stay as they are.

        Raises:
            StorageError: the store fails.
        """
        # Wrapped outside the transaction, which on SQLite holds the write lock.
        rows = [self._row(key, at_us) for key in keys]
        with writing(self._engine) as connection:
            # A commit whose answer was lost is tried again.
            known = set(_among(connection, [key.id for key in keys]))
            if new := [row for row in rows if row["id"] not in known]:
                connection.execute(sa.insert(CONTENT_KEYS), new)

    def existing(self, ids: Sequence[str]) -> set[str]:
        """Return which of these keys there are.

        Raises:
            StorageError: the store fails.
        """
        with reading(self._engine) as connection:
            return set(_among(connection, ids))

    def find(self, key_id: str) -> DataKey | None:
        """Return a key by its id, or None.

        Raises:
            StorageError: the store fails.
            MasterKeyError: it cannot be unwrapped.
        """
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(CONTENT_KEYS).where(_KEYS.id == key_id)).one_or_none()
        return None if row is None else self._key(row)

    def of_person(self, person: Person) -> dict[str, DataKey]:
        """Return the keys of a person, by id.

        Raises:
            StorageError: the store fails.
            MasterKeyError: one cannot be unwrapped.
        """
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(CONTENT_KEYS).where(person.rows)).all()
        return {row.id: self._key(row) for row in rows}

    def held(self, person: Person) -> Holding:
        """Say what keys a person has.

        Raises:
            StorageError: the store fails.
        """
        return self._held(person.rows)

    def held_before(self, day: int) -> Holding:
        """Say what keys there are of days before one.

        Raises:
            StorageError: the store fails.
        """
        return self._held(_KEYS.day < day)

    def erase(self, person: Person) -> int:
        """Destroy the keys of a person; return how many.

        Raises:
            StorageError: the store fails.
        """
        return self._destroy(person.rows)

    def retire(self, day: int) -> int:
        """Destroy the keys of days before one; return how many.

        Raises:
            StorageError: the store fails.
        """
        return self._destroy(_KEYS.day < day)

    def unlike(self, master_id: str) -> int:
        """Return how many keys are wrapped by another master key.

        Raises:
            StorageError: the store fails.
        """
        return self._held(_KEYS.master_key != master_id).keys

    def rekey(self) -> Iterator[int]:
        """Wrap every key by the newest master key; yield how many after each step.

        Raises:
            StorageError: the store fails.
            MasterKeyError: a key cannot be unwrapped; those before it are done.
        """
        newest = self._master_keys.newest_id
        older = sa.select(CONTENT_KEYS).where(_KEYS.master_key != newest).limit(_BATCH)
        while True:
            with writing(self._engine) as connection:
                rows = connection.execute(older).all()
                for row in rows:
                    key = self._key(row)
                    values = {"wrapped": self._master_keys.wrap(key.secret, key.context), "master_key": newest}
                    connection.execute(sa.update(CONTENT_KEYS).where(_KEYS.id == row.id).values(values))
            if not rows:
                return
            yield len(rows)

    def revision(self) -> int:
        """Return the counter of keys that were destroyed.

        Raises:
            StorageError: the store fails.
        """
        with reading(self._engine) as connection:
            query = sa.select(REVISIONS.c.number).where(REVISIONS.c.name == REVISION)
            return int(connection.execute(query).scalar_one())

    def _held(self, rows: ColumnElement[bool]) -> Holding:
        query = sa.select(sa.func.count(), sa.func.min(_KEYS.day), sa.func.max(_KEYS.day)).where(rows)
        with reading(self._engine) as connection:
            keys, first, last = connection.execute(query).one()
        return Holding(keys, first or 0, last or 0)

    def _destroy(self, rows: ColumnElement[bool]) -> int:
        with writing(self._engine) as connection:
            raised = sa.update(REVISIONS).where(REVISIONS.c.name == REVISION)
            connection.execute(raised.values(number=REVISIONS.c.number + 1))
            if connection.dialect.name == "sqlite":
                # Zeros over what is deleted, where it would stay readable in the file otherwise.
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            destroyed = connection.execute(sa.delete(CONTENT_KEYS).where(rows)).rowcount
        self._overwrite()
        return destroyed

    def _overwrite(self) -> None:
        """Have the database let go of the deleted rows now rather than some day."""
        sqlite = self._engine.dialect.name == "sqlite"
        statement = "PRAGMA wal_checkpoint(TRUNCATE)" if sqlite else "VACUUM content_keys"
        # Neither may run in a transaction. Others at work only put it off: the rows are deleted all the same.
        # The driver's own errors too: what runs on its connection is not wrapped by SQLAlchemy.
        with contextlib.suppress(sa.exc.SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error):
            connection = self._engine.raw_connection()
            try:
                own = connection.driver_connection
                if own is not None:
                    if not sqlite:
                        own.autocommit = True
                    own.execute(statement).close()
            finally:
                # Not given back to the pool: its mode was changed.
                connection.invalidate()

    def _row(self, key: DataKey, at_us: int) -> dict[str, object]:
        return {
            "id": key.id,
            "account": key.account,
            "end_user": key.user,
            "day": key.day,
            "wrapped": self._master_keys.wrap(key.secret, key.context),
            "master_key": self._master_keys.newest_id,
            "created_at_us": at_us,
        }

    def _key(self, row: sa.Row[tuple[object, ...]]) -> DataKey:
        context = DataKey(row.id, b"", row.account, row.end_user, row.day).context
        secret = self._master_keys.unwrap(row.wrapped, context, row.master_key)
        key = DataKey(row.id, secret, row.account, row.end_user, row.day)
        key.stored = True
        return key


def _among(connection: Connection, ids: Sequence[str]) -> Iterable[str]:
    for first in range(0, len(ids), _BATCH):
        query = sa.select(_KEYS.id).where(_KEYS.id.in_(ids[first : first + _BATCH]))
        yield from connection.execute(query).scalars()
