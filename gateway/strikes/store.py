"""Strikes in the store: counted, reset, lifted, listed.

Rules: what is held against a person is one row, changed under its lock, so strikes that come at the same time are
counted one behind the other, whichever process or machine they came to; history and counts are one transaction; who
may have anything open is marked before that commits (`Marks`), and a measure is in the audit trail by then. The time
of a strike is when its row is locked, so order and days cannot contradict each other.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Engine, Row, and_, delete, func, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from filters.findings import Severity
from gateway.audit.event_forms import EventName
from gateway.audit.events import SYSTEM, Details, Event, now_us
from gateway.protocol.strikes import Measure, StrikeOutcome
from gateway.storage.schema import REVISIONS, STRIKE_COUNTS, STRIKE_HISTORY
from gateway.storage.transactions import reading, writing
from gateway.strikes.person import Person
from gateway.strikes.rule import Counts, Rule, count, lift

UNMARKED = "strikes.unmarked"
"""Counter of strikes that were committed while their mark could not be set."""

MOST_LISTED = 10_000
"""Rows one question is answered with."""

# Strikes of one person whose texts are compared with a conversation that comes again.
_REMEMBERED_STRIKES = 200
_LIFTED = "lifted"
_C, _H = STRIKE_COUNTS.c, STRIKE_HISTORY.c

Record = Callable[[Sequence[Event]], None]
"""Makes events durable in the audit trail; called before what they tell of is committed, and undoes it by raising."""


class Note(NamedTuple):
    """A strike to be counted.

    Attributes:
        person: whose.
        request_id: the blocked request.
        severity: of the gravest term in it.
        fresh: True when the present turn brought it.
        texts: keyed digests of what was blocked.
    """

    person: Person
    request_id: str
    severity: Severity
    fresh: bool
    texts: tuple[str, ...]


class Noted(NamedTuple):
    """What became of strikes that were counted together.

    Attributes:
        outcomes: in the order of the notes.
        marked: False when others may not know of them yet.
    """

    outcomes: list[StrikeOutcome]
    marked: bool


class Held(NamedTuple):
    """What is held against a person now.

    Attributes:
        person: who.
        counts: the counts.
        suspended_at_us: when the newest suspension began; 0 where there was none.
        request_id: the request that brought it.
    """

    person: Person
    counts: Counts
    suspended_at_us: int = 0
    request_id: str = ""


class Past(NamedTuple):
    """A row of the history.

    Attributes:
        id: names it, also in the audit trail.
        at_us: when, in microseconds of Unix time.
        person: who.
        measure: what a strike led to, or ``lifted``.
        request_id: the blocked request, or empty.
        severity: of its gravest term; 0 where there was no strike.
        consecutive: weight of the strikes in a row, this one included.
        day_total: weight of the strikes of that day, the same.
        until_us: end of the suspension, or 0.
        actor: who did it; see `gateway.audit.events`.
        reason: why, in their words.
    """

    id: str
    at_us: int
    person: Person
    measure: str
    request_id: str
    severity: int
    consecutive: int
    day_total: int
    until_us: int
    actor: str
    reason: str


class Marks(Protocol):
    """Where it is kept who may have anything open, so that nobody else is looked up."""

    def set(self, people: Iterable[Person]) -> bool:
        """Mark people; False when it could not be done. Called under the lock of their rows, before the commit."""
        ...


class StrikeStore:
    """Strikes in one store.

    Args:
        engine: the store, with its tables.
        rule: the rule in force; commands that only read or lift need none.
        marks: who may have anything open.
        record: writes events to the audit trail.
        clock: gives the time, in microseconds of Unix time.

    Attributes:
        engine: the store.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        rule: Rule | None = None,
        marks: Marks | None = None,
        record: Record | None = None,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self.engine = engine
        self._rule = rule or Rule()
        self._marks = marks
        self._record = record
        self._clock = clock

    def note(self, notes: Sequence[Note]) -> Noted:
        """Count strikes; when this returns, they are committed.

        Raises:
            StorageError: the store fails; whether they were counted is not known.
            ResourceError: the audit trail takes no entry; none was counted.
        """
        with writing(self.engine) as connection:
            # In one order everywhere: two processes that lock the same people one by one must not wait in a ring.
            people = sorted({note.person for note in notes})
            _insert_missing(connection, people)
            held = {person: _counts(_lock(connection, person)) for person in people}
            outcomes, events = self._count(connection, notes, held)
            if events and self._record is not None:
                self._record(events)
            marked = self._marks is None or self._marks.set(people)
            if not marked:
                connection.execute(
                    update(REVISIONS).where(REVISIONS.c.name == UNMARKED).values(number=REVISIONS.c.number + 1)
                )
        return Noted(outcomes, marked)

    def _count(
        self, connection: Connection, notes: Sequence[Note], held: dict[Person, Counts]
    ) -> tuple[list[StrikeOutcome], list[Event]]:
        outcomes, events = [], []
        for note in notes:
            at_us, before = self._clock(), held[note.person]
            outcome = StrikeOutcome()
            if note.fresh or before.is_suspended(at_us) or not _is_repeated(connection, note):
                held[note.person], outcome = count(self._rule, before, note.severity, at_us)
            outcomes.append(outcome)
            if outcome.measure in (Measure.NONE, Measure.REFUSED):
                continue
            suspended = outcome.measure is Measure.SUSPENDED
            _write(connection, note.person, held[note.person], at_us, note.request_id if suspended else None)
            past = self._past(note, before, held[note.person], outcome, at_us)
            _add(connection, past, note.texts)
            if outcome.measure is not Measure.COUNTED:
                events.append(_event(past))
        return outcomes, events

    def _past(self, note: Note, before: Counts, after: Counts, outcome: StrikeOutcome, at_us: int) -> Past:
        weight = self._rule.weights.get(note.severity, 1)
        same_day = before.day_total if before.day == after.day else 0
        return Past(
            new_id(),
            at_us,
            note.person,
            outcome.measure.value,
            note.request_id,
            int(note.severity),
            # As they were when the rule was asked: a suspension sets both back at once.
            before.consecutive + weight,
            same_day + weight,
            outcome.until_us,
            SYSTEM,
            "",
        )

    def end_rows(self, people: Iterable[Person]) -> None:
        """Put down that a prompt of each of these people was not blocked.

        Raises:
            StorageError: the store fails.
        """
        with writing(self.engine) as connection:
            for person in sorted(people):
                connection.execute(update(STRIKE_COUNTS).where(_is(person), _C.consecutive > 0).values(consecutive=0))

    def held(self, person: Person) -> Held:
        """Return what is held against a person.

        Raises:
            StorageError: the store fails.
        """
        with reading(self.engine) as connection:
            row = connection.execute(select(STRIKE_COUNTS).where(_is(person))).one_or_none()
        return Held(person, Counts()) if row is None else _held(row)

    def suspended(self, limit: int = MOST_LISTED) -> list[Held]:
        """Return who is suspended now, the suspension that ends first in front.

        Raises:
            StorageError: the store fails.
        """
        now = self._clock()
        query = select(STRIKE_COUNTS).where(_OPEN, _C.suspended_until_us > now)
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(_C.suspended_until_us).limit(limit)).all()
        return [_held(row) for row in rows]

    def count_suspended(self) -> int:
        """Return how many people are suspended now.

        Raises:
            StorageError: the store fails.
        """
        query = select(func.count()).select_from(STRIKE_COUNTS).where(_OPEN, _C.suspended_until_us > self._clock())
        with reading(self.engine) as connection:
            return int(connection.execute(query).scalar_one())

    def history(
        self, account: str = "", end_user: str | None = None, *, since_us: int = 0, limit: int = MOST_LISTED
    ) -> list[Past]:
        """Return strikes and measures, the newest first.

        Args:
            account: id of an account; empty for all.
            end_user: pseudonym, or empty for the account as such; None for all of the account's.
            since_us: none that is older, in microseconds of Unix time.
            limit: most that are returned.

        Raises:
            StorageError: the store fails.
        """
        query = select(STRIKE_HISTORY).where(_H.at_us >= since_us)
        if account:
            query = query.where(_H.account == account)
        if end_user is not None:
            query = query.where(_H.end_user == end_user)
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(_H.at_us.desc(), _H.id).limit(limit)).all()
        return [_past(row) for row in rows]

    def lift(self, person: Person, actor: str, reason: str = "") -> bool:
        """Lift a person's suspension, and settle the strikes behind it.

        Args:
            person: who.
            actor: who does it; see `gateway.audit.events`.
            reason: why.

        Returns:
            False when nothing was held against the person.

        Raises:
            StorageError: the store fails.
            ResourceError: the audit trail takes no entry; nothing was changed.
        """
        with writing(self.engine) as connection:
            row = _lock(connection, person)
            at_us = self._clock()
            before = _counts(row)
            if row is None or not (before.is_open(at_us) or before.day_total):
                return False
            until_us = before.suspended_until_us if before.is_suspended(at_us) else 0
            past = Past(new_id(), at_us, person, _LIFTED, "", 0, 0, 0, until_us, actor, reason)
            if self._record is not None:
                self._record([_event(past)])
            _write(connection, person, lift(before), at_us)
            _add(connection, past, ())
        return True

    def has_counted(self) -> bool:
        """Whether any strike was ever counted here.

        Raises:
            StorageError: the store fails.
        """
        with reading(self.engine) as connection:
            return connection.execute(select(_C.account).limit(1)).first() is not None

    def unmarked(self) -> int:
        """Return the counter of strikes whose mark could not be set.

        Raises:
            StorageError: the store fails.
        """
        with reading(self.engine) as connection:
            return _unmarked(connection)

    def rebuild(self, write: Callable[[Sequence[Person], int], None]) -> None:
        """Have all marks written anew, while nobody counts.

        Args:
            write: gets everybody who has anything open, and the counter of strikes without a mark.

        Raises:
            StorageError: the store fails.
        """
        with writing(self.engine) as connection:
            if connection.dialect.name == "postgresql":
                # Against writers alone: whoever counts has changed a row before the mark is set.
                connection.execute(text("LOCK TABLE strike_counts IN SHARE ROW EXCLUSIVE MODE"))
            write(_open_people(connection, self._clock()), _unmarked(connection))

    def retire(self, retention_days: int) -> int:
        """Delete history that is older than its retention, and counts nobody is held by; return how many rows.

        Raises:
            StorageError: the store fails.
        """
        now = self._clock()
        before_us = now - retention_days * 24 * 3600 * 1_000_000
        settled = and_(_C.changed_at_us < before_us, _C.consecutive == 0, _C.suspended_until_us <= now)
        with writing(self.engine) as connection:
            connection.execute(delete(STRIKE_COUNTS).where(settled))
            # A suspension under way keeps its grounds on record, however old they are.
            gone = connection.execute(delete(STRIKE_HISTORY).where(_H.at_us < before_us, _H.until_us <= now))
        return gone.rowcount


def new_id() -> str:
    """Return an id of a row of the history."""
    return f"msr-{secrets.token_hex(8)}"


_OPEN = or_(_C.consecutive > 0, _C.suspended_until_us > 0)


def _is(person: Person) -> Any:  # noqa: ANN401 the library's own type is not public
    return and_(_C.account == person.account, _C.end_user == person.end_user)


def _insert_missing(connection: Connection, people: Iterable[Person]) -> None:
    empty = dict.fromkeys(("consecutive", "day", "day_total", "suspended_until_us", "suspended_at_us"), 0)
    rows = [{**person._asdict(), **empty, "request_id": "", "changed_at_us": 0} for person in people]
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(STRIKE_COUNTS).on_conflict_do_nothing(), rows)


def _lock(connection: Connection, person: Person) -> Row[Any] | None:
    # SQLite has one lock for everything, which the transaction began with.
    return connection.execute(select(STRIKE_COUNTS).where(_is(person)).with_for_update()).one_or_none()


def _counts(row: Row[Any] | None) -> Counts:
    return Counts() if row is None else Counts(row.consecutive, row.day, row.day_total, row.suspended_until_us)


def _held(row: Row[Any]) -> Held:
    return Held(Person(row.account, row.end_user), _counts(row), row.suspended_at_us, row.request_id)


def _past(row: Row[Any]) -> Past:
    values = row._mapping  # noqa: SLF001 the documented way to a row's columns
    person = Person(values["account"], values["end_user"])
    return Past(person=person, **{name: values[name] for name in Past._fields if name != "person"})


def _write(connection: Connection, person: Person, counts: Counts, at_us: int, suspending: str | None = None) -> None:
    values = counts._asdict() | {"changed_at_us": at_us}
    if suspending is not None:
        values |= {"suspended_at_us": at_us, "request_id": suspending}
    connection.execute(update(STRIKE_COUNTS).where(_is(person)).values(values))


def _add(connection: Connection, past: Past, texts: Iterable[str]) -> None:
    values = past._asdict()
    person: Person = values.pop("person")
    connection.execute(STRIKE_HISTORY.insert().values(**person._asdict(), **values, texts=" ".join(texts)))


def _is_repeated(connection: Connection, note: Note) -> bool:
    """Whether all that was blocked had been counted before: clients send the conversation with every turn."""
    mine = and_(_H.account == note.person.account, _H.end_user == note.person.end_user)
    query = select(_H.texts).where(mine).order_by(_H.at_us.desc()).limit(_REMEMBERED_STRIKES)
    known = {digest for texts in connection.execute(query).scalars() for digest in texts.split()}
    return known.issuperset(note.texts)


def _open_people(connection: Connection, at_us: int) -> list[Person]:
    query = select(_C.account, _C.end_user).where(_OPEN, or_(_C.consecutive > 0, _C.suspended_until_us > at_us))
    return [Person(*row) for row in connection.execute(query)]


def _unmarked(connection: Connection) -> int:
    query = select(REVISIONS.c.number).where(REVISIONS.c.name == UNMARKED)
    return int(connection.execute(query).scalar_one())


_EVENTS = {
    Measure.WARNED.value: EventName.STRIKES_WARNED,
    Measure.SUSPENDED.value: EventName.STRIKES_SUSPENDED,
    _LIFTED: EventName.STRIKES_LIFTED,
}


def _event(past: Past) -> Event:
    details: dict[str, str | int] = {"measure": past.id, "account": past.person.account}
    optional: Details = {
        "user": past.person.end_user,
        "request": past.request_id,
        "consecutive": past.consecutive,
        "day_total": past.day_total,
        "until_us": past.until_us,
    }
    details |= {key: value for key, value in optional.items() if value}
    subject = past.person.end_user or past.person.account
    return Event(_EVENTS[past.measure], past.actor, past.at_us, subject, details, past.reason)
