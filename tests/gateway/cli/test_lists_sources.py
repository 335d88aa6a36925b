"""Which lists a command works on, and how it fails."""

from pathlib import Path

import pytest

from filters.lists import ListError
from gateway.cli.lists_sources import read_all
from tests.gateway.cli.lists import SluiceLists
from tests.lists import write_list


def test_problems_of_all_directories_are_told_together(tmp_path: Path) -> None:
    """Each names its directory, because several may hold a file of that name."""
    write_list(tmp_path / "one", "毒")
    write_list(tmp_path / "two", "出售某物")
    write_list(tmp_path / "three", "品")
    with pytest.raises(ListError) as caught:
        read_all([tmp_path / "one", tmp_path / "two", tmp_path / "three", tmp_path / "four"])
    assert [(problem.file, problem.line) for problem in caught.value.problems] == [
        ("one/A.1.h.csv", 2),
        ("three/A.1.h.csv", 2),
        ("four", 0),
    ]


def test_rows_name_their_directory(tmp_path: Path) -> None:
    """So that a repetition can be found."""
    write_list(tmp_path / "one", "出售某物")
    ((row,),) = read_all([tmp_path / "one"])
    assert (row.file, row.line) == ("one/A.1.h.csv", 2)


@pytest.mark.parametrize(
    "command", [["stats"], ["check"], ["publish"], ["export", "--csv", "out"], ["diff", "own", "own"]]
)
def test_wrong_lists_are_status_1_with_file_and_line(lists: SluiceLists, command: list[str]) -> None:
    """No stack, and nothing half done."""
    write_list(lists.own, "毒")
    result = lists(*command, status=1)
    assert result.stderr.startswith("own/A.1.h.csv:2: term is '毒'; write at least 2 characters")
    assert not (lists.folder / "out").exists()
    assert not (lists.folder / "versions" / "active").exists()


def test_unknown_version_is_status_1(lists: SluiceLists) -> None:
    """The message says where ids are found."""
    write_list(lists.own, "出售某物")
    assert "run 'sluice lists versions'" in lists("stats", "0123", status=1).stderr


def test_wrong_settings_are_status_2(lists: SluiceLists) -> None:
    """As for every command."""
    (lists.folder / "other.toml").write_text("[lists]\nminimum_per_risk = -1\n")
    assert "minimum_per_risk" in lists("stats", "--config", "other.toml", status=2).stderr


def test_a_file_that_cannot_be_written_is_status_1(lists: SluiceLists) -> None:
    """It is named, with the system's reason."""
    write_list(lists.own, "出售某物")
    (lists.folder / "file").touch()
    result = lists("export", "--csv", "file/below", status=1)
    assert result.stderr == "Error: file/below: Not a directory.\n"
