"""``sluice migrate`` prepares a store and says what it did."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.audit.event_forms import EventName
from gateway.cli.main import app
from gateway.cli.trail import actor
from gateway.storage.migrate import pending
from tests.gateways import events_under
from tests.stores import opened


@pytest.fixture(autouse=True)
def audit_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An audit trail of its own."""
    monkeypatch.setenv("SLUICE_AUDIT__DIRECTORY", str(tmp_path / "audit"))
    return tmp_path / "audit"


def test_a_store_is_migrated_once(store_url: str) -> None:
    """The first run names the migrations, the second finds nothing to do."""
    first = CliRunner().invoke(app, ["migrate", "--store", store_url])
    assert (first.exit_code, first.stdout) == (0, "Migrated: 0001, 0002, 0003, 0004, 0005, 0006.\n")
    with opened(store_url) as engine:
        assert pending(engine) == ()
    second = CliRunner().invoke(app, ["migrate", "--store", store_url])
    assert (second.exit_code, second.stdout) == (0, "The store is up to date.\n")


def test_a_store_that_is_not_there_is_a_failure() -> None:
    """Status 1, and one sentence with what to do."""
    result = CliRunner().invoke(app, ["migrate", "--store", "postgresql+psycopg://nobody@127.0.0.1:1/none"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Check that it is there" in result.stderr


def test_a_migration_is_recorded(sqlite_url: str, audit_directory: Path) -> None:
    """With who ran it; a run that finds nothing to do leaves nothing."""
    for _ in range(2):
        assert CliRunner().invoke(app, ["migrate", "--store", sqlite_url]).exit_code == 0
    (event,) = events_under(audit_directory)
    assert (event.name, event.actor) == (EventName.STORE_MIGRATED, actor())
    assert str(event.details["migrations"]).endswith(event.subject)


def test_without_a_trail_the_store_stays_as_it_was(sqlite_url: str, audit_directory: Path) -> None:
    """What cannot be recorded is not done."""
    audit_directory.write_text("a file")
    result = CliRunner().invoke(app, ["migrate", "--store", sqlite_url])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nothing was changed" in result.stderr
    with opened(sqlite_url) as engine:
        assert pending(engine)
