"""The second step leaves the counter of destroyed keys."""

from sqlalchemy import Engine, select

from gateway.storage.schema import REVISIONS
from gateway.storage.transactions import reading


def test_the_counter_of_destroyed_keys_starts_at_zero(store_engine: Engine) -> None:
    """A gateway that reads it sees the first erasure."""
    with reading(store_engine) as connection:
        query = select(REVISIONS.c.number).where(REVISIONS.c.name == "content_keys")
        assert connection.execute(query).scalar_one() == 0
