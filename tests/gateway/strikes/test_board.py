"""The board: what one process writes, every other sees; it is never believed against the store."""

from pathlib import Path

import pytest

from gateway.errors import ResourceError
from gateway.strikes.board import SIZE_BYTES, Board
from gateway.strikes.person import Person

ALICE, BOB = Person("acc-1", "alice"), Person("acc-1", "bob")


def marked(board: Board, person: Person) -> bool:
    """Whether the store is asked about a person."""
    return board.is_marked(board.slot(person))


def test_a_new_board_says_ask_until_it_was_built(tmp_path: Path) -> None:
    """It knows nothing yet."""
    board = Board(tmp_path / "board")
    assert board.is_new
    assert marked(board, ALICE)
    board.write([BOB])
    assert not marked(board, ALICE)
    assert marked(board, BOB)


def test_every_process_sees_a_mark_at_once(tmp_path: Path) -> None:
    """Two mappings of one file are one memory."""
    first, second = Board(tmp_path / "board"), Board(tmp_path / "board")
    first.write([])
    assert not second.is_new
    second.set([ALICE])
    assert marked(first, ALICE)
    second.write([BOB])
    assert (marked(first, ALICE), marked(first, BOB)) == (False, True)


def test_a_board_that_was_taken_away_is_noticed_and_made_anew(tmp_path: Path) -> None:
    """Who writes first writes where those who start now look; everybody is asked about until it was built."""
    path = tmp_path / "board"
    board = Board(path)
    board.write([])
    path.unlink()
    assert board.is_lost()
    board.set([ALICE])
    assert not board.is_lost()
    other = Board(path)
    assert marked(other, ALICE)
    assert marked(other, BOB)


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """Naming the store by mistake must not overwrite it."""
    (tmp_path / "board").write_bytes(b"accounts")
    with pytest.raises(ResourceError, match="no board"):
        Board(tmp_path / "board")
    assert (tmp_path / "board").read_bytes() == b"accounts"


def test_no_link_is_followed(tmp_path: Path) -> None:
    """Whoever may write beside the store could have any file of that size overwritten."""
    (tmp_path / "target").write_bytes(bytes(SIZE_BYTES))
    (tmp_path / "board").symlink_to(tmp_path / "target")
    with pytest.raises(ResourceError, match="cannot be opened"):
        Board(tmp_path / "board")


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    """It tells who may have violated."""
    board = Board(tmp_path / "board")
    assert (tmp_path / "board").stat().st_mode & 0o777 == 0o600
    board.close()
