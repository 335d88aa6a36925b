"""Pieces of an old file and new bytes make a new file."""

import io
from pathlib import Path

import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.splice import Kept, read_at, write_spliced


def test_pieces_are_written_in_order(tmp_path: Path) -> None:
    """What is kept comes from the old file, whatever a plan reads in between."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"0123456789")
    new.write_bytes(b"something longer that was there before")

    write_spliced(old, new, b"-", lambda file, label: [Kept(7, 9), label, read_at(file, 0, 2), Kept(3, 4)])

    assert new.read_bytes() == b"78-013"


def test_a_range_the_file_does_not_have_is_an_error(tmp_path: Path) -> None:
    """A short copy would be a damaged file that looks whole."""
    old = tmp_path / "old"
    old.write_bytes(b"0123456789")

    with pytest.raises(LabelError, match="ends in the middle"):
        write_spliced(old, tmp_path / "new", b"", lambda *_: [Kept(5, 11)])


def test_no_more_is_read_than_is_bounded() -> None:
    """A length is a claim of a stranger, also where the file is as long."""
    with pytest.raises(LabelError, match="held in memory"):
        read_at(io.BytesIO(bytes(100)), 0, 100, most=99)
    with pytest.raises(LabelError, match="ends in the middle"):
        read_at(io.BytesIO(bytes(100)), 50, 51)
