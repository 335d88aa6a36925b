"""Commands find their store and fail in one sentence."""

from pathlib import Path

import pytest
import typer

from gateway.accounts.account import AccountKind
from gateway.accounts.store import AccountStore
from gateway.cli.context import console, failures_reported, open_store, store_for
from gateway.storage.engine import StorageError
from gateway.storage.migrate import migrate


@pytest.mark.parametrize(
    ("named", "environment", "expected"),
    [("named", "environment", "named.db"), (None, "environment", "environment.db"), (None, None, "var/sluice.db")],
)
def test_the_store_is_the_named_one_then_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None, environment: str | None, expected: str
) -> None:
    """The command line wins over the environment, and that over the default."""
    (tmp_path / "var").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLUICE_STORE__URL", raising=False)
    if environment:
        monkeypatch.setenv("SLUICE_STORE__URL", f"sqlite:///{environment}.db")
    open_store(f"sqlite:///{named}.db" if named else None).dispose()
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.db")] == [expected]


def test_wrong_settings_are_wrong_use(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The problem is named with its key, and the status is 2."""
    monkeypatch.setenv("SLUICE_SERVER__PORT", "none")
    with pytest.raises(typer.Exit) as caught, store_for(None):
        pytest.fail("the block must not run")
    assert caught.value.exit_code == 2
    assert "server.port" in capsys.readouterr().err


def test_an_expected_failure_is_one_sentence_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output stays clean for programs."""
    with pytest.raises(typer.Exit) as caught, failures_reported():
        raise StorageError("The store is away.")
    assert caught.value.exit_code == 1
    assert capsys.readouterr() == ("", "Error: The store is away.\n")


def test_a_defect_is_not_hidden() -> None:
    """What nobody expected keeps its stack."""
    with pytest.raises(ZeroDivisionError), failures_reported():
        raise ZeroDivisionError


def test_a_store_without_tables_is_not_worked_on(sqlite_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says what to run first."""
    with pytest.raises(typer.Exit), store_for(sqlite_url):
        pytest.fail("the block must not run")
    assert "Run 'sluice migrate' first." in capsys.readouterr().err


def test_a_store_is_closed_after_the_command(store_url: str) -> None:
    """No connection is left open."""
    migrate(store_url)
    with store_for(store_url) as engine:
        AccountStore(engine).create("one", AccountKind.USER, at_us=1)
        pool = engine.pool
        assert pool.checkedin() == 1  # type: ignore[attr-defined] # ours are queue pools
    assert engine.pool is not pool


def test_a_table_is_wide_enough_for_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A narrow terminal wraps, instead of losing the end of a key that is shown once."""
    monkeypatch.setenv("COLUMNS", "30")
    assert console().width == 80
    monkeypatch.setenv("COLUMNS", "200")
    assert console().width == 200
