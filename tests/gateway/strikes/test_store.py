"""Strikes in the store, on SQLite and on PostgreSQL."""

import threading
from collections.abc import Iterable, Sequence

import pytest
from sqlalchemy import Engine

from filters.findings import Severity
from gateway.audit.event_forms import EventName
from gateway.audit.events import Event
from gateway.errors import ResourceError
from gateway.protocol.strikes import Measure
from gateway.strikes.person import Person
from gateway.strikes.rule import Rule
from gateway.strikes.store import Note, StrikeStore

ALICE, ACCOUNT = Person("acc-1", "alice"), Person("acc-1")
NOW = 1_795_000_000_000_000
DAY = 24 * 3600 * 1_000_000
C, W, S, R, N = Measure.COUNTED, Measure.WARNED, Measure.SUSPENDED, Measure.REFUSED, Measure.NONE


def note(number: int = 0, person: Person = ALICE, *texts: str, fresh: bool = True) -> Note:
    """Return a strike."""
    return Note(person, f"r{number}", Severity.HIGH, fresh, texts)


class Clock:
    """A time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        """Return it."""
        self.now += 1
        return self.now


class Recorded(list[Event]):
    """Events that were recorded."""

    def __call__(self, events: Sequence[Event]) -> None:
        """Record some."""
        self += events


class Refusing:
    """Marks that cannot be set."""

    def set(self, people: Iterable[Person]) -> bool:
        """Set none."""
        return False


def measures(store: StrikeStore, *notes: Note) -> list[Measure]:
    """Count strikes one by one; return what each led to."""
    return [store.note([each]).outcomes[0].measure for each in notes]


def test_three_in_a_row_suspend(store_engine: Engine) -> None:
    """History, counts and events agree; whoever is suspended is not counted on."""
    events = Recorded()
    store = StrikeStore(store_engine, record=events, clock=Clock())
    assert measures(store, *map(note, range(4))) == [C, W, S, R]
    assert [past.measure for past in store.history("acc-1", "alice")] == [S, W, C]
    assert [(past.consecutive, past.day_total) for past in store.history()] == [(3, 3), (2, 2), (1, 1)]
    (held,) = store.suspended()
    assert (held.person, held.request_id, store.count_suspended()) == (ALICE, "r2", 1)
    assert held.counts.suspended_until_us - held.suspended_at_us == DAY
    assert [(event.name, event.subject, event.details["request"]) for event in events] == [
        (EventName.STRIKES_WARNED, "alice", "r1"),
        (EventName.STRIKES_SUSPENDED, "alice", "r2"),
    ]
    assert {event.details["measure"] for event in events} == {past.id for past in store.history()[:2]}


def test_strikes_in_one_transaction_count_like_strikes_one_by_one(store_engine: Engine) -> None:
    """Each by its own person's row."""
    noted = StrikeStore(store_engine).note([note(0), note(1, ACCOUNT), note(2), note(3), note(4)])
    assert [outcome.measure for outcome in noted.outcomes] == [C, C, W, S, R]


def test_an_end_of_a_row_leaves_the_day(store_engine: Engine) -> None:
    """Strike and clean turn by turns: exactly the fifth suspends."""
    store, found = StrikeStore(store_engine), []
    for number in range(5):
        found += measures(store, note(number))
        store.end_rows([ALICE])
    assert found == [C, C, C, W, S]


def test_strikes_that_come_together_are_counted_one_behind_the_other(store_engine: Engine) -> None:
    """From many threads with transactions of their own: never fewer or more than three."""
    found: list[Measure] = []

    def violate(number: int) -> None:
        found.extend(measures(StrikeStore(store_engine), note(number)))

    threads = [threading.Thread(target=violate, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted([C, W, S] + [R] * 9)


def test_what_comes_again_with_the_conversation_counts_once(store_engine: Engine) -> None:
    """What the present turn brings always counts, also in the same words."""
    store = StrikeStore(store_engine)
    assert measures(store, note(0, ALICE, "a"), note(1, ALICE, "a", fresh=False)) == [C, N]
    assert measures(store, note(2, ALICE, "a", "b", fresh=False), note(3, ALICE, "a")) == [W, S]
    assert measures(store, note(4, ALICE, "a", fresh=False)) == [R]


def test_what_cannot_be_recorded_is_not_counted(store_engine: Engine) -> None:
    """The audit trail comes before the measure."""

    def refuse(_events: Sequence[Event]) -> None:
        raise ResourceError("full")

    store = StrikeStore(store_engine, record=refuse)
    measures(store, note(0))
    with pytest.raises(ResourceError, match="full"):
        store.note([note(1)])
    assert len(store.history()) == 1
    assert store.held(ALICE).counts.consecutive == 1


def test_a_strike_without_its_mark_is_counted_as_such(store_engine: Engine) -> None:
    """So that nobody believes the marks before they were written anew."""
    store = StrikeStore(store_engine, marks=Refusing())
    before = store.unmarked()
    assert not store.note([note()]).marked
    assert store.unmarked() == before + 1
    assert StrikeStore(store_engine).note([note()]).marked


def test_the_marks_are_everybody_with_something_open(store_engine: Engine) -> None:
    """A row that was ended and a suspension that is over need none."""
    clock, seen = Clock(), list[Sequence[Person]]()
    store = StrikeStore(store_engine, rule=Rule(suspend_seconds=60), clock=clock)
    ended, over = Person("acc-1", "ended"), Person("acc-1", "over")
    measures(store, note(0, ended), *(note(1, over) for _ in range(3)))
    clock.now += 60_000_000
    store.end_rows([ended])
    measures(store, note(2), *(note(3, ACCOUNT) for _ in range(3)))
    store.rebuild(lambda people, _unmarked: seen.append(people))
    assert sorted(seen[0]) == [ACCOUNT, ALICE]
    assert store.has_counted()


def test_lifting_is_recorded_and_settles(store_engine: Engine) -> None:
    """Once; then there is nothing left to lift, and counting begins anew."""
    events = Recorded()
    store = StrikeStore(store_engine, record=events)
    measures(store, *map(note, range(3)))
    until_us = store.held(ALICE).counts.suspended_until_us
    assert store.lift(ALICE, "cli:somebody", "a mistake of the list")
    assert not store.lift(ALICE, "cli:somebody")
    assert not store.lift(ACCOUNT, "cli:somebody")
    assert store.suspended() == []
    past = store.history()[0]
    assert (past.measure, past.actor, past.reason, past.until_us) == (
        *("lifted", "cli:somebody", "a mistake of the list"),
        until_us,
    )
    assert (events[-1].name, events[-1].actor, events[-1].reason) == (
        *(EventName.STRIKES_LIFTED, "cli:somebody"),
        "a mistake of the list",
    )
    assert measures(store, note(9)) == [C]


def test_history_goes_with_its_time(store_engine: Engine) -> None:
    """What holds somebody now stays, however old it is."""
    clock = Clock()
    store = StrikeStore(store_engine, rule=Rule(suspend_seconds=400 * 24 * 3600), clock=clock)
    measures(store, note(0, ACCOUNT), *map(note, range(3)))
    store.end_rows([ACCOUNT])
    clock.now += 190 * DAY + 1000
    assert store.retire(190) == 3
    assert [past.measure for past in store.history()] == [S]
    assert store.held(ALICE).counts.is_suspended(clock.now)
    assert store.held(ACCOUNT).counts.day == 0


def test_history_is_asked_for_by_account_and_time(store_engine: Engine) -> None:
    """And is bounded."""
    clock = Clock()
    store = StrikeStore(store_engine, clock=clock)
    measures(store, note(0, ACCOUNT), note(1), note(2, Person("acc-2")))
    assert [past.request_id for past in store.history("acc-1")] == ["r1", "r0"]
    assert [past.request_id for past in store.history("acc-1", "")] == ["r0"]
    assert [past.request_id for past in store.history(since_us=clock.now)] == ["r2"]
    assert len(store.history(limit=2)) == 2
