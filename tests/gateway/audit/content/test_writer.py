"""The content writer: no content before its key, none behind its erasure, and bounds that are told."""

from collections.abc import Sequence

import orjson
from sqlalchemy import Engine

from gateway.audit.content.keys import day_of, new_data_key
from gateway.audit.content.secrets import MasterKeys
from gateway.audit.content.store import ContentKeyStore, Person
from gateway.audit.content.writer import ContentLimits, ContentWriter, retire
from gateway.audit.events import now_us
from gateway.errors import ResourceError
from gateway.protocol.evidence import Evidence
from gateway.storage.engine import StorageError

_EVIDENCE = Evidence(prompt=("text",))


class _Store(ContentKeyStore):
    """A store that can be away."""

    away = False

    def add(self, keys, at_us):  # type: ignore[no-untyped-def]  # noqa: ANN001 as inherited
        """Add keys, or fail."""
        if self.away:
            raise StorageError("away")
        super().add(keys, at_us)


class _Trail:
    """What came out."""

    def __init__(self, store: ContentKeyStore) -> None:
        self.entries: list[dict[str, object]] = []
        self.full = False
        self._store = store

    def append(self, entries: Sequence[bytes]) -> None:
        """Take entries, none of which may be of a key the store does not have."""
        if self.full:
            raise ResourceError("full")
        for entry in entries:
            fields = orjson.loads(entry)
            assert fields["type"] == "event" or self._store.existing([fields["key"]])
            self.entries.append(fields)

    @property
    def said(self) -> list[object]:
        """Request ids and names of events."""
        return [fields.get("request_id") or fields["event"] for fields in self.entries]


def _made(engine: Engine, **limits: float) -> tuple[_Store, _Trail, ContentWriter]:
    store = _Store(engine, MasterKeys([b"k" * 32]))
    trail = _Trail(store)
    bounds = ContentLimits(**{"interval_seconds": 0.001, "poll_seconds": 0.0, **limits})  # type: ignore[arg-type]
    writer = ContentWriter(
        store, trail.append, lambda entry: trail.append([entry]), retention_days=190, limits=bounds
    )
    return store, trail, writer


def test_content_waits_for_its_key(store_engine: Engine) -> None:
    """While the store is away nothing leaves; then all does."""
    store, trail, writer = _made(store_engine)
    key = new_data_key("acc-1", "p", day_of(now_us()))
    store.away = True
    writer.put_key(key)
    assert writer.put("r-1", 1, _EVIDENCE, key)
    writer._work()
    assert trail.said == []
    store.away = False
    writer._work()
    assert trail.said == ["r-1"]


def test_what_waits_too_long_is_given_up_and_told(store_engine: Engine) -> None:
    """By an event, since its exchange's entry says that it is kept."""
    store, trail, writer = _made(store_engine, wait_seconds=-1.0)
    key = new_data_key("acc-1", "p", day_of(now_us()))
    store.away = True
    writer.put_key(key)
    writer.put("r-1", 1, _EVIDENCE, key)
    writer._work()
    assert trail.said == ["content.dropped"]
    assert trail.entries[0]["details"] == {"entries": 1}


def test_erased_content_does_not_come_back(store_engine: Engine) -> None:
    """What waited under a key that was destroyed is given up, and whoever holds the key hears of it."""
    store, trail, writer = _made(store_engine)
    key = new_data_key("acc-1", "p", day_of(now_us()))
    writer.put_key(key)
    writer._work()
    store.erase(Person(user="p"))
    writer.put("r-1", 1, _EVIDENCE, key)
    writer._work()
    assert trail.said == ["content.dropped"]
    assert writer.destroyed == 1


def test_bounds_are_kept_and_told(store_engine: Engine) -> None:
    """One content too many, or too large, or under a key that found no room, is refused at once."""
    _, _, writer = _made(store_engine, contents=1, keys=1)
    key, lost = new_data_key("acc-1", "p", 1), new_data_key("acc-1", "q", 1)
    writer.put_key(key)
    writer.put_key(lost)
    assert not writer.put("r-0", 1, _EVIDENCE, lost)
    assert writer.put("r-1", 1, _EVIDENCE, key)
    assert not writer.put("r-2", 1, _EVIDENCE, key)
    _, _, small = _made(store_engine, characters=3)
    assert not small.put("r-3", 1, _EVIDENCE, key)


def test_a_trail_that_is_full_costs_content_and_says_so_later(store_engine: Engine) -> None:
    """Exchanges come first: content that finds no room there is given up."""
    _, trail, writer = _made(store_engine)
    key = new_data_key("acc-1", "p", day_of(now_us()))
    writer.put_key(key)
    writer.put("r-1", 1, _EVIDENCE, key)
    trail.full = True
    writer._work()
    trail.full = False
    writer._work()
    assert trail.said == ["content.dropped"]


def test_a_stop_writes_what_can_be_written(store_engine: Engine) -> None:
    """Nothing that came before it is lost while the store answers."""
    _, trail, writer = _made(store_engine, interval_seconds=60.0)
    key = new_data_key("acc-1", "p", day_of(now_us()))
    writer.start()
    writer.put_key(key)
    writer.put("r-1", 1, _EVIDENCE, key)
    writer.close()
    assert trail.said == ["r-1"]


def test_retention_ends_by_an_event_and_then_the_keys(store_engine: Engine) -> None:
    """A key of the last day that is kept stays; a trail that takes no event keeps all."""
    store, trail, writer = _made(store_engine)
    today = day_of(now_us())
    old, young = new_data_key("acc-1", "p", today - 191), new_data_key("acc-1", "p", today - 190)
    store.add([old, young], at_us=1)
    trail.full = True
    writer._work()
    assert store.existing([old.id, young.id]) == {old.id, young.id}
    trail.full = False
    writer._work()
    assert trail.said == ["content.retired"]
    assert store.existing([old.id, young.id]) == {young.id}
    assert retire(store, lambda entry: trail.append([entry]), "system", 190) == 0
