"""``sluice lists`` in this process, for the tests of its commands."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.main import app


class SluiceLists:
    """Runs ``sluice lists`` in a directory of its own, where ``own`` is the operator's directory of lists.

    Attributes:
        folder: the working directory.
        own: the operator's lists; the shipped ones are off.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.own = folder / "own"
        monkeypatch.chdir(folder)
        monkeypatch.setenv("SLUICE_LISTS__DIRECTORIES", '["own"]')
        monkeypatch.setenv("SLUICE_LISTS__SHIPPED", "false")
        monkeypatch.setenv("SLUICE_LISTS__VERSIONS", "versions")
        monkeypatch.setenv("SLUICE_AUDIT__DIRECTORY", "audit")
        # Wide, so that no table breaks what a test looks for.
        monkeypatch.setenv("COLUMNS", "200")

    def __call__(self, *arguments: str, status: int = 0) -> Result:
        """Run, check the exit status, and return what happened."""
        result = CliRunner().invoke(app, ["lists", *arguments])
        assert result.exit_code == status, result.output
        return result

    def json(self, *arguments: str, status: int = 0) -> Any:  # noqa: ANN401 whatever the command printed
        """Run with ``--json``; return what was printed."""
        return json.loads(self(*arguments, "--json", status=status).stdout)

    def publish(self, *arguments: str) -> str:
        """Publish; return the version's id."""
        return self("publish", *arguments).stdout.split()[1]
