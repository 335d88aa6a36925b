"""Tests of marks: where a crash leaves history and latest checkpoint, and where it does not."""

from pathlib import Path

from gateway.audit.history import HISTORY_NAME, LATEST_NAME, note_of
from gateway.audit.verification.marks import HistoryCheck, Notes
from gateway.audit.verification.report import Kind, LogReport
from tests.gateway.audit.trails import KEYS, lines_of, write_trail


def _check(log: Path) -> tuple[int, LogReport]:
    report = LogReport(log.name)
    marks = list(HistoryCheck(log, Notes(report, KEYS), report).marks(has_entries=True))
    return len(marks), report


def test_marks_are_those_of_the_history(tmp_path: Path) -> None:
    """One for each checkpoint, in the order of sizes."""
    log = write_trail(tmp_path)
    report = LogReport(log.name)
    marks = list(HistoryCheck(log, Notes(report, KEYS), report).marks(has_entries=True))
    assert [mark.size for mark in marks] == list(range(0, 61, 5))
    assert report.good


def test_what_a_crash_leaves_is_no_problem(tmp_path: Path) -> None:
    """Half a line at the end, and a latest checkpoint that is one behind, are only worth a notice."""
    log = write_trail(tmp_path)
    lines = lines_of(log / HISTORY_NAME)
    (log / LATEST_NAME).write_bytes(note_of(lines[-2]) or b"")
    (log / HISTORY_NAME).write_bytes(b"".join(lines) + lines[-1][:20])
    count, report = _check(log)
    assert (count, report.good, len(report.notices)) == (13, True, 2)


def test_history_written_to_meanwhile_is_read_to_where_it_was(tmp_path: Path) -> None:
    """What comes after the check began belongs to a later one."""
    log = write_trail(tmp_path)
    lines = lines_of(log / HISTORY_NAME)
    (log / HISTORY_NAME).write_bytes(b"".join(lines[:-1]))
    (log / LATEST_NAME).write_bytes(note_of(lines[-2]) or b"")
    report = LogReport(log.name)
    check = HistoryCheck(log, Notes(report, KEYS), report)
    with (log / HISTORY_NAME).open("ab") as file:
        file.write(lines[-1])
    assert len(list(check.marks(has_entries=True))) == 12
    assert report.good


def test_endless_line_is_a_problem(tmp_path: Path) -> None:
    """It is not read into memory."""
    log = write_trail(tmp_path)
    (log / HISTORY_NAME).write_bytes(b"x" * 12_000_000)
    _, report = _check(log)
    assert Kind.CHECKPOINT_DAMAGED in {problem.kind for problem in report.problems}
