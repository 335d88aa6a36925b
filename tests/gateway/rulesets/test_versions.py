"""Published versions: stored once, never changed, one active."""

from pathlib import Path

import pytest

from filters.list_rows import ListRow
from filters.lists import ListError, read_rows
from gateway.rulesets.versions import Version, VersionError, VersionStore
from tests.filters.list_rows import ALLOW, list_row


def _publish(store: VersionStore, *terms: str, at_us: int = 1) -> Version:
    return store.publish([[list_row(term) for term in terms]], "li", "why", at_us)


def _rows(store: VersionStore, version: str) -> list[list[ListRow]]:
    return [list(read_rows(directory)) for directory in store.directories(version)]


def test_nothing_is_active_before_the_first(tmp_path: Path) -> None:
    """An empty store has no versions, and looking makes nothing."""
    store = VersionStore(tmp_path / "absent")
    assert (store.active_id(), store.versions()) == ("", ())
    assert not (tmp_path / "absent").exists()


def test_published_lists_are_active_and_come_back_whole(tmp_path: Path) -> None:
    """Every directory with its rows, in their order; who, when, why and how many with them."""
    store = VersionStore(tmp_path / "a" / "b")
    lists = [[list_row("出售某物"), list_row("打人教程", "A.1.f"), ALLOW], [list_row("出售某物", note="again")]]
    version = store.publish(lists, "li", "weekly", 7)
    assert store.active_id() == version.id
    assert _rows(store, version.id) == [[lists[0][1], lists[0][0], ALLOW], lists[1]]
    assert (version.by, version.note, version.published_at_us, version.keywords) == ("li", "weekly", 7, 3)
    assert store.versions() == (version,)
    assert version.digest.startswith(f"sha256:{version.id}")


def test_lists_without_a_row_are_left_out(tmp_path: Path) -> None:
    """A list with a header alone is no fault; nothing but such lists would be a gateway that matches nothing."""
    store = VersionStore(tmp_path)
    version = store.publish([[], [list_row()]], "li", "", 1)
    assert _rows(store, version.id) == [[list_row()]]
    with pytest.raises(VersionError, match="hold no row at all"):
        store.publish([[]], "li", "", 2)
    assert store.active_id() == version.id


def test_the_same_lists_are_the_same_version(tmp_path: Path) -> None:
    """Published again they get no second name, and what was known of the first stays."""
    store = VersionStore(tmp_path)
    first = _publish(store, "甲甲", at_us=1)
    assert _publish(store, "甲甲", at_us=2) == first
    assert len(store.versions()) == 1
    # Nothing was active in between, so going back leads before both.
    assert store.roll_back() is None


def test_rollback_walks_back_step_by_step(tmp_path: Path) -> None:
    """Each step leads to what was active before; before the first are the settings' directories, and then nothing."""
    store = VersionStore(tmp_path)
    first, second, third = (_publish(store, term, at_us=at) for at, term in enumerate(["甲甲", "乙乙", "丙丙"]))
    assert store.active_id() == third.id
    assert store.roll_back() == second
    assert store.active_id() == second.id
    assert store.roll_back() == first
    assert store.roll_back() is None
    assert store.active_id() == ""
    with pytest.raises(VersionError, match="nothing before it"):
        store.roll_back()
    assert [version.id for version in store.versions()] == [third.id, second.id, first.id]


def test_rollback_to_a_version_forgets_what_came_after(tmp_path: Path) -> None:
    """The next step back leads further back; a version that was left can still be named."""
    store = VersionStore(tmp_path)
    first, second, third = (_publish(store, term) for term in ["甲甲", "乙乙", "丙丙"])
    assert store.roll_back(second.id) == second
    assert store.roll_back(third.id[:10]) == third
    assert store.roll_back() == second
    assert store.roll_back() == first


@pytest.mark.parametrize("asked", ["ffff", ""])
def test_unknown_version_is_refused(tmp_path: Path, asked: str) -> None:
    """Nothing changes, and the message says where ids are found."""
    store = VersionStore(tmp_path)
    version = _publish(store, "甲甲")
    with pytest.raises(VersionError, match="there is no such version; run 'sluice lists versions'"):
        store.roll_back(asked)
    assert store.active_id() == version.id


def test_ambiguous_beginning_is_refused(tmp_path: Path) -> None:
    """Two versions that begin alike are not guessed between."""
    store = VersionStore(tmp_path)
    made: dict[str, Version] = {}
    for number in range(17):
        version = _publish(store, f"词语{number}")
        if version.id[0] in made:
            break
        made[version.id[0]] = version
    with pytest.raises(VersionError, match="several versions begin so"):
        store.find(version.id[0])


def _damage_list(version: Path) -> None:
    path = version / "00" / "A.1.h.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("block", "flag"), encoding="utf-8")


def _damage_description(version: Path) -> None:
    (version / "version.json").write_text("{}")


@pytest.mark.parametrize("damage", [_damage_list, _damage_description])
def test_a_version_that_was_changed_is_refused_and_mended_by_publishing(tmp_path: Path, damage: object) -> None:
    """Lists that nobody published never come into force; the same lists published again put it right."""
    store = VersionStore(tmp_path)
    version = _publish(store, "甲甲")
    assert callable(damage)
    damage(tmp_path / version.id)
    with pytest.raises(ListError, match="not as it was published"):
        store.directories(version.id)
    assert _publish(store, "甲甲").id == version.id
    assert _rows(store, version.id) == [[list_row("甲甲")]]


def test_damaged_description_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """A list of versions that leaves one out would mislead."""
    store = VersionStore(tmp_path)
    version = _publish(store, "甲甲")
    _damage_description(tmp_path / version.id)
    with pytest.raises(VersionError, match="restore its directory, or remove it"):
        store.versions()


def test_rollback_to_a_damaged_version_changes_nothing(tmp_path: Path) -> None:
    """What is active stays active."""
    store = VersionStore(tmp_path)
    first, second = _publish(store, "甲甲"), _publish(store, "乙乙")
    _damage_list(tmp_path / first.id)
    with pytest.raises(ListError):
        store.roll_back()
    assert store.active_id() == second.id


@pytest.mark.parametrize("content", [b"", b"\xff", b"../../etc\n", b"0123456789abcde\n"])
def test_pointer_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    """It names no path outside, and never means that nothing is published."""
    (tmp_path / "active").write_bytes(content)
    with pytest.raises(ListError, match="cannot be read; restore it, or remove it"):
        VersionStore(tmp_path).active_id()


def test_what_a_killed_publisher_left_is_cleared_away(tmp_path: Path) -> None:
    """A version never holds files of another."""
    store = VersionStore(tmp_path)
    (tmp_path / "making" / "05").mkdir(parents=True)
    (tmp_path / "making" / "05" / "A.1.f.csv").touch()
    version = _publish(store, "甲甲")
    assert [path.name for path in store.directories(version.id)] == ["00"]


def test_memory_of_what_was_active_is_bounded(tmp_path: Path) -> None:
    """The pointer does not grow for ever."""
    store = VersionStore(tmp_path)
    version = _publish(store, "甲甲")
    store.pointer.write_text(f"{version.id}\n" * 1_000)
    _publish(store, "乙乙")
    assert len(store.pointer.read_text().split()) == 1_000


def test_a_version_is_recorded_before_it_can_be_seen(tmp_path: Path) -> None:
    """With the one that is active then; the same for going back."""
    store = VersionStore(tmp_path)
    seen: list[tuple[str, str, list[str], str]] = []

    def look(version: str, active: str) -> None:
        seen.append((version, active, [each.id for each in store.versions()], store.active_id()))

    first = _publish(store, "甲甲")
    second = store.publish([[list_row("乙乙")]], "li", "", 2, lambda version, active: look(version.id, active))
    store.roll_back(None, look)
    store.roll_back(None, look)
    assert seen == [
        (second.id, first.id, [first.id], first.id),
        (first.id, second.id, [second.id, first.id], second.id),
        ("", first.id, [second.id, first.id], first.id),
    ]


def test_a_version_that_is_not_recorded_is_not_published(tmp_path: Path) -> None:
    """Nothing of it can be seen; once it can be recorded, it is published."""
    store = VersionStore(tmp_path)
    first = _publish(store, "甲甲")

    def refuse(_version: object, _active: str) -> None:
        raise VersionError("no room")

    with pytest.raises(VersionError, match="no room"):
        store.publish([[list_row("乙乙")]], "li", "", 2, refuse)
    with pytest.raises(VersionError, match="no room"):
        store.roll_back(None, refuse)
    assert (store.versions(), store.active_id()) == ((first,), first.id)
    assert _publish(store, "乙乙").id == store.active_id() != first.id
