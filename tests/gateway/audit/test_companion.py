"""The companion process keeps the index up to date, and ends with the gateway."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.audit.companion import index_until, keep_indexing
from gateway.audit.entry import encode_exchange
from gateway.audit.queries import Question, find
from gateway.audit.writer import LogWriter
from gateway.storage.engine import open_engine
from gateway.storage.migrate import migrate
from tests.gateway.audit.builders import exchange


def _write(directory: Path, request_id: str) -> None:
    writer = LogWriter(directory)
    writer.append_batch([encode_exchange(exchange(request_id=request_id))])
    writer.close()


def _indexed(store_url: str, request_id: str) -> int:
    engine = open_engine(store_url)
    try:
        return len(find(engine, Question(request_id=request_id), limit=10))
    finally:
        engine.dispose()


def test_what_is_left_at_the_end_is_indexed(store_url: str, tmp_path: Path) -> None:
    """An entry written just before the stop is in the index after it."""
    migrate(store_url)
    _write(tmp_path / "audit", "last")
    ended = asyncio.Event()
    ended.set()
    asyncio.run(index_until(ended, store_url, tmp_path / "audit"))
    assert _indexed(store_url, "last") == 1


def test_the_process_ends_with_its_input(sqlite_url: str, tmp_path: Path) -> None:
    """When the gateway is gone, however it went, the companion indexes what is left and ends in good order."""
    migrate(sqlite_url)
    _write(tmp_path / "audit", "here")
    environment = {"SLUICE_COMPANION_STORE": sqlite_url, "SLUICE_COMPANION_DIRECTORY": str(tmp_path / "audit")}
    command = [sys.executable, "-m", "gateway.audit.companion"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, env=os.environ | environment, check=False, timeout=30)  # noqa: S603 our own
    assert done.returncode == 0
    assert _indexed(sqlite_url, "here") == 1


def test_stopping_the_gateway_leaves_no_process_behind(sqlite_url: str, tmp_path: Path) -> None:
    """Cancelling waits for the companion, which has then indexed everything."""
    migrate(sqlite_url)
    _write(tmp_path / "audit", "here")
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(keep_indexing(sqlite_url, tmp_path / "audit"), timeout=0.5))
    assert _indexed(sqlite_url, "here") == 1


def test_a_companion_without_a_store_says_so(tmp_path: Path) -> None:
    """A store that cannot be opened is one sentence and status 1, not a stack."""
    environment = {"SLUICE_COMPANION_STORE": f"sqlite:///{tmp_path}/no/such.db", "SLUICE_COMPANION_DIRECTORY": "x"}
    command = [sys.executable, "-m", "gateway.audit.companion"]
    done = subprocess.run(  # noqa: S603 our own command
        command, stdin=subprocess.DEVNULL, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("sluice: ")
