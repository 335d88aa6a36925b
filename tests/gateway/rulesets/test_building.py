"""From the active lists to a ruleset."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from filters.lists import ListError, read_rows
from gateway.rulesets.building import build_active, read_active
from gateway.rulesets.sources import signature
from gateway.rulesets.versions import VersionStore
from gateway.settings.models import Lists
from tests.lists import write_list

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _lists(folder: Path) -> Lists:
    return Lists(directories=(folder / "own",), versions=folder / "versions", shipped=False)


def test_ruleset_comes_with_what_it_was_built_from(tmp_path: Path) -> None:
    """Version and signature tell later whether there is something new."""
    lists = _lists(tmp_path)
    write_list(tmp_path / "own", "出售某物")
    before = build_active(lists, NOW)
    assert (before.ruleset.term_count, before.version) == (1, "")
    assert before.signature == signature(lists, NOW)
    version = VersionStore(lists.versions).publish([read_rows(tmp_path / "own")], "me", "", 1)
    after = build_active(lists, NOW)
    assert after.version == version.id
    assert after.ruleset.digest == before.ruleset.digest
    assert after.signature != before.signature


def test_terms_end_at_midnight_of_the_zone(tmp_path: Path) -> None:
    """A term counts through its last day in Shanghai, which ends at 16:00 UTC; the digest changes with it."""
    lists = _lists(tmp_path)
    write_list(tmp_path / "own", "出售某物", expires="2026-11-22")
    write_list(tmp_path / "own", "打人教程", risk="A.1.f")
    last = build_active(lists, NOW.replace(hour=15, minute=59)).ruleset
    first = build_active(lists, NOW.replace(hour=16)).ruleset
    assert (last.term_count, first.term_count) == (2, 1)
    assert last.digest != first.digest


def test_a_wrong_list_is_refused(tmp_path: Path) -> None:
    """With file and line, as everywhere."""
    write_list(tmp_path / "own", "毒")
    with pytest.raises(ListError, match=r"A\.1\.h\.csv:2: term is '毒'"):
        read_active(_lists(tmp_path), NOW)
