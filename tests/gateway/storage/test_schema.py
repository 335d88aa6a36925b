"""The tables hold what they promise, on both databases."""

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from gateway.audit.index_rows import Rows
from gateway.storage.schema import ACCOUNT_KEYS, AUDIT_CURSORS
from gateway.storage.transactions import reading, writing
from tests.gateway.audit.index_builders import add_rows, indexed_row


def test_an_entry_is_in_the_index_once(store_engine: Engine) -> None:
    """The same entry cannot be indexed twice; another log has its own numbers."""
    row = indexed_row()
    add_rows(store_engine, Rows([row, row._replace(log_id="ffeeddccbbaa9988")], []))
    with pytest.raises(IntegrityError):
        add_rows(store_engine, Rows([row], []))


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
