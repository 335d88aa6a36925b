"""`sluice config` as people and programs call it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.settings.reference import render_reference
from tests.settings_files import COMPLETE


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """Return a complete settings file."""
    path = tmp_path / "sluice.toml"
    path.write_text(COMPLETE, encoding="utf-8")
    return path


def test_check_says_ok(settings_file: Path) -> None:
    """A file `serve` would take exits 0."""
    result = CliRunner().invoke(app, ["config", "check", str(settings_file)])
    assert (result.exit_code, result.stdout) == (0, f"{settings_file}: OK\n")


def test_check_tells_problems_on_standard_error(settings_file: Path) -> None:
    """Exit status 2, one line per problem."""
    settings_file.write_text("server.port = 0\nserver.prot = 1\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["config", "check", str(settings_file)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == ["server.port = 0", "server.prot"]


def test_check_asks_for_what_serving_needs(settings_file: Path) -> None:
    """A valid file without producer and upstream cannot serve."""
    settings_file.write_text("", encoding="utf-8")
    result = CliRunner().invoke(app, ["config", "check", str(settings_file), "--json"])
    report = json.loads(result.stdout)
    assert result.exit_code == 2
    assert not report["ok"]
    assert [problem["key"] for problem in report["problems"]] == ["upstreams", "labels.content_producer"]


def test_check_reports_success_to_programs(settings_file: Path) -> None:
    """The same shape with an empty list."""
    result = CliRunner().invoke(app, ["config", "check", str(settings_file), "--json"])
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"ok": True, "problems": []})


def test_check_reads_the_environment(settings_file: Path) -> None:
    """A wrong variable is a problem as well."""
    arguments = ["config", "check", str(settings_file)]
    result = CliRunner().invoke(app, arguments, env={"SLUICE_SERVER__PORT": "many"})
    assert result.exit_code == 2
    assert result.stderr.startswith("SLUICE_SERVER__PORT: server.port")


def test_schema_is_json_with_every_section() -> None:
    """Editors complete and check by it."""
    result = CliRunner().invoke(app, ["config", "schema"])
    schema = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {"server", "upstreams", "policies", "labels"} <= set(schema["properties"])


def test_show_prints_values_and_sources(settings_file: Path) -> None:
    """As TOML for people."""
    arguments = ["config", "show", "--config", str(settings_file)]
    result = CliRunner().invoke(app, arguments, env={"SLUICE_SERVER__PORT": "81"})
    assert result.exit_code == 0
    assert "port = 81  # SLUICE_SERVER__PORT\n" in result.stdout


def test_show_prints_json_for_programs(settings_file: Path) -> None:
    """One row per setting: key, value, origin."""
    result = CliRunner().invoke(app, ["config", "show", "--config", str(settings_file), "--json"])
    rows = json.loads(result.stdout)["settings"]
    assert {"key": ["server", "port"], "value": 8080, "origin": "default"} in rows


def test_show_of_a_wrong_file_tells_the_problems(tmp_path: Path) -> None:
    """What is not valid is not in force."""
    result = CliRunner().invoke(app, ["config", "show", "--config", str(tmp_path / "none.toml")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "cannot be read" in result.stderr


def test_reference_prints_the_page() -> None:
    """The committed page is made by this command."""
    result = CliRunner().invoke(app, ["config", "reference"])
    assert (result.exit_code, result.stdout) == (0, render_reference())
