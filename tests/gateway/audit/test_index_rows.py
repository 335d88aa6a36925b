"""Rows of the index: what people ask by, beside the bytes as written."""

import dataclasses

import pytest
import sqlalchemy as sa

from gateway.audit.content.entry import ContentEntry, encode_content
from gateway.audit.entry import encode_exchange
from gateway.audit.event_forms import EventName
from gateway.audit.events import Event, encode_event
from gateway.audit.index_rows import EntryRow, RiskRow, Rows, insert_rows, rows_of
from gateway.audit.reader import START, StoredEntry
from gateway.audit.tree import leaf_hash
from gateway.storage.partitions import make_partitions
from gateway.storage.schema import AUDIT_ENTRIES, AUDIT_RISKS
from tests.gateway.audit.builders import FINDING, exchange
from tests.gateway.audit.index_builders import add_rows, indexed_row, risk_rows

LOG = "00112233445566aa"


def _stored(*entries: bytes) -> list[StoredEntry]:
    return [StoredEntry(sequence, entry, START) for sequence, entry in enumerate(entries)]


def test_an_exchange_has_a_row_and_one_for_each_risk() -> None:
    """The columns are what people ask by; the bytes and their hash are those of the file."""
    findings = (FINDING, dataclasses.replace(FINDING, risk="A.1.a"), FINDING)
    record = exchange(decision="block", findings=findings, user="p" * 22)
    entry = encode_exchange(record)
    rows = rows_of(LOG, _stored(entry))
    assert rows.entries == [
        EntryRow(
            log_id=LOG,
            sequence=0,
            at_us=record.started_at_us,
            type="exchange",
            request_id=record.request_id,
            account=record.account,
            end_user="p" * 22,
            decision="block",
            key_id="",
            entry=entry,
            leaf_hash=leaf_hash(entry),
        )
    ]
    shared = (record.started_at_us, LOG, 0, record.account, "p" * 22, "block")
    assert sorted(rows.risks) == [RiskRow("A.1.a", *shared), RiskRow("A.1.f", *shared)]


def test_content_is_kept_by_its_place_and_key_alone() -> None:
    """The ciphertext is in the files; the row says of which request it is, what opens it, and the hash of all."""
    entry = encode_content(ContentEntry("r1", 7, "k1", bytes(12), b"secret"))
    rows = rows_of(LOG, _stored(entry))
    nothing = {"account": "", "end_user": "", "decision": "", "entry": None}
    row = indexed_row(at_us=7, type="content", request_id="r1", key_id="k1", leaf_hash=leaf_hash(entry), **nothing)
    assert rows == Rows([row], [])


@pytest.mark.parametrize(
    ("event", "columns"),
    [
        (Event(EventName.ACCOUNTS_DISABLED, "cli:li", 7, "acc-1"), {"account": "acc-1"}),
        (
            Event(EventName.CONTENT_READ, "cli:li", 7, "r1", {"user": "u1", "account": "acc-1"}),
            {"request_id": "r1", "end_user": "u1", "account": "acc-1"},
        ),
        (Event(EventName.CONTENT_ERASED, "cli:li", 7, "u1"), {"end_user": "u1", "account": "u1"}),
        (Event(EventName.LISTS_PUBLISHED, "cli:li", 7, "v1"), {}),
    ],
)
def test_an_event_is_found_by_what_it_is_about(event: Event, columns: dict[str, str]) -> None:
    """Who asks for a person, an account or a request finds what was done to it, and who looked at it."""
    entry = encode_event(event)
    nothing = {"request_id": "", "account": "", "end_user": "", "decision": ""}
    known: dict[str, object] = {**nothing, **columns, "leaf_hash": leaf_hash(entry)}
    assert rows_of(LOG, _stored(entry)) == Rows([indexed_row(at_us=7, type="event", entry=entry, **known)], [])


def test_entries_before_an_unknown_form_have_rows() -> None:
    """What a newer program wrote stops the index there, and not before."""
    known, unknown = encode_exchange(exchange()), b'{"type":"unknown","v":2}'
    assert len(rows_of(LOG, _stored(known, known, unknown, known)).entries) == 2
    with pytest.raises(ValueError, match="release"):
        rows_of(LOG, _stored(unknown, known))


@pytest.mark.parametrize("account", ["a\0b", "长" * 5_000])
def test_no_text_stops_the_index(store_engine: sa.Engine, account: str) -> None:
    """A text that no column can hold, or no index, is cleaned and cut there; the bytes stay as they are."""
    entry = encode_exchange(exchange(account=account, request_id=account, decision="block"))
    add_rows(store_engine, rows_of(LOG, _stored(entry)))
    with store_engine.connect() as connection:
        row = connection.execute(sa.select(AUDIT_ENTRIES)).one()
    assert row.entry == entry
    assert row.account == account.replace("\0", "\ufffd")[:200]


def test_rows_come_back_as_they_went_in(store_engine: sa.Engine) -> None:
    """Large numbers, Chinese text, raw bytes and what is not there survive either way of inserting."""
    plain = indexed_row(sequence=2**40, account="账户", entry=b'{"a":1}\x00\xff\\N\t\n', leaf_hash=bytes(range(32)))
    content = indexed_row(sequence=7, type="content", key_id="k1", entry=None)
    risks = risk_rows(plain, "A.1.a", "A.1.f")
    add_rows(store_engine, Rows([plain, content], risks))
    with store_engine.connect() as connection:
        assert set(connection.execute(sa.select(AUDIT_ENTRIES)).all()) == {plain, content}
        assert set(connection.execute(sa.select(AUDIT_RISKS)).all()) == set(risks)


def test_rows_go_with_their_transaction(store_engine: sa.Engine) -> None:
    """What is rolled back is not there, COPY or not."""
    row = indexed_row()
    make_partitions(store_engine, [row.at_us])
    with store_engine.connect() as connection:
        with connection.begin() as transaction:
            insert_rows(connection, Rows([row], []))
            transaction.rollback()
        assert connection.scalar(sa.select(sa.func.count()).select_from(AUDIT_ENTRIES)) == 0


def test_a_refused_row_is_told_as_any_other_failure(store_engine: sa.Engine) -> None:
    """An entry that is there already is SQLAlchemy's error on both stores, and its text repeats no entry."""
    row = indexed_row(account="acc_secret")
    with pytest.raises(sa.exc.IntegrityError) as caught:
        add_rows(store_engine, Rows([row, row], []))
    assert "acc_secret" not in str(caught.value)
