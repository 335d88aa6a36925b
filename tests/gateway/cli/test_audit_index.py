"""`sluice audit collect` and `reindex` bring every entry into the index once, however often they are killed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from gateway.audit.entry import encode_exchange
from gateway.audit.segment import log_directories, segment_paths
from gateway.audit.writer import LogWriter
from gateway.cli.main import app
from gateway.storage.migrate import migrate
from gateway.storage.schema import AUDIT_CURSORS, AUDIT_ENTRIES, AUDIT_RISKS
from tests.gateway.audit.builders import FINDING, exchange
from tests.stores import opened

_LOGS = 2
# Many batches of either store.
_ENTRIES = 12_000
_KILLS = 3


@pytest.fixture
def migrated_url(store_url: str) -> str:
    """URL of a store with all its tables."""
    migrate(store_url)
    return store_url


def _write(directory: Path, count: int, logs: int = _LOGS) -> None:
    writers = [LogWriter(directory, segment_bytes=300_000) for _ in range(logs)]
    for writer in writers:
        for first in range(0, count, 1_000):
            numbers = range(first, min(first + 1_000, count))
            writer.append_batch([_entry(number) for number in numbers])
        writer.close()


def _entry(number: int) -> bytes:
    return encode_exchange(exchange(request_id=f"r{number}", started_at_us=number, findings=(FINDING,)))


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments])


def _assert_whole(url: str, directory: Path, count: int) -> None:
    """Every entry and risk is in the index once, and each cursor is at the end of its log."""
    names = [log.name for log in log_directories(directory)]
    with opened(url) as engine, engine.connect() as connection:
        for name in names:
            for table in (AUDIT_ENTRIES, AUDIT_RISKS):
                found = list(connection.scalars(sa.select(table.c.sequence).where(table.c.log_id == name)))
                assert sorted(found) == list(range(count)), table.name
        cursors = connection.execute(sa.select(AUDIT_CURSORS.c.log_id, AUDIT_CURSORS.c.sequence)).all()
        assert sorted(tuple(cursor) for cursor in cursors) == [(name, count) for name in names]


def _assert_prefix(url: str) -> None:
    """What is in the index of a log is what its cursor says: everything before it, and nothing behind."""
    with opened(url) as engine, engine.connect() as connection:
        cursors = dict(connection.execute(sa.select(AUDIT_CURSORS.c.log_id, AUDIT_CURSORS.c.sequence)).all())
        query = sa.select(AUDIT_ENTRIES.c.log_id, sa.func.count(), sa.func.max(AUDIT_ENTRIES.c.sequence))
        rows = connection.execute(query.group_by(AUDIT_ENTRIES.c.log_id)).all()
        assert {name: (count, last + 1) for name, count, last in rows} == {
            name: (at, at) for name, at in cursors.items()
        }


def test_a_killed_command_goes_on_where_it_was(migrated_url: str, tmp_path: Path) -> None:
    """Killed again and again at any step: entries are there once and in order, and in the end all of them are."""
    _write(tmp_path, _ENTRIES)
    chance = random.Random(11)  # noqa: S311 it chooses the moment of death
    command = [sys.executable, "-m", "gateway.cli", "audit", "collect", str(tmp_path), "--store", migrated_url]
    killed = 0
    for _ in range(_KILLS):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603 our own
        _await_progress(migrated_url, process)
        time.sleep(chance.random() * 0.15)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        killed += process.returncode == -signal.SIGKILL
        _assert_prefix(migrated_url)
    assert killed
    assert _run("collect", str(tmp_path), "--store", migrated_url).exit_code == 0
    _assert_whole(migrated_url, tmp_path, _ENTRIES)


def _await_progress(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a command has indexed something more, or has ended."""
    query = sa.select(sa.func.coalesce(sa.func.sum(AUDIT_CURSORS.c.sequence), 0))
    deadline = time.monotonic() + 60
    with opened(url) as engine:
        with engine.connect() as connection:
            before = connection.scalar(query)
        while process.poll() is None and time.monotonic() < deadline:
            with engine.connect() as connection:
                if connection.scalar(query) != before:
                    return
            time.sleep(0.005)


def test_collecting_again_takes_only_what_is_new(migrated_url: str, tmp_path: Path) -> None:
    """Files that were brought again, with more in them, are taken up where they were left."""
    _write(tmp_path, 10)
    assert "Indexed 20 new entries of 2 logs" in _run("collect", str(tmp_path), "--store", migrated_url).stdout
    assert "Indexed 0 new entries of 2 logs" in _run("collect", str(tmp_path), "--store", migrated_url).stdout
    _assert_whole(migrated_url, tmp_path, 10)


def test_reindex_mends_what_was_changed(migrated_url: str, tmp_path: Path) -> None:
    """Rows that were forged, taken away or added are again what the files say."""
    _write(tmp_path, 10)
    assert _run("collect", str(tmp_path), "--store", migrated_url).exit_code == 0
    with opened(migrated_url) as engine, engine.begin() as connection:
        connection.execute(sa.update(AUDIT_ENTRIES).values(decision="forged"))
        connection.execute(sa.delete(AUDIT_RISKS).where(AUDIT_RISKS.c.sequence > 2))
    result = _run("reindex", "--directory", str(tmp_path), "--store", migrated_url)
    assert "Indexed 20 entries of 2 logs" in result.stdout
    _assert_whole(migrated_url, tmp_path, 10)
    with opened(migrated_url) as engine, engine.connect() as connection:
        assert set(connection.scalars(sa.select(AUDIT_ENTRIES.c.decision))) == {"allow"}


def test_what_is_no_longer_on_disk_stays_in_the_index(migrated_url: str, tmp_path: Path) -> None:
    """Entries whose segments went to an archive could not be brought back, so a reindex leaves them."""
    _write(tmp_path, 3_000, logs=1)
    assert _run("collect", str(tmp_path), "--store", migrated_url).exit_code == 0
    (log_directory,) = log_directories(tmp_path)
    segment_paths(log_directory)[0].unlink()
    assert _run("reindex", "--directory", str(tmp_path), "--store", migrated_url).exit_code == 0
    _assert_whole(migrated_url, tmp_path, 3_000)


def test_damage_is_a_failure_that_names_the_file(migrated_url: str, tmp_path: Path) -> None:
    """The rest is indexed, and the exit status is 1."""
    _write(tmp_path, 10)
    damaged = segment_paths(log_directories(tmp_path)[0])[0]
    damaged.write_bytes(damaged.read_bytes().replace(b'"r4"', b'"rX"'))
    result = _run("collect", str(tmp_path), "--store", migrated_url)
    assert result.exit_code == 1
    assert damaged.name in result.stderr
    with opened(migrated_url) as engine, engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(AUDIT_ENTRIES)) == 14


@pytest.mark.parametrize("command", [["collect"], ["reindex", "--directory"]])
def test_a_directory_without_logs_is_a_failure(sqlite_engine: sa.Engine, tmp_path: Path, command: list[str]) -> None:
    """A mistyped directory does not look like one that is done."""
    url = sqlite_engine.url.render_as_string()
    result = _run(*command, str(tmp_path / "absent"), "--store", url)
    assert result.exit_code == 1
    assert "no logs under" in result.stderr
    assert not os.path.lexists(tmp_path / "absent")
