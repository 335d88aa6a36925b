"""The `sluice` command lists its groups."""

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app

COMMANDS = ("serve", "demo", "check", "config", "accounts", "audit", "migrate", "doctor", "standin")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """Each is listed, and has a help page of its own."""
    assert command in CliRunner().invoke(app, ["--help"]).stdout
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


def test_an_unknown_command_is_wrong_use() -> None:
    """Wrong use is status 2."""
    assert CliRunner().invoke(app, ["nonsense"]).exit_code == 2
