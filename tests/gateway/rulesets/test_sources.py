"""Which lists are active, by which day, and how a change is seen."""

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from filters.lists import ListError, read_rows, shipped_lists
from gateway.rulesets.sources import (
    ActiveLists,
    active_lists,
    changed_at_seconds,
    configured_directories,
    signature,
    today,
)
from gateway.rulesets.versions import VersionStore
from gateway.settings.models import Lists
from tests.lists import write_list

NOW = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)


def _lists(folder: Path) -> Lists:
    return Lists(directories=(folder / "own",), versions=folder / "versions", shipped=False)


def test_settings_name_the_lists_until_one_is_published(tmp_path: Path) -> None:
    """With nothing published the directories are active; with a version that one is, whatever the directories say."""
    lists = _lists(tmp_path)
    write_list(tmp_path / "own", "出售某物")
    assert active_lists(lists) == ((tmp_path / "own",), "")
    version = VersionStore(lists.versions).publish([read_rows(tmp_path / "own")], "me", "", 1)
    write_list(tmp_path / "own", "别的词语")
    active = active_lists(lists)
    assert active.version == version.id
    assert [row.term.text for directory in active.directories for row in read_rows(directory)] == ["出售某物"]


def test_a_version_that_is_gone_is_no_reason_to_fall_back(tmp_path: Path) -> None:
    """Other lists than the active ones are never taken without a word."""
    lists = _lists(tmp_path)
    write_list(tmp_path / "own", "出售某物")
    lists.versions.mkdir()
    (lists.versions / "active").write_text("0123456789abcdef\n")
    with pytest.raises(ListError, match="version 0123456789abcdef:0: is not there"):
        active_lists(lists)


def test_shipped_lists_come_first(tmp_path: Path) -> None:
    """The operator's stand behind them, in the order of the settings."""
    assert configured_directories(Lists(directories=(tmp_path,))) == (shipped_lists(), tmp_path)


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Asia/Shanghai", date(2026, 11, 22)), ("UTC", date(2026, 11, 22)), ("Asia/Tokyo", date(2026, 11, 23))],
)
def test_day_is_that_of_the_configured_zone(zone: str, day: date) -> None:
    """At 23:59 in Shanghai it is still today there, and tomorrow in Tokyo."""
    assert today(Lists(timezone=zone), NOW) == day


def test_signature_changes_with_what_would_be_read(tmp_path: Path) -> None:
    """A new file, another content, a file less, a published version, the next day; and nothing else."""
    lists, own = _lists(tmp_path), tmp_path / "own"
    seen = [signature(lists, NOW)]

    def changed() -> bool:
        seen.append(signature(lists, NOW))
        return seen[-1] not in seen[:-1]

    write_list(own, "出售某物")
    assert changed()
    (own / "README.md").touch()
    assert not changed()
    os.utime(write_list(own, "出售别物"), ns=(1, 1))
    assert changed()
    write_list(own, "别的词语", risk="A.1.f")
    assert changed()
    (own / "A.1.f.csv").unlink()
    VersionStore(lists.versions).publish([read_rows(own)], "me", "", 1)
    assert changed()
    # A version is active now, so the directory is not read.
    write_list(own, "出售他物")
    assert not changed()
    assert signature(lists, NOW.replace(day=23)) != seen[-1]


def test_looking_never_fails(tmp_path: Path) -> None:
    """What cannot be looked at is a state like any other: reading it will say what is wrong."""
    (tmp_path / "file").touch()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "A.1.h.csv").symlink_to("nowhere")
    for directory in ("absent", "file", "own"):
        lists = Lists(directories=(tmp_path / directory,), versions=tmp_path / "file", shipped=False)
        assert signature(lists, NOW) == signature(lists, NOW)


def test_shipped_lists_are_watched_too(tmp_path: Path) -> None:
    """An upgrade in place is a change like any other."""
    found = signature(Lists(versions=tmp_path), NOW)
    assert any("A.1.a.csv" in str(each) for each in found)


def test_lists_are_as_old_as_their_last_change(tmp_path: Path) -> None:
    """The newest file of a directory, the date of a manifest, the publication of a version; nothing without lists."""
    store, own, made = VersionStore(tmp_path / "versions"), tmp_path / "own", tmp_path / "made"
    for number, term in enumerate(("出售某物", "打人教程")):
        os.utime(write_list(own, term, risk=f"A.1.{'fh'[number]}"), (1_000 + number, 1_000 + number))
    assert changed_at_seconds(ActiveLists((own,)), store) == 1_001
    write_list(made, "出售某物")
    (made / "manifest.json").write_text('{"date": "2026-11-22"}')
    assert changed_at_seconds(ActiveLists((own, made)), store) == datetime(2026, 11, 22, tzinfo=UTC).timestamp()
    version = store.publish([read_rows(own)], "me", "", 5_000_000)
    assert changed_at_seconds(ActiveLists(store.directories(version.id), version.id), store) == 5
    assert changed_at_seconds(ActiveLists((tmp_path,)), store) == 0


def test_the_shipped_lists_say_of_which_day_they_are() -> None:
    """Whatever the time of the installation."""
    changed_at = changed_at_seconds(ActiveLists((shipped_lists(),)), VersionStore(Path("absent")))
    day = json.loads((shipped_lists() / "manifest.json").read_text(encoding="utf-8"))["date"]
    assert changed_at == datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()
