"""The first step leaves what programs rely on besides tables."""

from sqlalchemy import Engine, select

from gateway.storage.schema import REVISIONS
from gateway.storage.transactions import reading


def test_the_counter_of_account_changes_starts_at_zero(store_engine: Engine) -> None:
    """A change raises a counter that is there, so that no change goes unseen."""
    with reading(store_engine) as connection:
        query = select(REVISIONS.c.number).where(REVISIONS.c.name == "accounts")
        assert connection.execute(query).scalar_one() == 0
