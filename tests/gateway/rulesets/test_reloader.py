"""Reload while serving: what is swapped, what is kept, what is told."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from structlog.testing import capture_logs

from filters.findings import Phase
from filters.lists import read_rows
from filters.ruleset import Ruleset, dump_ruleset
from gateway.audit.event_forms import EventName
from gateway.audit.events import Event
from gateway.errors import ResourceError
from gateway.metrics import REGISTRY
from gateway.rulesets.builder import BuildError, Dump
from gateway.rulesets.building import build_active
from gateway.rulesets.reloader import Outcome, Reloader
from gateway.rulesets.versions import VersionStore
from gateway.settings.models import Lists
from tests.lists import write_list


class _Builder:
    """Builds in this process; fails as often as it is told, and hands over nonsense when told to."""

    def __init__(self) -> None:
        self.failures = 0
        self.nonsense = False
        self.builds = 0
        self.stopped = False
        self.before: Callable[[], None] = lambda: None

    def build(self, lists: Lists, now: datetime) -> Dump:
        """Build here, in the thread it is called in."""
        self.builds += 1
        self.before()
        if self.failures:
            self.failures -= 1
            raise BuildError("it broke")
        built = build_active(lists, now)
        dump = b"no ruleset" if self.nonsense else dump_ruleset(built.ruleset)
        return Dump(built.ruleset.digest, built.version, dump)

    def stop(self) -> None:
        """Remember it."""
        self.stopped = True


class _Watched:
    """A reloader that watches, and what it swapped in."""

    def __init__(self, folder: Path) -> None:
        self.lists = Lists(directories=(folder / "own",), versions=folder / "versions", shipped=False)
        self.builder = _Builder()
        self.swapped: list[Ruleset] = []
        self.events: list[Event] = []
        self.full = False
        self.changed = asyncio.Event()
        self.reloader = Reloader(
            self.lists,
            build_active(self.lists, datetime.now(UTC)),
            self.builder,
            self._swap,
            self._record,
            poll_seconds=0.002,
        )

    def _record(self, event: Event) -> None:
        if self.full:
            raise ResourceError("no room")
        # What is recorded is not in force yet.
        if event.name is EventName.LISTS_LOADED:
            assert event.subject not in {ruleset.digest for ruleset in self.swapped[-1:]}
        self.events.append(event)

    def _swap(self, ruleset: Ruleset) -> None:
        self.swapped.append(ruleset)
        self.changed.set()

    def terms(self) -> list[str]:
        """Return what the newest ruleset looks for."""
        return [term.text for term in self.swapped[-1].terms]


@asynccontextmanager
async def _watching(folder: Path) -> AsyncIterator[_Watched]:
    write_list(folder / "own", "出售某物")
    watched = _Watched(folder)
    task = asyncio.create_task(watched.reloader.watch())
    try:
        yield watched
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert watched.builder.stopped


def _on_a_loop(test: Callable[[Path], Coroutine[None, None, None]]) -> Callable[[Path], None]:
    """Run a test on a loop of its own."""

    @functools.wraps(test)
    def run(tmp_path: Path) -> None:
        asyncio.run(test(tmp_path))

    return run


def _info(ruleset: Ruleset) -> float | None:
    labels = {"digest": ruleset.digest, "keywords": str(ruleset.term_count), "model": "none"}
    return REGISTRY.get_sample_value("sluice_ruleset_info", labels)


def _count(outcome: Outcome) -> float:
    return REGISTRY.get_sample_value("sluice_ruleset_reloads_total", {"outcome": outcome}) or 0.0


@_on_a_loop
async def test_changed_file_is_followed(tmp_path: Path) -> None:
    """Nobody has to say so; metrics and log name what is in force now."""
    async with _watching(tmp_path) as watched:
        before, counted = watched.reloader.state.in_force.ruleset, _count(Outcome.LOADED)
        assert _info(before) == 1
        with capture_logs() as logs:
            write_list(tmp_path / "own", "出售某物", "别的词语")
            await watched.changed.wait()
            state = await watched.reloader.reload()
        assert watched.terms() == ["出售某物", "别的词语"]
        assert state.in_force.ruleset is watched.swapped[-1]
        assert (_info(before), _info(watched.swapped[-1])) == (None, 1)
        assert _count(Outcome.LOADED) == counted + 1
        assert [(log["event"], log["keywords"]) for log in logs] == [("ruleset_loaded", 2)]


@_on_a_loop
async def test_24_a_new_term_reaches_every_worker_and_survives_a_restart(tmp_path: Path) -> None:
    """Line 24 of the list of demands: nobody restarts anything for it, and whoever is restarted has it too."""
    async with _watching(tmp_path) as one, _watching(tmp_path) as other:
        write_list(tmp_path / "own", "出售某物", "新的词语")
        for worker in (one, other):
            await worker.changed.wait()
            assert worker.swapped[-1].matcher(Phase.REQUEST).scan("这是新的词语")
        lists = one.lists
    restarted = build_active(lists, datetime.now(UTC)).ruleset
    assert restarted.digest == one.swapped[-1].digest == other.swapped[-1].digest
    assert restarted.matcher(Phase.REQUEST).scan("这是新的词语")


@_on_a_loop
async def test_unchanged_lists_are_not_built(tmp_path: Path) -> None:
    """Looking every moment costs a look; asked for, they are read and found the same."""
    async with _watching(tmp_path) as watched:
        state = await watched.reloader.reload()
        assert state.outcome is Outcome.UNCHANGED
        assert (watched.builder.builds, watched.swapped) == (1, [])


@_on_a_loop
async def test_wrong_list_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    """File, line and reason are told; mended, the list comes into force."""
    async with _watching(tmp_path) as watched:
        before, counted = watched.reloader.state.in_force, _count(Outcome.REFUSED)
        with capture_logs() as logs:
            write_list(tmp_path / "own", "毒")
            state = await watched.reloader.reload()
        assert (state.outcome, state.in_force, watched.swapped) == (Outcome.REFUSED, before, [])
        assert [(problem.file, problem.line) for problem in state.problems] == [("A.1.h.csv", 2)]
        assert _count(Outcome.REFUSED) == counted + 1
        assert [(log["event"], log["file"], log["line"]) for log in logs] == [("ruleset_refused", "A.1.h.csv", 2)]
        write_list(tmp_path / "own", "别的词语")
        await watched.changed.wait()
        assert watched.terms() == ["别的词语"]


@_on_a_loop
async def test_long_refusal_is_cut_in_the_log(tmp_path: Path) -> None:
    """A list with its columns swapped is wrong in every row."""
    async with _watching(tmp_path) as watched:
        with capture_logs() as logs:
            write_list(tmp_path / "own", *map(chr, range(0x4E00, 0x4E00 + 25)))
            await watched.reloader.reload()
        assert len(logs) == 21
        assert logs[-1]["more"] == 5


@_on_a_loop
async def test_a_build_that_fails_is_tried_again(tmp_path: Path) -> None:
    """A process that was killed says nothing about the lists."""
    async with _watching(tmp_path) as watched:
        watched.builder.failures = 1
        write_list(tmp_path / "own", "别的词语")
        with capture_logs() as logs:
            state = await watched.reloader.reload()
            assert (state.outcome, state.failure) == (Outcome.FAILED, "BuildError: it broke")
            await watched.changed.wait()
        assert watched.terms() == ["别的词语"]
        assert [(log["event"], log.get("reason")) for log in logs[:1]] == [("ruleset_build_failed", "it broke")]


@_on_a_loop
async def test_what_cannot_be_loaded_is_never_in_force(tmp_path: Path) -> None:
    """Bytes that are no ruleset leave the old one and the watching as they were."""
    async with _watching(tmp_path) as watched:
        watched.builder.nonsense = True
        write_list(tmp_path / "own", "别的词语")
        assert (await watched.reloader.reload()).outcome is Outcome.FAILED
        assert watched.swapped == []


@_on_a_loop
async def test_a_request_is_answered_by_a_reload_that_began_after_it(tmp_path: Path) -> None:
    """One under way may have read the files before the change."""
    async with _watching(tmp_path) as watched:
        loop, began, go_on = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

        def wait() -> None:
            loop.call_soon_threadsafe(began.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()

        watched.builder.before = wait
        watched.reloader.ask()
        await began.wait()
        second = asyncio.create_task(watched.reloader.reload())
        write_list(tmp_path / "own", "别的词语")
        watched.builder.before = lambda: None
        go_on.set()
        await second
        assert watched.builder.builds == 2
        assert watched.terms() == ["别的词语"]


@_on_a_loop
async def test_published_version_and_rollback_are_followed(tmp_path: Path) -> None:
    """The pointer is watched like a file of the lists."""
    async with _watching(tmp_path) as watched:
        write_list(tmp_path / "other", "别的词语")
        store = VersionStore(watched.lists.versions)
        version = store.publish([read_rows(tmp_path / "other")], "me", "", 1)
        await watched.changed.wait()
        assert (await watched.reloader.reload()).in_force.version == version.id
        assert watched.terms() == ["别的词语"]
        watched.changed.clear()
        store.roll_back()
        await watched.changed.wait()
        assert watched.terms() == ["出售某物"]


@_on_a_loop
async def test_a_version_that_matches_alike_is_named_without_a_swap(tmp_path: Path) -> None:
    """Publishing what is in force changes nothing but its name."""
    async with _watching(tmp_path) as watched:
        version = VersionStore(watched.lists.versions).publish([read_rows(tmp_path / "own")], "me", "", 1)
        state = await watched.reloader.reload()
        assert (state.outcome, state.in_force.version) == (Outcome.UNCHANGED, version.id)
        assert watched.swapped == []


@_on_a_loop
async def test_age_begins_anew_with_each_ruleset(tmp_path: Path) -> None:
    """Old lists are seen on a dashboard."""
    async with _watching(tmp_path) as watched:
        loaded_at = watched.reloader.state.in_force.loaded_at
        write_list(tmp_path / "own", "别的词语")
        await watched.changed.wait()
        assert (await watched.reloader.reload()).in_force.loaded_at > loaded_at
        for name in ("sluice_ruleset_age_seconds", "sluice_lists_age_seconds"):
            age = REGISTRY.get_sample_value(name)
            assert age is not None
            assert 0 <= age < 3_600


@_on_a_loop
async def test_a_ruleset_is_recorded_before_it_is_in_force(tmp_path: Path) -> None:
    """What it is, what it takes the place of, and who asked for it; lists that say the same are no event."""
    async with _watching(tmp_path) as watched:
        before = watched.reloader.state.in_force.ruleset.digest
        await watched.reloader.reload(by="api:local")
        assert watched.events == []
        write_list(tmp_path / "own", "出售某物", "别的词语")
        state = await watched.reloader.reload(by="api:local")
        # By this request, or by the watch a moment before it.
        (event,) = watched.events
        assert event.actor in {"api:local", "system"}
        digest = state.in_force.ruleset.digest
        short = digest.removeprefix("sha256:")[:24]
        assert (event.name, event.subject) == (EventName.LISTS_LOADED, digest)
        assert event.details == {"short": short, "keywords": 2, "from": before}


@_on_a_loop
async def test_a_ruleset_the_trail_does_not_take_is_not_taken(tmp_path: Path) -> None:
    """The old one stays, and the new one is tried again until there is room."""
    async with _watching(tmp_path) as watched:
        watched.full = True
        write_list(tmp_path / "own", "出售某物", "别的词语")
        state = await watched.reloader.reload()
        assert (state.outcome, watched.swapped, watched.events) == (Outcome.FAILED, [], [])
        assert "no room" in state.failure
        watched.full = False
        state = await watched.reloader.reload()
        assert state.outcome is Outcome.LOADED
        assert [event.name for event in watched.events] == [EventName.LISTS_LOADED]


@_on_a_loop
async def test_refused_lists_are_recorded(tmp_path: Path) -> None:
    """With what is wrong and what stays in force; a build that keeps failing is recorded once."""
    async with _watching(tmp_path) as watched:
        digest = watched.reloader.state.in_force.ruleset.digest
        write_list(tmp_path / "own", "毒")
        await watched.reloader.reload()
        (event,) = watched.events
        assert (event.name, event.subject, event.details["problems"]) == (EventName.LISTS_REFUSED, digest, 1)
        assert "A.1.h.csv" in str(event.details["first"])
        write_list(tmp_path / "own", "出售某物")
        watched.builder.failures = 2
        await watched.reloader.reload()
        await watched.reloader.reload()
        assert [event.details for event in watched.events[1:]] == [{"problems": 0, "first": "BuildError: it broke"}]
