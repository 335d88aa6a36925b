"""The candidate: a version that is tried out beside the active one."""

from pathlib import Path

import pytest

from filters.lists import ListError
from gateway.rulesets.candidates import Candidate, CandidateStore
from gateway.rulesets.versions import VersionError, VersionStore
from tests.filters.list_rows import list_row


def _versions(directory: Path) -> tuple[VersionStore, str, str]:
    store = VersionStore(directory)
    active = store.publish([[list_row("甲甲")]], "li", "", 1)
    other = store.publish([[list_row("乙乙")]], "li", "", 2, activate=False)
    assert store.active_id() == active.id
    return store, active.id, other.id


def test_a_version_is_tried_out_and_becomes_the_active_one(tmp_path: Path) -> None:
    """Told before it takes effect; going back leads to what was active before."""
    store, active, other = _versions(tmp_path)
    candidates, told = CandidateStore(tmp_path), list[tuple[object, ...]]()
    assert candidates.read() is None
    put = candidates.put(other[:6], 10, lambda *each: told.append(each))
    assert candidates.read() == put == Candidate(other, 10)
    candidates.put(other, 100, lambda *each: told.append(each))
    assert candidates.read() == Candidate(other, 100)
    candidates.promote(lambda *each: told.append(each))
    assert (candidates.read(), store.active_id()) == (None, other)
    assert told == [(Candidate(other, percent), active) for percent in (10, 100, 100)]
    going_back = store.roll_back()
    assert going_back is not None
    assert going_back.id == active


def test_what_is_tried_out_is_given_up(tmp_path: Path) -> None:
    """The active version was never another; without a candidate there is nothing to give up or to promote."""
    store, active, other = _versions(tmp_path)
    candidates, told = CandidateStore(tmp_path), list[str]()
    candidates.put(other, 1, lambda *_: None)
    candidates.abandon(told.append)
    assert (candidates.read(), store.active_id(), told) == (None, active, [other])
    for act in (lambda: candidates.abandon(told.append), lambda: candidates.promote(lambda *_: None)):
        with pytest.raises(VersionError, match="No version is being tried out"):
            act()


def test_what_cannot_be_recorded_does_not_happen(tmp_path: Path) -> None:
    """Neither a trial nor its end."""
    store, active, other = _versions(tmp_path)
    candidates = CandidateStore(tmp_path)

    def refuse(*_: object) -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        candidates.put(other, 1, refuse)
    assert candidates.read() is None
    candidates.put(other, 1, lambda *_: None)
    for act in (candidates.promote, candidates.abandon):
        with pytest.raises(OSError, match="no room"):
            act(refuse)
    assert (candidates.read(), store.active_id()) == (Candidate(other, 1), active)


@pytest.mark.parametrize("content", [b"", b"0123456789abcdef 0\n", b"0123456789abcdef 101\n", b"../x 5\n"])
def test_a_damaged_file_is_told_and_can_be_given_up(tmp_path: Path, content: bytes) -> None:
    """It judges nobody; nothing is guessed."""
    _versions(tmp_path)
    (tmp_path / "candidate").write_bytes(content)
    candidates, told = CandidateStore(tmp_path), list[str]()
    with pytest.raises(ListError, match="sluice lists abandon"):
        candidates.read()
    candidates.abandon(told.append)
    assert (candidates.read(), told) == (None, [""])


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """As a damaged one."""
    (tmp_path / "candidate").mkdir()
    with pytest.raises(ListError):
        CandidateStore(tmp_path).read()


def test_the_active_version_and_one_that_is_not_there_are_no_candidates(tmp_path: Path) -> None:
    """The message says why."""
    _, active, _ = _versions(tmp_path)
    with pytest.raises(VersionError, match="nothing to try out"):
        CandidateStore(tmp_path).put(active, 5, lambda *_: None)
    with pytest.raises(VersionError, match="there is no such version"):
        CandidateStore(tmp_path).put("ffff", 5, lambda *_: None)
