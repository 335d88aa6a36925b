"""Tests of `sluice audit prove` and `check-proof`."""

import json
from pathlib import Path

from tests.gateway.cli.audit_trail import audit, make_trail


def test_proof_is_checked_with_the_public_key_alone(tmp_path: Path) -> None:
    """The trail and the signing key are gone when it is checked."""
    directory, proof = tmp_path / "audit", tmp_path / "proof.json"
    key = str(make_trail(directory, logs=2))
    assert audit(directory, "prove", "r25", "-o", str(proof)).exit_code == 0
    directory.rename(tmp_path / "gone")
    (tmp_path / "audit.key").unlink()
    result = audit(directory, "check-proof", str(proof), "--key", key)
    assert (result.exit_code, '"request_id":"r25"' in result.stdout) == (0, True)
    shown = json.loads(audit(directory, "check-proof", str(proof), "--key", key, "--json").stdout)
    assert (shown["good"], shown["sequence"], shown["entry"]["request_id"]) == (True, 5, "r25")
    proof.write_text(proof.read_text().replace("r25", "r26"))
    result = audit(directory, "check-proof", str(proof), "--key", key)
    assert (result.exit_code, "NOT GOOD" in result.stderr) == (1, True)


def test_unknown_request_has_no_proof(tmp_path: Path) -> None:
    """Nothing is written."""
    make_trail(tmp_path / "audit")
    result = audit(tmp_path / "audit", "prove", "r99", "-o", str(tmp_path / "proof"))
    assert (result.exit_code, (tmp_path / "proof").exists()) == (1, False)
