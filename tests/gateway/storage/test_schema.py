"""The tables hold what they promise, on both databases."""

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from gateway.storage.schema import ACCOUNT_KEYS, AUDIT_CURSORS, AUDIT_ENTRIES
from gateway.storage.transactions import reading, writing

ENTRY = {
    "log_id": "log",
    "sequence": 2**40,
    "request_id": "request",
    "at_us": 1_800_000_000_000_000,
    "account": "acc-1",
    "account_kind": "user",
    "dialect": "openai.chat",
    "model": "模型",
    "decision": "block",
    "risks": "A.1.f,A.2.a",
    "entry": b'{"a":1}\x00\xff',
    "leaf_hash": bytes(range(32)),
}


def test_an_audit_row_comes_back_as_it_went_in(store_engine: Engine) -> None:
    """Microseconds, large sequence numbers, Chinese text and raw bytes survive."""
    with writing(store_engine) as connection:
        connection.execute(insert(AUDIT_ENTRIES).values(ENTRY))
    with reading(store_engine) as connection:
        assert dict(connection.execute(select(AUDIT_ENTRIES)).mappings().one()) == ENTRY


def test_a_sequence_number_is_taken_once_per_log(store_engine: Engine) -> None:
    """Reading a segment twice cannot index an entry twice; another log has its own numbers."""
    with writing(store_engine) as connection:
        connection.execute(insert(AUDIT_ENTRIES), [ENTRY, {**ENTRY, "log_id": "other"}])
    with pytest.raises(IntegrityError), writing(store_engine) as connection:
        connection.execute(insert(AUDIT_ENTRIES).values(ENTRY))


def test_an_offset_larger_than_32_bits_fits(store_engine: Engine) -> None:
    """A segment may be larger than four gigabytes."""
    row = {"log_id": "log", "segment": "segment-1", "byte_offset": 2**33, "sequence": 7}
    with writing(store_engine) as connection:
        connection.execute(insert(AUDIT_CURSORS).values(row))
    with reading(store_engine) as connection:
        assert dict(connection.execute(select(AUDIT_CURSORS)).mappings().one()) == row


def test_a_key_needs_an_account(store_engine: Engine) -> None:
    """Foreign keys are enforced, also by SQLite, which does not by itself."""
    row = {"digest": bytes(32), "account_id": "nobody", "created_at_us": 1}
    with pytest.raises(IntegrityError), writing(store_engine) as connection:
        connection.execute(insert(ACCOUNT_KEYS).values(row))
