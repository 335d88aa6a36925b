"""The `sluice` command lists its groups."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.audit.event_forms import EventName
from gateway.audit.events import Event
from gateway.audit.recording import record_event
from gateway.cli.main import app
from gateway.settings.models import Audit
from gateway.storage.migrate import migrate

COMMANDS = ("serve", "demo", "check", "config", "accounts", "audit", "migrate", "doctor", "standin")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """Each is listed, and has a help page of its own."""
    assert command in CliRunner().invoke(app, ["--help"]).stdout
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


def test_an_unknown_command_is_wrong_use() -> None:
    """Wrong use is status 2."""
    assert CliRunner().invoke(app, ["nonsense"]).exit_code == 2


def test_log_events_leave_standard_output_to_programs(sqlite_url: str, tmp_path: Path) -> None:
    """What a command finds on its way, such as a torn end in the audit trail, is no part of its answer."""
    record_event(Audit(directory=tmp_path / "audit"), Event(EventName.LISTS_ROLLED_BACK, "cli:li", 1))
    (segment,) = (tmp_path / "audit").rglob("*.seg")
    segment.write_bytes(segment.read_bytes() + b"torn")
    migrate(sqlite_url)
    command = ["accounts", "create", "--kind", "user", "--name", "one", "--json", "--store", sqlite_url]
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("SLUICE_")},
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "SLUICE_AUDIT__DIRECTORY": str(tmp_path / "audit"),
    }
    ended = subprocess.run(  # noqa: S603 our own command
        [sys.executable, "-m", "gateway.cli", *command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=True,
    )
    (made,) = json.loads(ended.stdout)
    assert made["name"] == "one"
    assert b"audit_tail_cut" in ended.stderr
