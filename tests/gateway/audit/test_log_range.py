"""Tests of parts of a log: they lie between checkpoints, and their tree is the log's."""

from pathlib import Path

import pytest

from gateway.audit.checkpoint import read_checkpoint
from gateway.audit.history import HISTORY_NAME, read_history
from gateway.audit.log_range import find_range, read_entries, tree_before
from gateway.audit.segment import CorruptLogError
from gateway.audit.tree import Tree
from tests.gateway.audit.trails import entry, write_trail


def test_part_holds_all_entries_of_a_time(tmp_path: Path) -> None:
    """It begins at the last checkpoint before the time, and ends at the first one after it."""
    log = write_trail(tmp_path)
    times = [read_checkpoint(line.note or b"").time_us for line in read_history(log / HISTORY_NAME)]
    part = find_range(log, times[3], times[6])
    assert part is not None
    assert part.first <= 15
    assert part.checkpoint.size >= 30
    whole = find_range(log)
    assert whole is not None
    assert (whole.first, whole.checkpoint.size) == (0, 60)
    assert find_range(log, times[-1] + 1_000_000) is None
    assert find_range(tmp_path) is None


@pytest.mark.parametrize("sequence", [0, 1, 24, 25, 26, 60])
def test_tree_before_an_entry_is_that_of_all_before(tmp_path: Path, sequence: int) -> None:
    """Found from a segment's header, it is the same as from the beginning."""
    log = write_trail(tmp_path)
    tree = Tree()
    tree.extend_entries(map(entry, range(sequence)))
    assert tree_before(log, sequence).edge == tree.edge
    assert list(read_entries(log, sequence)) == [entry(number) for number in range(sequence, 60)]


def test_tree_beyond_the_end_is_an_error(tmp_path: Path) -> None:
    """A log that is shorter than its history says raises."""
    with pytest.raises(CorruptLogError, match="60 entries only"):
        tree_before(write_trail(tmp_path), 61)


def test_damaged_history_is_an_error(tmp_path: Path) -> None:
    """No part is chosen from what cannot be read."""
    log = write_trail(tmp_path)
    (log / HISTORY_NAME).write_bytes(b"damaged\n")
    with pytest.raises(CorruptLogError, match="damaged at byte 0"):
        find_range(log)
