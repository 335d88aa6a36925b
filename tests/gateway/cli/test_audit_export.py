"""Tests of `sluice audit export`."""

from pathlib import Path

import pytest

from tests.gateway.cli.audit_trail import audit, make_trail


@pytest.mark.parametrize("name", ["export", "export.zip"])
@pytest.mark.parametrize("logs", [1, 3])
def test_export_verifies_elsewhere(tmp_path: Path, name: str, logs: int) -> None:
    """One log or several, as a folder or an archive."""
    directory, output = tmp_path / "audit", tmp_path / name
    key = str(make_trail(directory, logs))
    assert audit(directory, "export", "-o", str(output), "--since", "1h").exit_code == 0
    directory.rename(tmp_path / "gone")
    assert audit(directory, "verify", str(output), "--key", key).exit_code == 0
    assert name == "export.zip" or (output / "checkpoint").exists() is (logs == 1)


def test_nothing_is_overwritten_and_nothing_is_no_export(tmp_path: Path) -> None:
    """A path that is taken, and a time in which nothing was signed."""
    directory = tmp_path / "audit"
    make_trail(directory)
    assert audit(directory, "export", "-o", str(directory)).exit_code == 2
    assert audit(directory, "export", "-o", str(tmp_path / "new"), "--since", "2100-01-01").exit_code == 1
