"""`sluice config` as people and programs call it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.accounts.account import AccountKind
from gateway.accounts.drafts import AccountDraft
from gateway.accounts.store import AccountStore
from gateway.cli.main import app
from gateway.settings.reference import render_reference
from gateway.storage.engine import open_engine
from gateway.storage.migrate import migrate
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


def test_show_tells_the_policy_of_an_account(settings_file: Path, tmp_path: Path) -> None:
    """By its model and its end user's profile; an account whose policy is gone is told so."""
    rule = '[[policies.select]]\npolicy = "code"\nmodel = "coder*"\n[policies.code]\nrefusal = "error"\n'
    text = f'store.url = "sqlite:///{tmp_path}/store.db"\n{COMPLETE}{rule}'
    settings_file.write_text(text, encoding="utf-8")
    engine = open_engine(f"sqlite:///{tmp_path}/store.db")
    migrate(engine)
    drafts = [AccountDraft("plain", AccountKind.USER), AccountDraft("lost", AccountKind.USER, policy="gone")]
    AccountStore(engine).create_all(drafts, at_us=1)
    engine.dispose()
    show = ["config", "show", "--config", str(settings_file), "--account"]
    plain = CliRunner().invoke(app, [*show, "plain", "--json"])
    assert (plain.exit_code, json.loads(plain.stdout)["policy"]) == (0, "default")
    coder = CliRunner().invoke(app, [*show, "plain", "--model", "coder-7b"])
    assert coder.stdout.startswith("# Policy code: rule 1 of [[policies.select]] fits, ")
    assert f'refusal = "error"  # own, {settings_file}:' in coder.stdout
    lost = CliRunner().invoke(app, [*show, "lost"])
    assert (lost.exit_code, lost.stdout) == (1, "")
    assert "policy 'gone' is not in the settings" in lost.stderr
    nobody = CliRunner().invoke(app, [*show, "nobody"])
    assert nobody.exit_code == 1


def test_show_tells_a_policy_by_its_name(settings_file: Path) -> None:
    """Also one that ships and stands in no file; a name that is none leads to those there are."""
    show = ["config", "show", "--config", str(settings_file), "--policy"]
    found = CliRunner().invoke(app, [*show, "minors"])
    assert (found.exit_code, 'action = "block"  # shipped minors' in found.stdout) == (0, True)
    wrong = CliRunner().invoke(app, [*show, "minor"])
    assert (wrong.exit_code, "minors, code" in wrong.stderr) == (2, True)
    both = CliRunner().invoke(app, [*show, "minors", "--account", "a"])
    assert both.exit_code == 2


def test_what_is_shown_inherits_as_the_file_did(settings_file: Path) -> None:
    """A default of a policy is not written down: read back, it would hide what is inherited."""
    text = COMPLETE + '[policies.default]\nrefusal = "error"\n[policies.strict]\nrequest.keywords = "block"\n'
    settings_file.write_text(text, encoding="utf-8")
    shown = CliRunner().invoke(app, ["config", "show", "--config", str(settings_file)]).stdout
    settings_file.write_text(shown, encoding="utf-8")
    again = CliRunner().invoke(app, ["config", "show", "--config", str(settings_file), "--policy", "strict"]).stdout
    assert 'refusal = "error"  # default, ' in again
