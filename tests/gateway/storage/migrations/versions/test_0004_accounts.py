"""The fourth step gives accounts tenants, models and bindings, and keeps those there are."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from gateway.accounts.account import AccountKind
from gateway.accounts.keys import key_digest, new_key
from gateway.accounts.store import AccountStore
from gateway.storage.migrate import migrate

_UPGRADE = command.upgrade


def _only_to_the_third(config: Config, _revision: str) -> None:
    _UPGRADE(config, "0003")


def test_an_account_of_before_keeps_what_it_may_do(empty_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its key finds it, of the default tenant, with any model, and without trust; later changes are told."""
    key = new_key()
    monkeypatch.setattr("gateway.storage.migrate.command.upgrade", _only_to_the_third)
    migrate(empty_engine)
    with empty_engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO accounts (id, name, kind, policy, created_at_us, allow_from)"
                " VALUES ('acc-0123456789abcdef', 'one', 'audit', 'strict', 7, '[\"10.0.0.0/8\"]')"
            )
        )
        connection.execute(
            sa.text("INSERT INTO account_keys VALUES (:digest, 'acc-0123456789abcdef', 7, NULL)"),
            {"digest": key_digest(key)},
        )
    monkeypatch.undo()
    migrate(empty_engine)
    store = AccountStore(empty_engine)
    found = store.find_by_digest(key_digest(key))
    assert found is not None
    account = found.account
    assert (account.kind, account.policy, len(account.allow_from)) == (AccountKind.AUDIT, "strict", 1)
    assert (account.tenant, account.models, account.trusts_end_user) == ("default", (), False)
    assert dict(account.bindings) == {}
    seen = store.revision()
    store.disable("one", 9)
    assert store.changed_since(seen) == frozenset({account.id})
