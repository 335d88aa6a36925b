"""Following the candidate, and who gets it."""

import asyncio
import hashlib
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Phase
from filters.ruleset import build_ruleset, dump_ruleset
from gateway.audit.event_forms import EventName
from gateway.audit.events import Event
from gateway.rulesets.builder import Builder, Dump
from gateway.rulesets.candidates import Candidate, CandidateStore
from gateway.rulesets.rollout import Rollout, Trial
from gateway.rulesets.versions import VersionStore
from gateway.settings.models import Lists
from tests.filters.list_rows import list_row
from tests.gateway.protocol.playbook import term

RULESET = build_ruleset([term("甲甲")], "sha256:" + "1" * 64)


def _none(rollout: Rollout) -> bool:
    return rollout.trial is None


def _trial(percent: int, version: str = "0123456789abcdef") -> Trial:
    return Trial(RULESET, Candidate(version, percent))


@given(st.text(max_size=20), st.integers(1, 100), st.integers(1, 100))
def test_a_greater_percentage_only_adds_people(person: str, one: int, other: int) -> None:
    """So nobody changes sides while it grows; at 100 it is everybody."""
    less, more = sorted((one, other))
    assert not _trial(less).takes(person) or _trial(more).takes(person)
    assert _trial(100).takes(person)


def test_the_percentage_is_that_of_the_people() -> None:
    """And who they are differs from version to version."""
    people = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(5_000)]
    taken = {person for person in people if _trial(10).takes(person)}
    assert 400 < len(taken) < 600
    others = {person for person in people if _trial(10, "f" * 16).takes(person)}
    assert len(taken & others) < 100


class _Counting(Builder):
    """Builds in this process, and counts; fails while told to."""

    def __init__(self) -> None:
        super().__init__()
        self.built: list[str] = []
        self.failing = False
        self.stopped = False

    def build(self, lists: Lists, now: datetime, version: str = "") -> Dump:
        self.built.append(version)
        if self.failing:
            raise OSError("no room")
        return Dump(RULESET.digest, version, dump_ruleset(RULESET))

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def versions(tmp_path: Path) -> tuple[Lists, CandidateStore, str]:
    """Settings, the candidate's store, and a version that is not active."""
    store = VersionStore(tmp_path)
    store.publish([[list_row("甲甲")]], "li", "", 1)
    other = store.publish([[list_row("乙乙")]], "li", "", 2, activate=False)
    return Lists(versions=tmp_path), CandidateStore(tmp_path), other.id


def test_a_candidate_is_built_once_and_gone_when_it_is_given_up(versions: tuple[Lists, CandidateStore, str]) -> None:
    """Another percentage is no other ruleset."""
    lists, candidates, other = versions

    async def follow() -> None:
        builder = _Counting()
        told = list[Event]()
        rollout = Rollout(lists, builder, told.append)
        await rollout.look()
        assert _none(rollout)
        for percent in (5, 50):
            candidates.put(other, percent, lambda *_: None)
            await rollout.look()
            await rollout.look()
            assert rollout.trial is not None
            assert rollout.trial.candidate == Candidate(other, percent)
            assert rollout.trial.ruleset.matcher(Phase.REQUEST).scan("说甲甲")
        assert builder.built == [other]
        assert [(each.name, each.subject) for each in told] == [(EventName.LISTS_LOADED, RULESET.digest)]
        candidates.abandon(lambda _: None)
        await rollout.look()
        assert _none(rollout)

    asyncio.run(follow())


def test_what_cannot_be_built_or_read_judges_nobody(versions: tuple[Lists, CandidateStore, str]) -> None:
    """And is not tried again with every look."""
    lists, candidates, other = versions

    async def follow() -> None:
        builder = _Counting()
        builder.failing = True
        rollout = Rollout(lists, builder, lambda _event: None)
        candidates.put(other, 100, lambda *_: None)
        await rollout.look()
        await rollout.look()
        assert (rollout.trial, builder.built) == (None, [other])
        (lists.versions / "candidate").write_bytes(b"?")
        await rollout.look()
        assert rollout.trial is None

    asyncio.run(follow())


def test_watching_ends_with_its_builder(versions: tuple[Lists, CandidateStore, str]) -> None:
    """A build under way would hold up the end of the process."""
    lists, candidates, other = versions

    async def follow() -> None:
        builder = _Counting()
        candidates.put(other, 100, lambda *_: None)
        rollout = Rollout(lists, builder, lambda _event: None, poll_seconds=0.001)
        watching = asyncio.create_task(rollout.watch())
        while rollout.trial is None:
            await asyncio.wait({watching}, timeout=0.001)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert builder.stopped

    asyncio.run(follow())


def test_what_the_trail_does_not_take_judges_nobody(versions: tuple[Lists, CandidateStore, str]) -> None:
    """Its exchanges would name a digest that no entry has in full."""
    lists, candidates, other = versions

    def refuse(_event: Event) -> None:
        raise OSError("no room")

    async def follow() -> None:
        rollout = Rollout(lists, _Counting(), refuse)
        candidates.put(other, 100, lambda *_: None)
        await rollout.look()
        assert _none(rollout)

    asyncio.run(follow())
