"""Tests of verifying a log in its directory: ends that a crash leaves, and many kinds of damage at once."""

from pathlib import Path

import pytest

from gateway.audit import segment
from gateway.audit.segment import segment_paths
from gateway.audit.verification.report import Kind, LogReport
from gateway.audit.writer import LogWriter
from tests.gateway.audit.builders import checkpointing
from tests.gateway.audit.trails import entry, lines_of, verified, write_trail


def _report(directory: Path) -> LogReport:
    return verified(directory)[0]


@pytest.mark.parametrize("torn", [b"1", b"0123abcd {", b"0123abcd {}\n", b"\0" * 50 + b"\n" + segment.frame(b"{}")])
def test_torn_end_is_only_a_notice(tmp_path: Path, torn: bytes) -> None:
    """Behind the last checkpoint, what a crash leaves is no problem."""
    path = segment_paths(write_trail(tmp_path))[-1]
    path.write_bytes(path.read_bytes() + torn)
    report = _report(tmp_path)
    assert (report.good, report.entries, len(report.notices)) == (True, 60, 1)


def test_entries_without_a_checkpoint_are_only_a_notice(tmp_path: Path) -> None:
    """What a writer has not signed yet is counted and told."""
    log = write_trail(tmp_path)
    writer = LogWriter(tmp_path, checkpointing=checkpointing(3600))
    writer.checkpoint_if_due()
    writer.append_batch([entry(60), entry(61)])
    report = _report(tmp_path)
    writer.close()
    assert (report.good, report.entries, report.covered) == (True, 62, 60)
    assert report.notices == [f"{log}: 2 entries at the end are not under a checkpoint yet"]


def test_void_entries_are_not_read(tmp_path: Path) -> None:
    """What a failed write left behind the next segment's first entry counts for nothing."""
    path = segment_paths(write_trail(tmp_path))[0]
    path.write_bytes(path.read_bytes() + segment.frame(entry(999)) + b"torn")
    assert _report(tmp_path).good


def test_all_damage_is_named(tmp_path: Path) -> None:
    """Reading goes on behind a problem, and behind it the tree of the next segment."""
    log = write_trail(tmp_path)
    first, second, *_, last = segment_paths(log)
    for path, at, line in (
        (first, 2, b"damaged\n"),
        (second, 1, segment.frame(entry(999))),
        (last, 0, b"no header\n"),
    ):
        lines = lines_of(path)
        lines[at] = line
        path.write_bytes(b"".join(lines))
    found = {(problem.kind, problem.file) for problem in _report(tmp_path).problems}
    assert {(Kind.DAMAGED, str(first)), (Kind.CHANGED, str(second)), (Kind.DAMAGED, str(last))} <= found
    (place,) = [problem for problem in _report(tmp_path).problems if problem.file == str(first)]
    assert (place.sequence, place.byte) == (1, sum(map(len, lines_of(first)[:2])))
