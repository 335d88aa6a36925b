"""Tests of `sluice audit verify`."""

import functools
import http.server
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.audit.segment import log_directories, segment_paths
from gateway.cli.main import app
from tests.gateway.cli.audit_trail import audit, make_trail
from tests.gateways import gateway


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A trail of two logs."""
    make_trail(tmp_path / "audit", logs=2)
    return tmp_path / "audit"


def test_good_trail_ends_with_success(directory: Path) -> None:
    """By the own key, by its public half, and as JSON."""
    result = audit(directory, "verify")
    assert (result.exit_code, "Good" in result.stdout) == (0, True)
    other = directory.parent / "elsewhere"
    directory.rename(other)
    key = str(directory.parent / "key.pub")
    assert audit(directory, "verify", str(other), "--key", key).exit_code == 0
    report = json.loads(audit(directory, "verify", str(other), "--key", key, "--json").stdout)
    assert [log["entries"] for log in report["logs"]] == [20, 20]


def test_changed_trail_ends_with_failure_and_names_the_place(directory: Path) -> None:
    """Status 1, and on standard error file and entry."""
    path = segment_paths(log_directories(directory)[0])[0]
    path.write_bytes(path.read_bytes().replace(b"r3", b"r4"))
    result = audit(directory, "verify")
    assert result.exit_code == 1
    assert str(path) in result.stderr
    assert ", entry " in result.stderr


def test_wrong_use_is_told_apart(directory: Path) -> None:
    """A key that is none, and no key at all, are status 2; a path without a trail is 1."""
    assert audit(directory, "verify", "--key", str(directory / "none")).exit_code == 2
    assert audit(directory / "other", "verify").exit_code == 2
    key = str(directory.parent / "key.pub")
    assert audit(directory, "verify", str(directory / "none"), "--key", key).exit_code == 1


def test_export_is_verified_from_an_address(directory: Path) -> None:
    """An archive is fetched, within its limit."""
    archive = directory.parent / "export.zip"
    assert audit(directory, "export", "-o", str(archive)).exit_code == 0
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(directory.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        assert audit(directory, "verify", f"{url}export.zip").exit_code == 0
        (directory.parent / "large.zip").write_bytes(b"x" * (2 * 1024 * 1024))
        result = audit(directory, "verify", f"{url}large.zip", "--download-limit", "1")
        server.shutdown()
    assert (result.exit_code, "--download-limit" in result.stderr) == (1, True)


def _changed_and_verified(folder: Path) -> list[dict[str, Any]]:
    """Make two changes by commands; return what verifying says of each log."""
    directory = folder / "audit"
    environment = {"SLUICE_STORE__URL": f"sqlite:///{folder / 'store.db'}", "SLUICE_AUDIT__DIRECTORY": str(directory)}
    for command in (["migrate"], *(["accounts", "create", "--kind", "user", "--name", name] for name in "ab")):
        result = CliRunner().invoke(app, command, env=environment)
        assert result.exit_code == 0, result.output
    verified = audit(directory, "verify", "--json")
    assert verified.exit_code == 0, verified.output
    logs: list[dict[str, Any]] = json.loads(verified.stdout)["logs"]
    return logs


def test_what_commands_change_is_signed(tmp_path: Path) -> None:
    """On a trail that begins with them: the key, the tables, two accounts, each command under its checkpoint."""
    (log,) = _changed_and_verified(tmp_path)
    assert (log["entries"], log["checkpoints"]) == (4, 4)


def test_what_commands_change_beside_a_gateway_is_signed(tmp_path: Path, standin_url: str) -> None:
    """In a log of their own, by the gateway's key."""
    with gateway(tmp_path, standin_url) as running:
        logs = _changed_and_verified(tmp_path)
        own = running.services.appender.log_id
    assert [log["entries"] for log in logs if log["log_id"] != own] == [2]
    assert audit(tmp_path / "audit", "verify").exit_code == 0
