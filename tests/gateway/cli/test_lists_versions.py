"""``sluice lists publish``, ``rollback`` and ``versions``."""

import os
from datetime import UTC, datetime

import pytest

from gateway.audit.event_forms import EventName
from gateway.cli.trail import actor, user_name
from gateway.rulesets.building import read_active
from gateway.settings.loader import load
from tests.gateway.cli.lists import SluiceLists
from tests.gateways import events_under
from tests.lists import write_list


def _active() -> list[str]:
    rows, _ = read_active(load(None, os.environ).settings.lists, datetime.now(UTC))
    return [row.term.text for row in rows]


def test_published_lists_are_in_force_until_the_next(lists: SluiceLists) -> None:
    """What is edited afterwards takes effect when it is published, and one command goes back."""
    write_list(lists.own, "甲甲")
    first = lists("publish", "--note", "weekly [bold]", "--by", "li").stdout
    assert first.endswith("is active: 1 keywords; 0 added, 0 removed, 0 changed.\n")
    write_list(lists.own, "甲甲", "乙乙", action="mask")
    assert _active() == ["甲甲"]
    assert "2 keywords; 1 added, 0 removed, 1 changed." in lists("publish").stdout
    assert _active() == ["甲甲", "乙乙"]
    assert "is active: 1 keywords." in lists("rollback").stdout
    assert _active() == ["甲甲"]
    assert "the directories of the settings are" in lists("rollback").stdout
    assert "nothing before it" in lists("rollback", status=1).stderr


def test_versions_tell_who_when_and_why(lists: SluiceLists) -> None:
    """The newest first, and which of them is active; names and notes are no markup."""
    write_list(lists.own, "甲甲")
    first = lists.publish("--note", "weekly [bold]", "--by", "li")
    write_list(lists.own, "乙乙")
    second = lists.publish()
    lists("rollback")
    newest, oldest = lists.json("versions")
    assert (newest["version"], newest["active"], newest["by"], newest["note"]) == (second, False, user_name(), "")
    assert (oldest["version"], oldest["active"], oldest["by"], oldest["note"]) == (first, True, "li", "weekly [bold]")
    assert datetime.fromisoformat(oldest["published_at"]) <= datetime.now(UTC)
    assert oldest["digest"].startswith(f"sha256:{first}")
    shown = lists("versions").stdout
    assert shown.index(second) < shown.index(first)
    assert "weekly [bold]" in shown


def test_rollback_goes_to_a_named_version(lists: SluiceLists) -> None:
    """By the beginning of its id."""
    ids = []
    for term in ("甲甲", "乙乙", "丙丙"):
        write_list(lists.own, term)
        ids.append(lists.publish())
    assert f"Version {ids[0]} is active" in lists("rollback", "--to", ids[0][:12]).stdout
    assert _active() == ["甲甲"]


def test_a_directory_is_published_beside_the_shipped_lists(
    lists: SluiceLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version is complete: going back brings the shipped lists of its day back, too."""
    write_list(lists.folder / "new", "甲甲")
    write_list(lists.own, "不在其中")
    lists.publish("new")
    assert _active() == ["甲甲"]
    monkeypatch.setenv("SLUICE_LISTS__SHIPPED", "true")
    lists.publish("new")
    active = _active()
    assert {"出售冰毒", "甲甲"} <= set(active)
    assert "不在其中" not in active


def test_publishing_mends_what_is_broken(lists: SluiceLists) -> None:
    """Lists that are active and damaged do not stand in the way of good ones."""
    write_list(lists.own, "甲甲")
    version = lists.publish()
    (lists.folder / "versions" / version / "00" / "A.1.h.csv").unlink()
    write_list(lists.own, "乙乙")
    assert "1 added" in lists("publish").stdout
    assert _active() == ["乙乙"]


def test_publishing_and_going_back_are_recorded(lists: SluiceLists) -> None:
    """Who, why, which version and which before it; each event begins where the one before it ended."""
    write_list(lists.own, "甲甲")
    first = lists.publish("--note", "weekly", "--by", "li")
    write_list(lists.own, "甲甲", "乙乙", action="mask")
    second = lists.publish()
    lists("rollback", "--reason", "too much")
    lists("rollback")
    events = events_under(lists.folder / "audit")
    assert {event.actor for event in events} == {actor()}
    published, rolled_back = EventName.LISTS_PUBLISHED, EventName.LISTS_ROLLED_BACK
    assert [(event.name, event.subject, event.details.get("from"), event.reason) for event in events] == [
        (published, first, None, "weekly"),
        (published, second, first, ""),
        (rolled_back, first, second, "too much"),
        (rolled_back, "", first, ""),
    ]
    digest = events[0].details["ruleset"]
    assert str(digest).startswith("sha256:")
    assert events[0].details == {
        "ruleset": digest,
        "keywords": 1,
        "by": "li",
        "added": 0,
        "removed": 0,
        "changed": 0,
    }
    assert events[1].details["by"] == user_name()
    assert [events[1].details[key] for key in ("keywords", "added", "removed", "changed")] == [2, 1, 0, 1]


def test_without_a_trail_no_list_is_changed(lists: SluiceLists, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is there a version nobody recorded, nor another one in force."""
    write_list(lists.own, "甲甲")
    first = lists.publish()
    write_list(lists.own, "乙乙")
    (lists.folder / "full").write_text("a file")
    monkeypatch.setenv("SLUICE_AUDIT__DIRECTORY", "full")
    for command in (["publish"], ["rollback"]):
        result = lists(*command, status=1)
        assert "nothing was changed" in result.stderr
        assert result.stdout == ""
    assert [each["version"] for each in lists.json("versions")] == [first]
    assert _active() == ["甲甲"]


@pytest.mark.parametrize("option", ["--note", "--by"])
def test_words_an_entry_cannot_hold_are_refused(lists: SluiceLists, option: str) -> None:
    """Before anything is published."""
    write_list(lists.own, "甲甲")
    assert option in lists("publish", option, "line\nforged", status=2).stderr
    assert lists.json("versions") == []


def test_a_version_is_tried_out_by_commands(lists: SluiceLists) -> None:
    """Stored without being active, tried, promoted or given up; each is an event with its reason."""
    write_list(lists.own, "甲甲")
    first = lists.publish()
    write_list(lists.own, "乙乙")
    stored = lists("publish", "--no-activate").stdout
    assert "is stored: 1 keywords" in stored
    second = stored.split()[1]
    assert _active() == ["甲甲"]
    assert "10 % of the people" in lists("try", second, "--percent", "10").stdout
    assert "Nothing is tried out" in lists("abandon", "--reason", "too many").stdout
    assert "No version is being tried out" in lists("promote", status=1).stderr
    lists("try", second[:8], "--percent", "100")
    assert f"Version {second} is active" in lists("promote").stdout
    assert _active() == ["乙乙"]
    assert "nothing to try out" in lists("try", second, "--percent", "5", status=1).stderr
    said = [(each.name, each.subject, each.details) for each in events_under(lists.folder / "audit")[-4:]]
    assert said == [
        (EventName.LISTS_TRIED, second, {"percent": 10, "from": first}),
        (EventName.LISTS_ABANDONED, second, {}),
        (EventName.LISTS_TRIED, second, {"percent": 100, "from": first}),
        (EventName.LISTS_PROMOTED, second, {"percent": 100, "from": first}),
    ]
    published = [each for each in events_under(lists.folder / "audit") if each.name is EventName.LISTS_PUBLISHED]
    assert [each.details.get("active") for each in published] == [None, "no"]
