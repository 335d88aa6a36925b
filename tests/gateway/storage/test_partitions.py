"""PostgreSQL has a partition for each day that rows are written of, made by whoever comes first."""

import threading

import pytest
import sqlalchemy as sa

from gateway.storage.partitions import DAY_US, PARTITIONED, make_partitions, partition_edges
from gateway.storage.schema import AUDIT_ENTRIES
from tests.gateway.audit.index_builders import NOON_US, indexed_row

_PROCESSES = 4


def _partitions(engine: sa.Engine, table: str = "audit_entries") -> list[str]:
    query = sa.text(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(:table) ORDER BY 1"
    )
    with engine.connect() as connection:
        return list(connection.scalars(query, {"table": table}))


def _insert(connection: sa.Connection, at_us: int) -> None:
    row = indexed_row(at_us=at_us, sequence=abs(at_us))
    connection.execute(sa.insert(AUDIT_ENTRIES), row._asdict())


def test_every_moment_has_a_place(store_engine: sa.Engine) -> None:
    """Rows of any time can be written once their partitions were made, however wrong a clock was."""
    moments = [NOON_US, 0, -1, -(2**53), 2**53 - 1]
    make_partitions(store_engine, moments)
    with store_engine.begin() as connection:
        for at_us in moments:
            _insert(connection, at_us)
        assert connection.scalar(sa.text("SELECT count(*) FROM audit_entries")) == len(moments)


@pytest.mark.postgresql
def test_a_day_is_a_partition_made_with_the_next(postgresql_engine: sa.Engine) -> None:
    """Both tables get the day's partition and the following day's; clocks gone wrong share one on either side."""
    make_partitions(postgresql_engine, [NOON_US, NOON_US + 1, 0, 5 * DAY_US, 2**53 - 1])
    for table in PARTITIONED:
        names = ["after", "before", "d20261122", "d20261123"]
        assert _partitions(postgresql_engine, table) == [f"{table}_{name}" for name in names]


@pytest.mark.postgresql
def test_edges_are_where_partitions_begin(postgresql_engine: sa.Engine) -> None:
    """The newest comes first, and one that an operator attached under another name is there too."""
    make_partitions(postgresql_engine, [NOON_US])
    midnight = NOON_US // DAY_US * DAY_US
    with postgresql_engine.begin() as connection:
        connection.execute(
            sa.text(
                "CREATE TABLE archive PARTITION OF audit_entries "
                f"FOR VALUES FROM ({midnight - 9 * DAY_US}) TO ({midnight})"
            )
        )
        assert partition_edges(connection, "audit_entries") == [midnight + DAY_US, midnight, midnight - 9 * DAY_US]


@pytest.mark.postgresql
def test_a_partition_has_the_tables_indexes(postgresql_engine: sa.Engine) -> None:
    """What is attached is indexed as the table is, by the very indexes that the table's are made of."""
    make_partitions(postgresql_engine, [NOON_US])
    query = sa.text(
        "SELECT count(*) FROM pg_index WHERE indrelid = to_regclass('audit_entries_d20261122') "
        "AND EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)"
    )
    declared = sa.text("SELECT count(*) FROM pg_index WHERE indrelid = to_regclass('audit_entries')")
    with postgresql_engine.connect() as connection:
        assert connection.scalar(query) == connection.scalar(declared) == 10


@pytest.mark.postgresql
def test_processes_may_make_the_same_partitions_at_once(postgresql_engine: sa.Engine) -> None:
    """Indexers that meet at midnight all find the partitions made, once."""
    barrier = threading.Barrier(_PROCESSES)
    failures: list[Exception] = []

    def make() -> None:
        barrier.wait(30)
        try:
            make_partitions(postgresql_engine, [NOON_US + day * DAY_US for day in range(5)])
        except Exception as exc:  # noqa: BLE001 a thread's failure would go unseen
            failures.append(exc)

    threads = [threading.Thread(target=make) for _ in range(_PROCESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert len(_partitions(postgresql_engine)) == 6


@pytest.mark.postgresql
def test_making_a_partition_waits_for_no_reader_and_no_writer(postgresql_engine: sa.Engine) -> None:
    """A long question, and an insertion that is not committed yet, hold up no new day."""
    make_partitions(postgresql_engine, [NOON_US])
    with postgresql_engine.connect() as reader, postgresql_engine.connect() as writer:
        reader.execute(sa.text("SELECT * FROM audit_entries")).all()
        _insert(writer, NOON_US)
        make_partitions(postgresql_engine, [NOON_US + 9 * DAY_US])
    assert "audit_entries_d20261201" in _partitions(postgresql_engine)
