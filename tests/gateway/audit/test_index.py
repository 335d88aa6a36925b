"""Tests of the index."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from gateway.audit.entry import decode, encode_exchange
from gateway.audit.index import Indexer, find
from gateway.audit.reader import Position
from gateway.audit.segment import CorruptLogError, log_directories, segment_paths
from gateway.audit.tree import leaf_hash
from gateway.audit.writer import LogWriter
from gateway.storage.schema import AUDIT_CURSORS, AUDIT_ENTRIES
from tests.gateway.audit.builders import FINDING, exchange

FEW = 1200  # more than two batches


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An audit directory."""
    return tmp_path / "audit"


@contextlib.contextmanager
def _log(directory: Path) -> Iterator[LogWriter]:
    writer = LogWriter(directory, segment_bytes=100_000)
    try:
        yield writer
    finally:
        writer.close()


def _append(directory: Path, first: int, count: int) -> None:
    records = [exchange(request_id=f"r{number}", started_at_us=number) for number in range(first, first + count)]
    with _log(directory) as writer:
        writer.append_batch([encode_exchange(record) for record in records])


def _row(log_id: str, sequence: int) -> dict[str, object]:
    texts = {column.name: "" for column in AUDIT_ENTRIES.c}
    return {**texts, "log_id": log_id, "sequence": sequence, "at_us": 0, "entry": b"", "leaf_hash": b""}


def _sequences(engine: sa.Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(AUDIT_ENTRIES.c.sequence).order_by(AUDIT_ENTRIES.c.sequence)))


def test_entry_is_indexed_with_what_people_ask_by(store_engine: sa.Engine, directory: Path) -> None:
    """The row has the entry's columns, its bytes and its leaf hash."""
    record = exchange(decision="block", findings=(FINDING, dataclasses.replace(FINDING, risk="A.1.a"), FINDING))
    entry = encode_exchange(record)
    with _log(directory) as writer:
        writer.append_batch([entry])
        log_id = writer.log_id
    assert Indexer(store_engine, directory).index_new() == 1
    with store_engine.connect() as connection:
        row = connection.execute(sa.select(AUDIT_ENTRIES)).one()
    assert row._asdict() == {
        "log_id": log_id,
        "sequence": 0,
        "request_id": record.request_id,
        "at_us": record.started_at_us,
        "account": record.account,
        "account_kind": "user",
        "dialect": "openai.chat",
        "model": record.model,
        "decision": "block",
        "risks": "A.1.a,A.1.f",
        "entry": entry,
        "leaf_hash": leaf_hash(entry),
    }


def test_model_name_that_no_column_can_hold_is_indexed(store_engine: sa.Engine, directory: Path) -> None:
    """A NUL in a client's model name is replaced in the column, and kept in the entry."""
    record = exchange(model="a\0b")
    with _log(directory) as writer:
        writer.append_batch([encode_exchange(record)])
    assert Indexer(store_engine, directory).index_new() == 1
    (found,) = find(store_engine)
    assert decode(found.entry) == record
    with store_engine.connect() as connection:
        assert connection.scalar(sa.select(AUDIT_ENTRIES.c.model)) == "a\ufffdb"


def test_each_entry_is_indexed_once(store_engine: sa.Engine, directory: Path) -> None:
    """Indexing goes on where it stopped, over batches, segments and restarts."""
    _append(directory, 0, FEW)
    assert Indexer(store_engine, directory).index_new() == FEW
    assert Indexer(store_engine, directory).index_new() == 0
    _append(directory, FEW, 3)
    assert Indexer(store_engine, directory).index_new() == 3
    assert _sequences(store_engine) == list(range(FEW + 3))


def test_logs_are_indexed_side_by_side(store_engine: sa.Engine, directory: Path) -> None:
    """Every worker's log is in the index, with its own numbering."""
    with _log(directory) as first, _log(directory) as second:
        for writer in (first, second):
            writer.append_batch([encode_exchange(exchange())])
    assert Indexer(store_engine, directory).index_new() == 2
    assert _sequences(store_engine) == [0, 0]


def test_nothing_to_index_is_no_error(store_engine: sa.Engine, directory: Path) -> None:
    """Before the first entry there is nothing to do."""
    assert Indexer(store_engine, directory).index_new() == 0
    with _log(directory):
        assert Indexer(store_engine, directory).index_new() == 0


def test_failed_insert_leaves_the_cursor(store_engine: sa.Engine, directory: Path) -> None:
    """Rows and cursor move together: a batch that cannot be inserted whole leaves neither."""
    _append(directory, 0, 3)
    with store_engine.begin() as connection:
        (log_directory,) = log_directories(directory)
        connection.execute(sa.insert(AUDIT_ENTRIES), [_row(log_directory.name, 2)])
    with pytest.raises(sa.exc.IntegrityError):
        Indexer(store_engine, directory).index_new()
    with store_engine.connect() as connection:
        assert connection.execute(sa.select(AUDIT_CURSORS)).all() == []
    assert _sequences(store_engine) == [2]


@pytest.mark.parametrize("indexed_before", [0, 2])
def test_slower_of_two_indexers_does_nothing(store_engine: sa.Engine, directory: Path, indexed_before: int) -> None:
    """When another process indexed the same entries meanwhile, they stay there once."""
    _append(directory, 0, indexed_before or 1)
    if indexed_before:
        Indexer(store_engine, directory).index_new()
        _append(directory, indexed_before, 1)

    class _Overtaken(Indexer):
        overtaken = False

        def _position(self, log_id: str) -> Position:
            position = super()._position(log_id)
            if not self.overtaken:
                self.overtaken = True
                assert Indexer(store_engine, directory).index_new() == 1
            return position

    assert _Overtaken(store_engine, directory).index_new() == 0
    assert _sequences(store_engine) == list(range(indexed_before + 1))


@pytest.mark.parametrize("damage", ["changed", "unknown form"])
def test_damaged_log_does_not_hold_up_the_others(store_engine: sa.Engine, directory: Path, damage: str) -> None:
    """Damage is reported after everything that can be read was indexed."""
    unknown = b'{"type":"unknown","v":1}'
    with contextlib.ExitStack() as stack:
        writers = sorted((stack.enter_context(_log(directory)) for _ in range(2)), key=lambda writer: writer.log_id)
        for writer in writers:
            writer.append_batch([encode_exchange(exchange(request_id=f"r{number}")) for number in range(3)])
        if damage == "unknown form":
            writers[0].append_batch([unknown])
        else:
            (path,) = segment_paths(directory / writers[0].log_id)
            path.write_bytes(path.read_bytes().replace(b'"r1"', b'"rX"'))
    with pytest.raises((CorruptLogError, ValueError), match=r"damaged at byte|not an exchange entry"):
        Indexer(store_engine, directory).index_new()
    assert _sequences(store_engine) == ([0, 0, 1, 2] if damage == "changed" else [0, 1, 2])


def test_rebuild_restores_the_index_from_the_files(store_engine: sa.Engine, directory: Path) -> None:
    """A damaged index is as new after a rebuild, and rows of other machines' logs stay."""
    _append(directory, 0, 5)
    Indexer(store_engine, directory).index_new()
    with store_engine.begin() as connection:
        connection.execute(sa.update(AUDIT_ENTRIES).values(decision="forged"))
        connection.execute(sa.delete(AUDIT_ENTRIES).where(AUDIT_ENTRIES.c.sequence > 2))
        connection.execute(sa.insert(AUDIT_ENTRIES), [_row("elsewhere", 77)])
    assert Indexer(store_engine, directory).rebuild() == 5
    assert _sequences(store_engine) == [0, 1, 2, 3, 4, 77]
    assert find(store_engine, decision="forged") == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [3, 2, 1, 0]),
        ({"limit": 2}, [3, 2]),
        ({"request_id": "r1"}, [1]),
        ({"since_us": 102}, [3, 2]),
        ({"account": "acc_b"}, [3, 1]),
        ({"decision": "block"}, [2]),
        ({"account": "acc_b", "since_us": 102}, [3]),
        ({"account": "acc_b", "decision": "block"}, []),
    ],
)
def test_find_gives_the_newest_that_fit(
    store_engine: sa.Engine, directory: Path, wanted: dict[str, object], expected: list[int]
) -> None:
    """Conditions add up, and the newest come first."""
    records = [
        exchange(
            request_id=f"r{number}",
            started_at_us=100 + number,
            account="acc_b" if number % 2 else "acc_a",
            decision="block" if number == 2 else "allow",
        )
        for number in range(4)
    ]
    written = [encode_exchange(record) for record in records]
    with _log(directory) as writer:
        writer.append_batch(written)
    Indexer(store_engine, directory).index_new()
    found = find(store_engine, **wanted)  # type: ignore[arg-type]  # parametrised by name
    assert [(entry.sequence, entry.entry) for entry in found] == [(number, written[number]) for number in expected]


def test_run_goes_on_when_the_store_comes_back(store_engine: sa.Engine, directory: Path) -> None:
    """While the store is away it is tried again and said once, without the entries; all are indexed in the end."""
    _append(directory, 0, 3)

    class _Watched(Indexer):
        rounds = 0

        def index_new(self) -> int:
            self.rounds += 1
            if self.rounds == 3:
                with store_engine.begin() as connection:
                    connection.execute(sa.text("ALTER TABLE away RENAME TO audit_entries"))
            try:
                return super().index_new()
            finally:
                if self.rounds == 4:
                    loop.call_soon_threadsafe(done.set)

    async def scenario() -> None:
        task = asyncio.create_task(_Watched(store_engine, directory).run(0.001))
        await done.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    with store_engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE audit_entries RENAME TO away"))
    with capture_logs() as logs, asyncio.Runner() as runner:
        loop, done = runner.get_loop(), asyncio.Event()
        runner.run(scenario())
    assert _sequences(store_engine) == [0, 1, 2]
    assert [event["event"] for event in logs] == ["audit_index_behind", "audit_index_recovered"]
    assert "acc_" not in str(logs)


def test_position_is_kept_in_the_cursor(store_engine: sa.Engine, directory: Path) -> None:
    """The cursor names the segment, byte and sequence where the next entry begins."""
    _append(directory, 0, 4)
    Indexer(store_engine, directory).index_new()
    (log_directory,) = log_directories(directory)
    (path,) = segment_paths(log_directory)
    with store_engine.connect() as connection:
        assert connection.execute(sa.select(AUDIT_CURSORS)).one() == (
            log_directory.name,
            path.name,
            path.stat().st_size,
            4,
        )
