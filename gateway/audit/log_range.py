"""Parts of a log between two of its checkpoints: the tree before it, its entries, the checkpoint at its end."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from gateway.audit import segment
from gateway.audit.checkpoint import Checkpoint, read_checkpoint
from gateway.audit.history import HISTORY_NAME, read_history
from gateway.audit.reader import Position, read_log
from gateway.audit.segment import CorruptLogError
from gateway.audit.tree import Tree


class LogRange(NamedTuple):
    """Which part of a log to take.

    Attributes:
        first: sequence of its first entry.
        checkpoint: the checkpoint it ends at.
        note: the same as it was signed.
    """

    first: int
    checkpoint: Checkpoint
    note: bytes


def find_range(log_directory: Path, since_us: int | None = None, until_us: int | None = None) -> LogRange | None:
    """Return the smallest part between two checkpoints that holds all entries of a time, or None when none does.

    Args:
        log_directory: the log.
        since_us: entries written before may be left out, in microseconds of Unix time; None begins with the log.
        until_us: entries written after may be left out; None ends at the latest checkpoint.

    Raises:
        CorruptLogError: the history of checkpoints is damaged.
        OSError: it cannot be read.
    """
    first, last = 0, None
    # By the times of checkpoints and not of entries: what was written between two lies between their sizes.
    for line in read_history(log_directory / HISTORY_NAME):
        if line.note is None:
            raise CorruptLogError(f"{log_directory / HISTORY_NAME}: damaged at byte {line.byte_offset}")
        checkpoint = read_checkpoint(line.note)
        if since_us is not None and checkpoint.time_us < since_us:
            first = checkpoint.size
        last = LogRange(first, checkpoint, line.note)
        if until_us is not None and checkpoint.time_us > until_us:
            break
    if last is None or last.checkpoint.size <= last.first:
        return None
    return last


def tree_before(log_directory: Path, sequence: int) -> Tree:
    """Return the tree over all entries of a log before a sequence.

    Raises:
        CorruptLogError: the log is damaged, or has fewer entries.
        OSError: it cannot be read.
    """
    before = [path for path in segment.segment_paths(log_directory) if segment.first_sequence(path) <= sequence]
    if not before:
        raise CorruptLogError(f"{log_directory}: the segment of entry {sequence} is missing")
    with before[-1].open("rb") as file:
        tree = segment.read_header(before[-1], file.readline(segment.ENTRY_LIMIT_BYTES))
    entries = read_entries(log_directory, tree.size)
    tree.extend_entries(islice(entries, sequence - tree.size))
    if tree.size < sequence:
        raise CorruptLogError(f"{log_directory}: has {tree.size} entries only, fewer than {sequence}")
    return tree


def read_entries(log_directory: Path, first: int = 0) -> Iterator[bytes]:
    """Yield the entries of a log from a sequence on.

    Raises:
        CorruptLogError: a segment is damaged.
        OSError: it cannot be read.
    """
    return (stored.entry for stored in read_log(log_directory, Position(sequence=first)))
