"""Data keys in the store."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from gateway.audit.content.keys import DataKey, new_data_key
from gateway.audit.content.secrets import MasterKeyError, MasterKeys
from gateway.audit.content.store import ContentKeyStore, Holding, Person
from gateway.storage.migrate import migrate
from gateway.storage.schema import CONTENT_KEYS
from tests.stores import opened

_OLD, _NEW = b"o" * 32, b"n" * 32


def _store(engine: Engine, *keys: bytes) -> ContentKeyStore:
    return ContentKeyStore(engine, MasterKeys(list(keys or (_OLD,))))


def _add(store: ContentKeyStore, *people: tuple[str, str, int]) -> list[DataKey]:
    keys = [new_data_key(*each) for each in people]
    store.add(keys, at_us=1)
    return keys


def test_a_stored_key_opens_what_it_sealed(store_engine: Engine) -> None:
    """It comes back as it was; the row holds it wrapped."""
    store = _store(store_engine)
    (key,) = _add(store, ("acc-1", "p", 7))
    found = store.find(key.id)
    assert found is not None
    assert found.open("r", *key.seal("r", b"text")) == b"text"
    assert (found.account, found.user, found.day, found.stored) == ("acc-1", "p", 7, True)
    assert store.find("none") is None
    with store_engine.connect() as connection:
        assert key.secret not in connection.execute(sa.select(CONTENT_KEYS.c.wrapped)).scalar_one()


def test_keys_are_added_once(store_engine: Engine) -> None:
    """A commit whose answer was lost is tried again."""
    store = _store(store_engine)
    (key,) = _add(store, ("acc-1", "p", 7))
    store.add([key], at_us=2)
    assert store.existing([key.id, "none"]) == {key.id}


def test_a_row_moved_to_another_person_does_not_open(store_engine: Engine) -> None:
    """The wrapping is bound to id, account, person and day."""
    store = _store(store_engine)
    (key,) = _add(store, ("acc-1", "p", 7))
    with store_engine.begin() as connection:
        connection.execute(sa.update(CONTENT_KEYS).values(end_user="q"))
    with pytest.raises(MasterKeyError, match="another row"):
        store.find(key.id)


def test_erasing_takes_the_keys_of_one_person_alone(store_engine: Engine) -> None:
    """And raises the counter by which gateways forget them."""
    store = _store(store_engine)
    one, other, account = _add(store, ("acc-1", "p", 7), ("acc-1", "q", 9), ("acc-1", "", 8))
    before = store.revision()
    assert store.held(Person(user="p")) == Holding(1, 7, 7)
    assert store.erase(Person(user="p")) == 1
    assert store.existing([one.id, other.id, account.id]) == {other.id, account.id}
    assert store.revision() == before + 1
    assert store.held(Person(user="p")) == Holding(0, 0, 0)
    assert store.of_person(Person(user="q")).keys() == {other.id}
    assert store.held(Person(account="acc-1")) == Holding(2, 8, 9)
    assert store.erase(Person(account="acc-1")) == 2


def test_retiring_takes_what_is_older_than_a_day(store_engine: Engine) -> None:
    """The day itself stays."""
    store = _store(store_engine)
    _, kept = _add(store, ("acc-1", "p", 7), ("acc-1", "p", 8))
    assert store.held_before(8) == Holding(1, 7, 7)
    assert store.retire(8) == 1
    assert store.of_person(Person(user="p")).keys() == {kept.id}


def test_what_was_destroyed_is_not_in_the_files_of_sqlite(sqlite_url: str) -> None:
    """Neither in the database nor in its log."""
    with opened(sqlite_url) as engine:
        migrate(engine)
        store = _store(engine)
        _add(store, ("acc-1", "p", 7))
        with engine.connect() as connection:
            wrapped = connection.execute(sa.select(CONTENT_KEYS.c.wrapped)).scalar_one()
        file = Path(sqlite_url.removeprefix("sqlite:///"))
        assert any(wrapped in path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
        store.erase(Person(user="p"))
        assert not any(wrapped in path.read_bytes() for path in file.parent.glob(f"{file.name}*"))


@pytest.mark.postgresql
def test_what_was_destroyed_is_let_go_of_by_postgresql(postgresql_engine: Engine) -> None:
    """The table is vacuumed at once: no dead row waits for some day, and the connection is as it was."""
    store = _store(postgresql_engine)
    _add(store, ("acc-1", "p", 7), ("acc-1", "q", 7))
    counts = sa.text(
        "SELECT vacuum_count, pg_relation_size(relid) FROM pg_stat_user_tables"
        " WHERE schemaname = current_schema() AND relname = 'content_keys'"
    )
    with postgresql_engine.connect() as connection:
        assert connection.execute(counts).one()[0] == 0
    assert store.erase(Person(account="acc-1")) == 2
    with postgresql_engine.connect() as connection:
        # Without a row left, its file is cut off.
        assert tuple(connection.execute(counts).one()) == (1, 0)


def test_erasing_holds_when_the_database_cannot_overwrite(
    store_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are gone all the same, and whoever erases is not told of a failure."""
    store = _store(store_engine)
    (key,) = _add(store, ("acc-1", "p", 7))

    tried: list[str] = []

    def fail() -> None:
        tried.append("overwriting")
        raise store_engine.dialect.loaded_dbapi.OperationalError("no room")

    with monkeypatch.context() as patch:
        # Transactions have an engine of their own settings; this one's connections serve the overwriting alone.
        patch.setattr(store_engine, "raw_connection", fail)
        assert store.erase(Person(user="p")) == 1
    assert tried
    assert not store.existing([key.id])


def test_rekeying_lets_go_of_the_old_master_key(store_engine: Engine) -> None:
    """Afterwards the new one is enough."""
    (key,) = _add(_store(store_engine), ("acc-1", "p", 7))
    both = _store(store_engine, _NEW, _OLD)
    assert both.unlike(MasterKeys([_NEW]).newest_id) == 1
    assert list(both.rekey()) == [1]
    found = _store(store_engine, _NEW).find(key.id)
    assert found is not None
    assert found.secret == key.secret
