"""``sluice lists stats`` and ``diff``: what lists hold, and what changed."""

import os
import time
from pathlib import Path

import pytest

from filters.list_rows import COLUMNS
from gateway.cli.lists import bar
from gateway.rulesets.versions import VersionStore
from tests.filters.list_rows import list_row
from tests.gateway.cli.lists import SluiceLists
from tests.lists import write_list

_DAY_SECONDS = 86_400


def test_stats_count_what_is_in_force(lists: SluiceLists) -> None:
    """By risk and language; what has expired and what allows is no keyword."""
    write_list(lists.own, "出售某物", "买卖某物", languages="zh")
    write_list(lists.own, "打人教程", risk="A.1.f", languages="zh en")
    write_list(lists.own, "过去的词", risk="A.1.d", expires="2020-01-31")
    write_list(lists.own, "某物的危害", risk="A.1.g", kind="allow", action="off")
    found = lists.json("stats")
    assert found["total"] == 3
    assert found["by_risk"] == {"A.1.f": 1, "A.1.h": 2}
    assert found["by_language"] == {"en": 1, "zh": 3}
    assert found["by_kind"] == {"allow": 1, "literal": 3}
    assert found["by_provenance"] == [{"source": "own", "licence": "own", "rows": 4}]
    assert (found["version"], found["age_days"]) == (None, 0)
    shown = lists("stats").stdout
    assert "其他法律、行政法规禁止的内容" in shown
    assert "3 keywords; allow 1, literal 3; en 1, zh 3" in shown
    assert "no version published; changed 0 days ago" in shown


def test_age_is_that_of_the_newest_file(lists: SluiceLists) -> None:
    """A list nobody touched for a month says so."""
    at = time.time() - 31 * _DAY_SECONDS
    os.utime(write_list(lists.own, "出售某物"), (at, at))
    os.utime(write_list(lists.own, "打人教程", risk="A.1.f"), (at - _DAY_SECONDS, at - _DAY_SECONDS))
    assert lists.json("stats")["age_days"] == 31


def test_stats_of_a_version_name_it(lists: SluiceLists) -> None:
    """The published version is what is active; its age is counted from its publication."""
    write_list(lists.own, "出售某物")
    at_us = int((time.time() - 8 * _DAY_SECONDS) * 1_000_000)
    version = VersionStore(Path("versions")).publish([[list_row("甲甲"), list_row("乙乙")]], "li", "", at_us)
    found = lists.json("stats")
    assert (found["total"], found["version"], found["age_days"]) == (2, version.id, 8)
    assert f"version {version.id}; changed 8 days ago" in lists("stats").stdout
    assert lists.json("stats", "own")["total"] == 1


def test_shipped_lists_are_counted_where_nothing_else_is_set(
    lists: SluiceLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command works on what the gateway would serve with."""
    monkeypatch.delenv("SLUICE_LISTS__SHIPPED")
    monkeypatch.delenv("SLUICE_LISTS__DIRECTORIES")
    assert lists.json("stats")["total"] >= 12_000


def test_stats_show_each_class_that_needs_keywords_as_a_bar(lists: SluiceLists) -> None:
    """Also those that have none; the fullest class has the longest bar."""
    write_list(lists.own, *(f"某物{number}号" for number in range(40)))
    write_list(lists.own, *(f"打人教程{number}" for number in range(20)), risk="A.1.f")
    shown = {line.split("│")[1].strip(): line for line in lists("stats").stdout.splitlines() if "│" in line}
    assert len(shown) == 17
    assert [shown[risk].count("█") for risk in ("A.1.h", "A.1.f", "A.2.i")] == [16, 8, 0]


@pytest.mark.parametrize(("count", "shown"), [(0, ""), (1, "▏"), (50, "████████"), (100, "█" * 16)])
def test_bars_are_drawn_to_eighths(count: int, shown: str) -> None:
    """A class with one keyword of a hundred is seen, one with none is not."""
    assert bar(count, 100) == shown


def test_diff_tells_added_removed_and_changed(lists: SluiceLists) -> None:
    """A line each, with what changed in a row; exit 0 either way."""
    write_list(lists.own, "甲甲", "乙乙")
    version = lists.publish()
    write_list(lists.own, "乙乙", "丙丙", action="mask", expires="2099-12-31")
    assert lists("diff", version[:8], "own").stdout.splitlines() == [
        "+ A.1.h 丙丙 (literal, mask)",
        "- A.1.h 甲甲 (literal, block)",
        "~ A.1.h 乙乙 (action: block → mask; expires: – → 2099-12-31)",
        "1 added, 1 removed, 1 changed",
    ]
    found = lists.json("diff", version, "own")
    assert [row["term"] for row in found["added"]] == ["丙丙"]
    assert tuple(found["removed"][0]) == COLUMNS
    assert found["changed"] == [
        {
            "risk": "A.1.h",
            "term": "乙乙",
            "columns": {
                "action": {"before": "block", "after": "mask"},
                "expires": {"before": "", "after": "2099-12-31"},
            },
        }
    ]
    assert lists("diff", "own", "own").stdout == "0 added, 0 removed, 0 changed\n"
