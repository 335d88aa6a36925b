"""``sluice agreements``."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from gateway.accounts.account import AccountKind
from gateway.accounts.store import AccountStore
from gateway.audit.event_forms import EventName
from gateway.cli.main import app
from tests.gateways import events_under


@pytest.fixture
def audit(store_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An audit trail beside a store with one account; the environment names both."""
    monkeypatch.setenv("SLUICE_STORE__URL", store_engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("SLUICE_AUDIT__DIRECTORY", str(tmp_path / "audit"))
    AccountStore(store_engine).create("shop", AccountKind.USER, at_us=1)
    return tmp_path / "audit"


def sluice(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["agreements", *arguments])


def test_an_agreement_is_noted_listed_and_ended(audit: Path) -> None:
    """With its wording and its moment; each change is in the trail with its reason."""
    noted = sluice(
        *("accept", "shop", "--end-user", "p1", "--version", "2026-1"),
        *("--accepted-at", "2026-03-01T08:00+08:00", "--reason", "form 7"),
    )
    assert noted.exit_code == 0, noted.output
    (shown,) = json.loads(sluice("list", "--json").stdout)
    assert (shown["end_user"], shown["version"], shown["accepted_at"]) == ("p1", "2026-1", "2026-03-01T00:00:00Z")
    assert shown["id"] in sluice("list", "shop").stdout
    assert sluice("end", "shop", "--end-user", "p1").exit_code == 0
    assert json.loads(sluice("list", "shop", "--json").stdout)[0]["ended_at"] is not None
    names = [(each.name, each.reason) for each in events_under(audit)]
    assert names == [(EventName.LABELS_WAIVED, "form 7"), (EventName.LABELS_RESTORED, "")]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["accept", "shop", "--version", "1", "--accepted-at", "soon"], 2, "accepted-at"),
        (["accept", "nobody", "--version", "1"], 1, "no account 'nobody'"),
        (["end", "shop"], 1, "No agreement holds"),
    ],
)
def test_what_cannot_be_is_refused(audit: Path, arguments: list[str], status: int, said: str) -> None:
    """With what was wrong, and nothing changed."""
    refused = sluice(*arguments)
    assert (refused.exit_code, said in refused.output) == (status, True)
    assert not audit.exists() or events_under(audit) == []
