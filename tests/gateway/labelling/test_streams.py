"""Parts of files are read as long as they say, or not at all."""

import io
from pathlib import Path
from typing import BinaryIO

import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.streams import copy, go_to, pieces, read_exactly


def test_short_files_are_damaged() -> None:
    """A length somebody wrote down is held against what is there."""
    with pytest.raises(LabelError, match="ends before"):
        read_exactly(io.BytesIO(b"abc"), 4)
    with pytest.raises(LabelError, match="ends before"):
        copy(io.BytesIO(b"abc"), io.BytesIO(), 4)


@pytest.mark.parametrize("offset", [2**62, 2**63 - 1, 2**64])
def test_offsets_behind_any_end_are_damage(tmp_path: Path, offset: int) -> None:
    """Systems refuse some of them, Python others."""
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    with path.open("rb") as file, pytest.raises(LabelError, match="damaged"):
        _read_at(file, offset)


def _read_at(file: BinaryIO, offset: int) -> bytes:
    go_to(file, offset)
    return read_exactly(file, 1)


def test_long_files_come_in_bounded_pieces() -> None:
    """Whatever their length, a mebibyte is held at a time."""
    data = bytes(5 * 1024 * 1024 + 7)
    assert max(map(len, pieces(io.BytesIO(data), None))) == 1024 * 1024
    target = io.BytesIO()
    copy(io.BytesIO(data + b"more"), target, len(data))
    assert target.getvalue() == data
    assert list(pieces(io.BytesIO(b"abc"), 0)) == []
