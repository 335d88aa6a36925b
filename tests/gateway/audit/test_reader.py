"""Tests of the reader."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import segment
from gateway.audit.reader import START, Position, read_log
from gateway.audit.segment import CorruptLogError
from tests.gateway.audit.builders import entries

_LOG_ID = "0123456789abcdef"
_LINE_BYTES = len(segment.frame(entries(1)[0]))


def _header(first: int) -> bytes:
    """Return a header with as many hashes as the tree before it has perfect subtrees."""
    return segment.header(_LOG_ID, first, [bytes(32)] * first.bit_count())


@pytest.fixture
def log_directory(tmp_path: Path) -> Path:
    """A log of seven entries in segments that begin at 0, 3 and 5."""
    directory = tmp_path / _LOG_ID
    directory.mkdir()
    for first, count in ((0, 3), (3, 2), (5, 2)):
        lines = [_header(first), *map(segment.frame, entries(count, first))]
        (directory / segment.segment_name(first)).write_bytes(b"".join(lines))
    return directory


def _read(directory: Path, position: Position = START) -> list[bytes]:
    return [stored.entry for stored in read_log(directory, position)]


def test_entries_come_in_order_with_their_sequences(log_directory: Path) -> None:
    """All segments are read as one log."""
    assert [(stored.sequence, stored.entry) for stored in read_log(log_directory)] == list(enumerate(entries(7)))


def test_reading_goes_on_from_any_entry(log_directory: Path) -> None:
    """The position behind an entry leads to the next one, also across segments and at the end."""
    for stored in read_log(log_directory):
        assert _read(log_directory, stored.after) == entries(7)[stored.sequence + 1 :]


def test_position_survives_a_segment_that_was_written_again(log_directory: Path) -> None:
    """Where a segment was given up behind the position, reading goes on in the one that took its place."""
    read_ahead = Position(segment.segment_name(3), 10_000, 6)
    assert _read(log_directory, read_ahead) == entries(1, 6)


def test_what_reaches_into_the_next_segment_is_void(log_directory: Path) -> None:
    """A segment ends where the next one begins, whatever a failed write left behind there."""
    with (log_directory / segment.segment_name(0)).open("ab") as file:
        file.write(segment.frame(b'{"void":1}') + b"torn")
    assert _read(log_directory) == entries(7)


def test_log_whose_oldest_segments_went_begins_later(log_directory: Path) -> None:
    """Reading from the start begins with the oldest segment there is."""
    (log_directory / segment.segment_name(0)).unlink()
    assert next(read_log(log_directory)).sequence == 3


@given(cut=st.integers(1, _LINE_BYTES))
def test_unfinished_entry_is_not_there_yet(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """While the last entry is being written, reading ends before it."""
    directory = tmp_path_factory.mktemp("audit") / _LOG_ID
    directory.mkdir()
    data = _header(0) + b"".join(map(segment.frame, entries(2)))
    (directory / segment.segment_name(0)).write_bytes(data[:-cut])
    assert _read(directory) == entries(1)


@pytest.mark.parametrize("torn", [b"\0" * 5000, b"\0" * (3 * segment.ENTRY_LIMIT_BYTES), b"\n", b"garbage\n"])
def test_torn_end_is_not_read(log_directory: Path, torn: bytes) -> None:
    """What a crash left at the end of the log is passed over until the writer cuts it off."""
    with (log_directory / segment.segment_name(5)).open("ab") as file:
        file.write(torn)
    assert _read(log_directory) == entries(7)


@pytest.mark.parametrize("first", [0, 3])
def test_segment_that_ends_early_is_an_error(log_directory: Path, first: int) -> None:
    """Entries missing before the next segment begins raise, after those that are there were read."""
    path = log_directory / segment.segment_name(first)
    path.write_bytes(path.read_bytes()[:-_LINE_BYTES])
    found: list[bytes] = []
    with pytest.raises(CorruptLogError, match="before entry"):
        found.extend(stored.entry for stored in read_log(log_directory))
    assert found == entries(len(found))
    assert len(found) >= first


def test_missing_segment_is_an_error(log_directory: Path) -> None:
    """A segment missing between two others raises."""
    (log_directory / segment.segment_name(3)).unlink()
    with pytest.raises(CorruptLogError, match="before entry 5"):
        _read(log_directory)


@pytest.mark.parametrize("first", [0, 3, 5])
def test_changed_entry_is_an_error(log_directory: Path, first: int) -> None:
    """An entry changed in place raises, and the message names file and byte."""
    path = log_directory / segment.segment_name(first)
    path.write_bytes(path.read_bytes().replace(b'"n":%d' % first, b'"n":9'))
    with pytest.raises(CorruptLogError, match=rf"{path.name}: (damaged|ends) at byte {len(_header(first))}"):
        _read(log_directory)


def test_log_shorter_than_the_position_is_an_error(log_directory: Path) -> None:
    """A log that was cut off behind a reader's back raises."""
    with pytest.raises(CorruptLogError, match="rebuild the index"):
        _read(log_directory, Position(segment.segment_name(5), 10_000, 60))
