"""Tests of the segment format."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import segment
from gateway.audit.segment import CorruptLogError

_LOG_ID = "0123456789abcdef"


def _segment(tmp_path: Path, *lines: bytes, first: int = 0) -> Path:
    directory = tmp_path / _LOG_ID
    directory.mkdir()
    path = directory / segment.segment_name(first)
    path.write_bytes(b"".join(lines))
    return path


HEADER = segment.header(_LOG_ID, 0, [])
LINES = [segment.frame(b'{"n":%d}' % number) for number in range(3)]


def test_line_is_readable_with_any_tool() -> None:
    """A line is the CRC-32 in hexadecimal, a space, the entry, a line feed."""
    # The check value that every description of CRC-32 gives.
    assert segment.frame(b"123456789") == b"cbf43926 123456789\n"
    assert HEADER[9:] == b'{"first_sequence":0,"log_id":"0123456789abcdef","tree":[],"type":"segment","v":1}\n'


def test_framing_costs_ten_bytes() -> None:
    """Checksum, space and line feed are all that an entry costs beside itself."""
    assert len(segment.frame(b"x" * 500)) == 510


@given(st.binary(max_size=64).filter(lambda data: b"\n" not in data))
def test_unframe_gives_the_entry_back(entry: bytes) -> None:
    """What was framed is read back."""
    assert segment.unframe(segment.frame(entry)[:-1]) == entry


@given(st.data())
def test_changed_line_is_noticed(data: st.DataObject) -> None:
    """Changing any one byte of a line makes it damaged."""
    line = bytearray(LINES[0][:-1])
    line[data.draw(st.integers(0, len(line) - 1))] ^= data.draw(st.integers(1, 255))
    assert segment.unframe(bytes(line)) is None


def test_names_sort_as_sequences_do(tmp_path: Path) -> None:
    """Segments are listed by sequence; other files in the directory are none."""
    numbers = [0, 9, 10, 12_345_678_901]
    for name in [*map(segment.segment_name, numbers), "lock", "00000000000000000000.seg.tmp", "1.seg"]:
        (tmp_path / name).touch()
    assert [segment.first_sequence(path) for path in segment.segment_paths(tmp_path)] == numbers


def test_missing_directory_has_no_logs(tmp_path: Path) -> None:
    """A directory that was never written has no logs."""
    assert segment.log_directories(tmp_path / "absent") == []


def test_scan_finds_the_end(tmp_path: Path) -> None:
    """A whole segment ends behind its last entry."""
    assert segment.scan(_segment(tmp_path, HEADER, *LINES)) == (3, len(HEADER) + sum(map(len, LINES)))


@pytest.mark.parametrize("cut", range(1, len(LINES[2])))
def test_entry_cut_anywhere_is_a_torn_end(tmp_path: Path, cut: int) -> None:
    """An entry of which only a part was written does not count."""
    path = _segment(tmp_path, HEADER, LINES[0], LINES[1], LINES[2][:cut])
    assert segment.scan(path) == (2, len(HEADER) + len(LINES[0]) + len(LINES[1]))


@pytest.mark.parametrize(
    "torn",
    [
        b"\0" * 4096,
        b"\0" * 100 + LINES[1][50:] + LINES[2],  # a page that was not written, before one that was
        b"garbage\n",
        b"\n",
    ],
    ids=["no page", "a page missing", "garbage", "empty line"],
)
def test_what_a_crash_leaves_is_a_torn_end(tmp_path: Path, torn: bytes) -> None:
    """Pages that were not written, and damage nothing whole follows, are torn off."""
    assert segment.scan(_segment(tmp_path, HEADER, LINES[0], torn)) == (1, len(HEADER) + len(LINES[0]))


@pytest.mark.parametrize(
    "rest",
    [LINES[1].replace(b"1", b"7") + LINES[2], b"\0" * (segment.TORN_LIMIT_BYTES + 1)],
    ids=["whole entries follow", "longer than a batch"],
)
def test_other_damage_is_an_error(tmp_path: Path, rest: bytes) -> None:
    """Damage that no crash explains raises, and says where."""
    path = _segment(tmp_path, HEADER, LINES[0], rest)
    with pytest.raises(CorruptLogError, match=f"damaged at byte {len(HEADER) + len(LINES[0])}"):
        segment.scan(path)


@pytest.mark.parametrize(
    "header",
    [
        segment.header("fedcba9876543210", 0, []),
        segment.header(_LOG_ID, 1, [bytes(32)]),
        b"garbage\n",
        b"",
        HEADER[:-1],
        segment.frame(b"{}"),
    ],
    ids=["another log", "another sequence", "garbage", "empty", "unfinished", "another form"],
)
def test_segment_under_a_wrong_name_is_an_error(tmp_path: Path, header: bytes) -> None:
    """A segment says which log and which sequences it holds; a mismatch raises."""
    with pytest.raises(CorruptLogError, match="header"):
        segment.scan(_segment(tmp_path, header))
