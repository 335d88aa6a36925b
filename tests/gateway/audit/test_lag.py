"""How far the index is behind is told without reading the logs."""

from pathlib import Path

import sqlalchemy as sa

from gateway.audit.entry import encode_exchange
from gateway.audit.index import Indexer
from gateway.audit.lag import Lag, measure_lag
from gateway.audit.segment import frame, log_directories, segment_paths
from gateway.audit.writer import LogWriter
from tests.gateway.audit.builders import exchange

_LINE = frame(encode_exchange(exchange()))


def _write(directory: Path, count: int, segment_bytes: int = 1 << 20) -> None:
    writer = LogWriter(directory, segment_bytes=segment_bytes)
    for _ in range(count):
        writer.append_batch([encode_exchange(exchange())])
    writer.close()


def test_an_index_that_has_everything_is_not_behind(store_engine: sa.Engine, tmp_path: Path) -> None:
    """Nothing written, or everything indexed: nothing is missing, and neither a header nor a torn end counts."""
    assert measure_lag(store_engine, tmp_path) == Lag(0, 0)
    _write(tmp_path, 3)
    Indexer(store_engine, tmp_path).index_new()
    assert measure_lag(store_engine, tmp_path) == Lag(0, 0)
    (log_directory,) = log_directories(tmp_path)
    with segment_paths(log_directory)[-1].open("ab") as file:
        file.write(_LINE[:20])
    assert measure_lag(store_engine, tmp_path) == Lag(0, 0)


def test_what_is_missing_is_counted_in_bytes(store_engine: sa.Engine, tmp_path: Path) -> None:
    """From where the index stands to the end, over segments."""
    _write(tmp_path, 3)
    Indexer(store_engine, tmp_path).index_new()
    _write(tmp_path, 2)
    assert measure_lag(store_engine, tmp_path) == Lag(1, 2 * len(_LINE))
    _write(tmp_path, 2, segment_bytes=1)
    (log_directory,) = log_directories(tmp_path)
    headers = sum(len(path.read_bytes().partition(b"\n")[0]) + 1 for path in segment_paths(log_directory)[1:])
    assert measure_lag(store_engine, tmp_path) == Lag(1, 4 * len(_LINE) + headers)
