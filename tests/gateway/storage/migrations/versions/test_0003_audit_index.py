"""The third step makes the audit trail's index anew, to be filled again from the files."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from gateway.storage.migrate import migrate
from gateway.storage.schema import AUDIT_CURSORS

_UPGRADE = command.upgrade


def _only_the_first(config: Config, _revision: str) -> None:
    _UPGRADE(config, "0001")


def test_the_index_begins_again(empty_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of before has its cursors taken away with its rows, so nothing of the trail is left out."""
    monkeypatch.setattr("gateway.storage.migrate.command.upgrade", _only_the_first)
    migrate(empty_engine)
    with empty_engine.begin() as connection:
        connection.execute(sa.insert(AUDIT_CURSORS).values(log_id="a", segment="s", byte_offset=1, sequence=1))
    monkeypatch.undo()
    migrate(empty_engine)
    with empty_engine.connect() as connection:
        assert connection.execute(sa.select(AUDIT_CURSORS)).all() == []
        assert connection.scalar(sa.text("SELECT count(*) FROM audit_risks")) == 0
