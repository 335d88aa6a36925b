"""The sheet of a filing: its file is new, its owner's alone, and holds keys that work."""

import os
import stat
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from gateway.accounts.keys import key_digest
from gateway.accounts.store import AccountStore
from gateway.cli.main import app

UPSTREAMS = '[{"name": "one", "base_url": "http://127.0.0.1:1/v1", "models": ["qwen3"]}]'


@pytest.fixture(autouse=True)
def _environment(sqlite_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_STORE__URL", sqlite_engine.url.render_as_string())
    monkeypatch.setenv("SLUICE_AUDIT__DIRECTORY", str(tmp_path / "audit"))
    monkeypatch.setenv("SLUICE_UPSTREAMS", UPSTREAMS)


def create(path: Path, *options: str, name: str = "review") -> Result:
    """Make two audit accounts with a sheet."""
    arguments = ["--kind", "audit", "--count", "2", "--name", name, "--sheet", str(path), *options]
    return CliRunner().invoke(app, ["accounts", "create", *arguments])


def test_keys_go_into_the_sheet_and_nowhere_else(sqlite_engine: Engine, tmp_path: Path) -> None:
    """Readable by its owner alone, whatever the umask; what is printed holds no key."""
    path = tmp_path / "accounts.xlsx"
    before = os.umask(0)
    try:
        result = create(path, "--base-url", "https://llm.example.com/v1/")
    finally:
        os.umask(before)
    assert (result.exit_code, result.stderr.count("reviewers")) == (0, 0), result.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    book = openpyxl.load_workbook(path)
    rows = list(book.worksheets[0].iter_rows(min_row=2, values_only=True))
    for row in rows:
        found = AccountStore(sqlite_engine).find_by_digest(key_digest(str(row[3])))
        assert found is not None
        assert (found.account.name, row[4], row[5]) == (row[1], "https://llm.example.com/v1", "qwen3")
        assert str(row[3]) not in result.output
    assert [row[1] for row in rows] == ["review-01", "review-02"]


def test_a_sheet_is_never_written_over(sqlite_engine: Engine, tmp_path: Path) -> None:
    """Nor is a link followed; nothing is made."""
    path = tmp_path / "accounts.xlsx"
    path.write_text("kept")
    (tmp_path / "link.xlsx").symlink_to(tmp_path / "elsewhere.xlsx")
    for taken in (path, tmp_path / "link.xlsx", tmp_path / "none" / "accounts.xlsx"):
        result = create(taken)
        assert result.exit_code == 1
        assert "Name another file" in result.stderr
    assert path.read_text() == "kept"
    assert AccountStore(sqlite_engine).list_all() == []
    assert not (tmp_path / "elsewhere.xlsx").exists()


def test_what_is_refused_leaves_no_sheet(tmp_path: Path) -> None:
    """A taken name, and a model that the accounts may not ask for."""
    path = tmp_path / "accounts.xlsx"
    assert create(path).exit_code == 0
    assert create(tmp_path / "second.xlsx").exit_code == 1
    assert create(tmp_path / "third.xlsx", "--allow-model", "a", "--model", "b", name="x").exit_code == 2
    assert create(tmp_path / "fourth.xlsx", "--base-url", "javascript:x", name="x").exit_code == 2
    assert [each.name for each in tmp_path.glob("*.xlsx")] == ["accounts.xlsx"]


def test_an_address_that_reviewers_cannot_reach_is_said(tmp_path: Path) -> None:
    """The listener's own is this machine's, unless the settings or the command say otherwise."""
    assert "Name the public address" in create(tmp_path / "accounts.xlsx").stderr


def test_without_a_model_to_name_there_is_no_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reviewers would not know what to ask for."""
    monkeypatch.setenv("SLUICE_UPSTREAMS", "[]")
    result = create(tmp_path / "accounts.xlsx")
    assert result.exit_code == 2
    assert "--model" in result.stderr


def test_keys_that_cannot_be_written_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts exist by then, and nobody else knows their keys."""

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    # What a command has already made must not be lost to the disk.
    monkeypatch.setattr("gateway.cli.accounts_sheet.os.fsync", full)
    monkeypatch.setattr("gateway.cli.trail.record_event", lambda *_: None)
    result = create(tmp_path / "accounts.xlsx")
    assert result.exit_code == 1
    assert "No space left" in result.stderr
    assert result.stdout.count("sk-sluice-") == 2
    assert not (tmp_path / "accounts.xlsx").exists()
