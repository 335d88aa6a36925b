"""How far the index is behind the files."""

from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from gateway.audit.index import read_cursors
from gateway.audit.reader import START, Position, read_log
from gateway.audit.segment import first_sequence, log_directories, segment_paths
from gateway.storage.transactions import reading


class Lag(NamedTuple):
    """What the index does not have yet of an audit directory.

    Attributes:
        logs: logs with entries that are not indexed.
        log_bytes: length of what has to be read of them.
    """

    logs: int
    log_bytes: int


def measure_lag(engine: sa.Engine, directory: Path) -> Lag:
    """Return how far the index is behind the files under a directory; it reads hardly more than their sizes.

    Args:
        engine: the store.
        directory: the audit directory.

    Raises:
        StorageError: the store is away.
        CorruptLogError: a log is damaged where the index stands.
        OSError: a log cannot be read.
    """
    logs = log_directories(directory)
    with reading(engine) as connection:
        cursors = read_cursors(connection, [log.name for log in logs])
    unread = [_unread_bytes(log, cursors.get(log.name, START)) for log in logs]
    return Lag(sum(size > 0 for size in unread), sum(unread))


def _unread_bytes(log_directory: Path, position: Position) -> int:
    # A header alone, or an end that a crash left half written, is nothing that the index could have.
    if next(read_log(log_directory, position), None) is None:
        return 0
    paths = segment_paths(log_directory)
    begin = max((at for at, path in enumerate(paths) if first_sequence(path) <= position.sequence), default=0)
    size = sum(path.stat().st_size for path in paths[begin:])
    return size - position.byte_offset if paths[begin].name == position.segment else size
