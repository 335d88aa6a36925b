"""``sluice migrate`` prepares a store and says what it did."""

from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.storage.migrate import pending
from tests.stores import opened


def test_a_store_is_migrated_once(store_url: str) -> None:
    """The first run names the migrations, the second finds nothing to do."""
    first = CliRunner().invoke(app, ["migrate", "--store", store_url])
    assert (first.exit_code, first.stdout) == (0, "Migrated: 0001.\n")
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
