"""`sluice doctor` prints what was found, for people and for programs."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from gateway.cli.main import app
from tests.settings_files import COMPLETE

pytestmark = pytest.mark.usefixtures("few_terms")


def _doctor(folder: Path, monkeypatch: pytest.MonkeyPatch, settings: str, *options: str) -> Result:
    monkeypatch.chdir(folder)
    (folder / "sluice.toml").write_text(settings)
    return CliRunner().invoke(app, ["doctor", *options])


def test_a_failure_is_status_1_with_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check, verdict, what was found and what to do."""
    result = _doctor(tmp_path, monkeypatch, COMPLETE.replace(":8000", ":1"))
    assert result.exit_code == 1
    for word in ("upstream", "failed", "127.0.0.1:1", "Start the model", "lists", "warning", "clock", "ok"):
        assert word in result.stdout


def test_warnings_are_status_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standin_url: str) -> None:
    """What works, but could be better, is no failure."""
    settings = COMPLETE.replace("http://127.0.0.1:8000", standin_url)
    result = _doctor(tmp_path, monkeypatch, settings, "--json")
    assert result.exit_code == 0, result.stdout
    assert {found["verdict"] for found in orjson.loads(result.stdout)} == {"ok", "warning"}


def test_programs_get_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same findings, with their four fields."""
    result = _doctor(tmp_path, monkeypatch, "[server]\nport = 0\n", "--json")
    assert result.exit_code == 1
    found = orjson.loads(result.stdout)[-1]
    assert set(found) == {"check", "verdict", "what", "remedy"}
    assert found["verdict"] == "failed"
