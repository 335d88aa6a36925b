"""`sluice audit` has a command for each thing that is done with the trail."""

from typer.testing import CliRunner

from gateway.cli.main import app


def test_its_commands_are_listed() -> None:
    """Without a command it says which there are."""
    shown = CliRunner().invoke(app, ["audit"]).output
    assert [command for command in ("show", "collect", "reindex") if command not in shown] == []
