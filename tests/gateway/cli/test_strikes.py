"""``sluice strikes``: what operators see, and what it leaves in the audit trail."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from filters.findings import Severity
from gateway.accounts.account import AccountKind
from gateway.accounts.store import AccountStore
from gateway.audit.event_forms import EventName
from gateway.cli.main import app
from gateway.cli.trail import actor
from gateway.strikes.person import Person
from gateway.strikes.store import Note, StrikeStore
from tests.gateways import events_under


@pytest.fixture
def account(store_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An account in a store that the environment names, with one of its end users suspended; returns its id."""
    monkeypatch.setenv("SLUICE_STORE__URL", store_engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("SLUICE_AUDIT__DIRECTORY", str(tmp_path / "audit"))
    made, _ = AccountStore(store_engine).create("商店", AccountKind.USER, at_us=1)
    for number in range(3):
        StrikeStore(store_engine).note(
            [Note(Person(made.id, "pseudonym"), f"r{number}", Severity.HIGH, True, ())]  # noqa: FBT003 a fresh one
        )
    return made.id


def run(*arguments: str) -> Result:
    """Run ``sluice strikes`` in this process."""
    return CliRunner().invoke(app, ["strikes", *arguments])


def rows(*arguments: str) -> Any:  # noqa: ANN401 whatever the command printed
    """Run with ``--json``; return what was printed."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_suspended_are_listed(account: str) -> None:
    """With everything that lifting asks for."""
    (row,) = rows("list")
    assert (row["account"], row["account_id"], row["end_user"]) == ("商店", account, "pseudonym")
    assert "pseudonym" in run("list").stdout


def test_history_tells_what_led_there(account: str) -> None:
    """Of all, of one account, of one end user; as far back as asked for."""
    assert [row["measure"] for row in rows("history")] == ["suspended", "warned", "counted"]
    assert [row["request_id"] for row in rows("history", "商店", "--limit", "1")] == ["r2"]
    assert rows("history", account, "--end-user", "another") == []
    assert len(rows("history", "--since", "1h")) == 3
    assert run("history", "--since", "soon").exit_code == 2


def test_lifting_is_an_event_and_ends_the_suspension(account: str, tmp_path: Path) -> None:
    """It says who, whom and why, and happens once."""
    result = run("lift", "商店", "--end-user", "pseudonym", "--reason", "a mistake")
    assert result.exit_code == 0, result.output
    assert rows("list") == []
    (event,) = events_under(tmp_path / "audit")
    assert (event.name, event.subject, event.actor, event.reason) == (
        *(EventName.STRIKES_LIFTED, "pseudonym", actor()),
        "a mistake",
    )
    assert event.details["account"] == account
    assert rows("history")[0]["actor"] == actor()
    again = run("lift", "商店", "--end-user", "pseudonym")
    assert again.exit_code == 1
    assert "Nothing is held against them" in again.stderr


def test_an_account_that_does_not_exist_is_said_to(account: str) -> None:
    """With the command that lists them."""
    result = run("lift", "nobody")
    assert result.exit_code == 1
    assert "sluice accounts list" in result.stderr
