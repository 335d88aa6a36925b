"""Questions to the index: the newest entries that fit, page by page.

Rules: whatever is asked, one index answers it in the order of time, so that the newest hundred cost a hundred rows
and not a sort of all; a page goes on behind the last entry of the one before, by its key and not by counting, so a
deep page costs what the first does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import sqlalchemy as sa

from gateway.storage.partitions import partition_edges
from gateway.storage.schema import (
    AUDIT_ENTRIES,
    AUDIT_RISKS,
    HAS_ACCOUNT,
    HAS_END_USER,
    HAS_REQUEST,
    IS_NOTABLE,
    IS_SPECIAL,
)
from gateway.storage.transactions import reading

PAGE_ENTRIES = 1_000
"""Most entries of one page: a statement is bounded in time and memory."""

# What nearly all entries are has no index of its own, see `IS_NOTABLE` and `IS_SPECIAL`.
_USUAL_DECISIONS = frozenset({"", "allow"})
_USUAL_TYPE = "exchange"

_FIRST_DAYS = 3
_GROWTH = 4

# The columns that are asked by, each with the conditions under which there is an index for a value.
_PARTIAL: dict[str, Callable[[str], tuple[str, ...]]] = {
    "request_id": lambda _wanted: (HAS_REQUEST,),
    "account": lambda _wanted: (HAS_ACCOUNT,),
    "end_user": lambda _wanted: (HAS_END_USER,),
    "decision": lambda wanted: () if wanted in _USUAL_DECISIONS else (IS_NOTABLE,),
    "type": lambda wanted: () if wanted == _USUAL_TYPE else (IS_SPECIAL,),
}

# PostgreSQL alone needs telling. A plan kept for any values would not know rare ones from common ones, or that a
# partial index holds; compiling a plan to machine code takes longer than any of these takes to run.
_PLANNING = sa.text("SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)")


class Key(NamedTuple):
    """The place of an entry among all in the index, in the order of time.

    Attributes:
        at_us: when it was, in microseconds of Unix time.
        log_id: the log it is in.
        sequence: its place there.
    """

    at_us: int
    log_id: str
    sequence: int


class IndexedEntry(NamedTuple):
    """An entry as the index has it.

    Attributes:
        key: its place.
        entry: its canonical bytes.
        leaf_hash: its hash as a leaf of the log's tree.
    """

    key: Key
    entry: bytes
    leaf_hash: bytes


class Question(NamedTuple):
    """What an entry must fit; None fits all.

    Attributes:
        since_us: earliest time, in microseconds of Unix time.
        until_us: time before which it was, the same unit.
        request_id: id of the exchange.
        end_user: pseudonym of the end user.
        account: id of the account.
        risk: a risk that was found.
        decision: the decision, as recorded.
        type: type of entry.
    """

    since_us: int | None = None
    until_us: int | None = None
    request_id: str | None = None
    end_user: str | None = None
    account: str | None = None
    risk: str | None = None
    decision: str | None = None
    type: str | None = None


def find(engine: sa.Engine, question: Question, *, before: Key | None = None, limit: int = 100) -> list[IndexedEntry]:
    """Return the newest indexed exchanges and events that fit, newest first.

    Args:
        engine: the store.
        question: what they must fit.
        before: only entries that come before this one; the last of the page before.
        limit: most entries returned, at most `PAGE_ENTRIES`.

    Raises:
        StorageError: the store is away.
    """
    if not 0 < limit <= PAGE_ENTRIES:
        raise ValueError(f"a page has 1 to {PAGE_ENTRIES} entries, not {limit}")
    found: list[IndexedEntry] = []
    with _planned(engine) as connection:
        for span in _spans(connection, question, before):
            found += _page(
                connection,
                question._replace(since_us=span.since_us, until_us=span.until_us),
                before,
                limit - len(found),
            )
            if len(found) == limit:
                break
    return found


def find_all(engine: sa.Engine, question: Question, *, limit: int) -> Iterator[IndexedEntry]:
    """Yield the newest indexed exchanges and events that fit, newest first, however many are asked for.

    Args:
        engine: the store.
        question: what they must fit.
        limit: most entries yielded.

    Raises:
        StorageError: the store is away.
    """
    before: Key | None = None
    while limit > 0:
        asked = min(limit, PAGE_ENTRIES)
        page = find(engine, question, before=before, limit=asked)
        yield from page
        if len(page) < asked:
            return
        before, limit = page[-1].key, limit - asked


class _Span(NamedTuple):
    since_us: int | None
    until_us: int | None


def _spans(connection: sa.Connection, question: Question, before: Key | None) -> Iterator[_Span]:
    """Yield the stretches of time that a question is asked of, one after the other, newest first.

    Whatever is frequent is found in the newest days, and those alone are then opened and planned for. The stretches
    grow, so what is rare is not asked for day by day.
    """
    since_us, until_us = question.since_us, question.until_us
    if before is not None:
        until_us = before.at_us + 1 if until_us is None else min(until_us, before.at_us + 1)
    edges = partition_edges(connection, AUDIT_ENTRIES.name)
    if until_us is not None:
        edges = [edge for edge in edges if edge < until_us]
    # What was made ahead is empty, so the first stretch has more than the one day it is about.
    size = _FIRST_DAYS
    while len(edges) > size and (since_us is None or edges[size - 1] > since_us):
        yield _Span(edges[size - 1], until_us)
        until_us, edges, size = edges[size - 1], edges[size:], size * _GROWTH
    # To the very end: that all is looked at does not depend on what the catalogue says.
    yield _Span(since_us, until_us)


def _page(connection: sa.Connection, question: Question, before: Key | None, limit: int) -> list[IndexedEntry]:
    if question.risk is not None and question.request_id is None:
        times_us = connection.scalars(_risk_keys(question, before, limit)).all()
        if not times_us:
            return []
        # Most days have no such entry: those that lie outside need not be opened in the large table.
        question = question._replace(since_us=times_us[-1], until_us=times_us[0] + 1)
    rows = connection.execute(page_query(question, before, limit))
    return [IndexedEntry(Key(*key), entry, leaf) for *key, entry, leaf in rows]


def page_query(question: Question, before: Key | None, limit: int) -> sa.Select[Any]:
    """Return the statement that answers a question; see `find`."""
    columns = (*_key(AUDIT_ENTRIES), AUDIT_ENTRIES.c.entry, AUDIT_ENTRIES.c.leaf_hash)
    if question.risk is None or question.request_id is not None:
        # Content has no bytes here, and is not to be shown with the rest.
        has_bytes = AUDIT_ENTRIES.c.entry.is_not(None)
        entries = sa.select(*columns).where(has_bytes, *_conditions(AUDIT_ENTRIES, question, before))
        if question.risk is not None:
            # A request has few entries, so these are found first and then asked for their risks.
            entries = entries.where(sa.exists().where(AUDIT_RISKS.c.risk == question.risk, _same(AUDIT_RISKS)))
        return _newest(entries, AUDIT_ENTRIES, limit)
    # The keys alone first: the small table reaches the limit before the large one is looked at.
    found = _risk_keys(question, before, limit).subquery()
    same = sa.and_(_same(found), *_times(AUDIT_ENTRIES, question))
    return _newest(sa.select(*columns).join(found, same), AUDIT_ENTRIES, limit)


def _risk_keys(question: Question, before: Key | None, limit: int) -> sa.Select[Any]:
    keys = sa.select(*_key(AUDIT_RISKS)).where(*_conditions(AUDIT_RISKS, question, before))
    return _newest(keys, AUDIT_RISKS, limit)


def _conditions(table: sa.Table, question: Question, before: Key | None) -> Iterator[sa.ColumnElement[bool]]:
    """Yield what rows of a table must fit, with the conditions that its partial indexes stand under."""
    asked = question._asdict()
    for name, conditions in _PARTIAL.items():
        if (wanted := asked[name]) is not None and name in table.c:
            yield table.c[name] == wanted
            yield from map(sa.literal_column, conditions(wanted))
    if table is AUDIT_RISKS:
        yield table.c.risk == question.risk
        if question.type not in {None, _USUAL_TYPE}:
            yield sa.false()  # nothing else has risks
    yield from _times(table, question)
    if before is not None:
        # Compared as rows they are only filtered; the bound on the time is where the reading begins.
        yield table.c.at_us <= before.at_us
        yield sa.tuple_(*_key(table)) < sa.tuple_(*before)


def _times(table: sa.Table, question: Question) -> Iterator[sa.ColumnElement[bool]]:
    if question.since_us is not None:
        yield table.c.at_us >= question.since_us
    if question.until_us is not None:
        yield table.c.at_us < question.until_us


def _key(table: sa.FromClause) -> tuple[sa.ColumnElement[Any], ...]:
    return tuple(table.c[name] for name in Key._fields)


def _same(other: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(*(one == another for one, another in zip(_key(AUDIT_ENTRIES), _key(other), strict=True)))


def _newest(query: sa.Select[Any], table: sa.Table, limit: int) -> sa.Select[Any]:
    # Times are not unique: without the rest, the limit would cut anywhere among equals.
    return query.order_by(*(column.desc() for column in _key(table))).limit(limit)


@contextmanager
def _planned(engine: sa.Engine) -> Iterator[sa.Connection]:
    with reading(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(_PLANNING)
        yield connection
