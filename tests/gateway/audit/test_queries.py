"""Questions to the index give exactly what a look at every row would."""

import random
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from gateway.audit.index_rows import EntryRow, Rows
from gateway.audit.queries import PAGE_ENTRIES, IndexedEntry, Key, Question, find, find_all, page_query
from gateway.storage.engine import StorageError, open_engine
from tests.gateway.audit.index_builders import HOUR_US, NOON_US, add_rows, indexed_row, risk_rows

_DAY_US = 24 * HOUR_US
_DAYS = 120
_ROWS = 400
_QUESTIONS = 60


class _Sample:
    """Rows over some months, with few values, so that every combination of them is there and some are rare."""

    def __init__(self) -> None:
        chance = random.Random(3)  # noqa: S311 made-up data
        self.rows: list[EntryRow] = []
        self.risks: dict[Key, set[str]] = {}
        for number in range(_ROWS):
            row = indexed_row(
                log_id=chance.choice(["00112233445566aa", "ffeeddccbbaa9988"]),
                sequence=number,
                # Whole hours of few days, so that some times are those of several entries.
                at_us=NOON_US - chance.choice([0, 1, 2, 9, 60, _DAYS]) * _DAY_US + chance.randrange(5) * HOUR_US,
                type=chance.choice(["exchange"] * 8 + ["event", "content"]),
                request_id=f"r{number // 2}",
                account=chance.choice(["", "acc_a", "acc_b"]),
                end_user=chance.choice(["", "u1", "u2"]),
                decision=chance.choice(["", "allow", "allow", "block", "flag"]),
                entry=b"%d" % number,
            )
            row = row._replace(entry=None) if row.type == "content" else row
            self.rows.append(row)
            risks = chance.sample(["A.1.a", "A.1.f", "A.2.a"], chance.randrange(3)) if row.type == "exchange" else []
            self.risks[_key(row)] = set(risks)
        self.found = [risk for row in self.rows for risk in risk_rows(row, *self.risks[_key(row)])]

    def answer(self, question: Question) -> list[Key]:
        """Return the keys of what fits, newest first, by looking at every row."""
        return sorted((_key(row) for row in self.rows if self._fits(question, row)), reverse=True)

    def _fits(self, question: Question, row: EntryRow) -> bool:
        since_us, until_us = question.since_us, question.until_us
        return (
            row.entry is not None
            and (since_us is None or row.at_us >= since_us)
            and (until_us is None or row.at_us < until_us)
            and (question.risk is None or question.risk in self.risks[_key(row)])
            and question.request_id in {None, row.request_id}
            and question.end_user in {None, row.end_user}
            and question.account in {None, row.account}
            and question.decision in {None, row.decision}
            and question.type in {None, row.type}
        )


def _key(row: EntryRow) -> Key:
    return Key(row.at_us, row.log_id, row.sequence)


def _questions() -> Iterator[Question]:
    chance = random.Random(5)  # noqa: S311 it chooses what is asked
    for _ in range(_QUESTIONS):
        values = {
            "since_us": NOON_US - chance.choice([0, 1, 9, 60, 200]) * _DAY_US,
            "until_us": NOON_US - chance.choice([-1, 0, 2, 60]) * _DAY_US,
            "request_id": f"r{chance.randrange(_ROWS // 2)}",
            "end_user": chance.choice(["u1", "u2", "absent"]),
            "account": chance.choice(["acc_a", "acc_b", "absent"]),
            "risk": chance.choice(["A.1.a", "A.1.f", "absent"]),
            "decision": chance.choice(["allow", "block", "flag", "absent"]),
            "type": chance.choice(["exchange", "event"]),
        }
        # Up to three together, since more would seldom find anything.
        names = chance.sample(sorted(values), chance.randrange(4))
        yield Question(**{name: values[name] for name in names})  # type: ignore[arg-type]  # by name


@pytest.fixture
def sample(store_engine: sa.Engine) -> _Sample:
    """Rows that are in the index."""
    sample = _Sample()
    add_rows(store_engine, Rows(sample.rows, sample.found))
    return sample


def _keys(entries: list[IndexedEntry]) -> list[Key]:
    return [entry.key for entry in entries]


def test_what_is_found_is_what_fits_newest_first(store_engine: sa.Engine, sample: _Sample) -> None:
    """Whatever is asked, alone or together, nothing is missing or too much, and the order is that of time."""
    for question in _questions():
        assert _keys(find(store_engine, question, limit=PAGE_ENTRIES)) == sample.answer(question), question


def test_pages_join_without_a_gap(store_engine: sa.Engine, sample: _Sample) -> None:
    """Page after page gives the same entries as one long page, also among entries of one moment."""
    for question in (Question(), Question(risk="A.1.a"), Question(decision="block", until_us=NOON_US)):
        pages: list[Key] = []
        before: Key | None = None
        while page := find(store_engine, question, before=before, limit=7):
            pages += _keys(page)
            before = page[-1].key
        assert pages == sample.answer(question)


def test_an_entry_comes_with_its_bytes(store_engine: sa.Engine, sample: _Sample) -> None:
    """What is found are the bytes that went in, and their hash."""
    (first, *_) = find(store_engine, Question(account="acc_a"))
    (row,) = (row for row in sample.rows if _key(row) == first.key)
    assert (first.entry, first.leaf_hash) == (row.entry, row.leaf_hash)


def test_more_than_a_page_is_found_page_by_page(store_engine: sa.Engine) -> None:
    """A large limit is met, though no statement asks for more than a page."""
    add_rows(store_engine, Rows([indexed_row(sequence=number) for number in range(2 * PAGE_ENTRIES + 5)], []))
    found = list(find_all(store_engine, Question(), limit=2 * PAGE_ENTRIES + 2))
    assert [entry.key.sequence for entry in found] == list(range(2 * PAGE_ENTRIES + 4, 2, -1))
    assert len(list(find_all(store_engine, Question(), limit=9 * PAGE_ENTRIES))) == 2 * PAGE_ENTRIES + 5


@pytest.mark.parametrize("limit", [0, -1, PAGE_ENTRIES + 1])
def test_a_page_is_bounded(store_engine: sa.Engine, limit: int) -> None:
    """A page without an end is refused."""
    with pytest.raises(ValueError, match="1 to 1000"):
        find(store_engine, Question(), limit=limit)


@pytest.mark.parametrize(
    ("question", "index"),
    [
        (Question(), "at_us"),
        (Question(request_id="r1"), "request_id"),
        (Question(end_user="u1"), "end_user"),
        (Question(end_user="u1", decision="block"), "end_user_decision"),
        (Question(account="acc_a"), "account"),
        (Question(account="acc_a", decision="block"), "account_decision"),
        (Question(decision="block"), "decision"),
        (Question(type="event"), "type"),
        (Question(risk="A.1.a"), "sqlite_autoindex_audit_risks"),
        (Question(risk="A.1.a", account="acc_a"), "account"),
        (Question(risk="A.1.a", end_user="u1"), "end_user"),
        (Question(risk="A.1.a", decision="block"), "decision"),
    ],
)
def test_each_question_has_its_index(sqlite_engine: sa.Engine, question: Question, index: str) -> None:
    """SQLite sees that the index made for a question can answer it: its condition is repeated word for word."""
    query = page_query(question, None, 100).compile(sqlite_engine, compile_kwargs={"literal_binds": True})
    with sqlite_engine.connect() as connection:
        plan = [str(row[-1]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    table = "audit_entries" if question.risk is None else "audit_risks"
    name = index if index.startswith("sqlite") else f"ix_{table}_{index} "
    assert any(name in f"{line} " for line in plan), plan


def test_a_store_that_is_away_is_said_so(sqlite_url: str) -> None:
    """Callers know one exception of the store."""
    engine = open_engine(sqlite_url)
    with pytest.raises(StorageError):
        find(engine, Question())
    engine.dispose()
