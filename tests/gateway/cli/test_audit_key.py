"""Tests of `sluice audit key`."""

import json
from pathlib import Path

from gateway.audit.note import PublicKey
from tests.gateway.cli.audit_trail import audit, make_trail


def test_public_key_is_shown_and_nothing_else(tmp_path: Path) -> None:
    """It can be sent into a file; the private half is never shown."""
    directory = tmp_path / "audit"
    line = make_trail(directory).read_text()
    result = audit(directory, "key")
    assert (result.exit_code, result.stdout) == (0, line + "\n")
    assert PublicKey.parse(line).fingerprint in result.stderr
    shown = json.loads(audit(directory, "key", "--json").stdout)
    assert (shown["key"], shown["name"]) == (line, "audit.example")
    assert (tmp_path / "audit.key").read_text().rpartition("+")[2].strip() not in result.output


def test_missing_key_is_said(tmp_path: Path) -> None:
    """No key is made by looking for one."""
    assert audit(tmp_path / "audit", "key").exit_code == 2
    assert not (tmp_path / "audit.key").exists()
