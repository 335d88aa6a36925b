"""Tests of what is found under a path to verify."""

from pathlib import Path

import pytest

from gateway.audit.verification.anchored import Anchors
from gateway.audit.verification.trail import NoTrailError, plan
from tests.gateway.audit.trails import KEYS, kinds, verified, write_trail


def test_one_log_alone_is_verified(tmp_path: Path) -> None:
    """A log's own directory may be named, under its own name."""
    log = write_trail(tmp_path)
    assert [report.entries for report in verified(log)][:1] == [60]
    assert not kinds(log)


@pytest.mark.parametrize("name", ["none", "empty", "file"])
def test_what_is_no_trail_is_an_error(tmp_path: Path, name: str) -> None:
    """A mistyped path does not read as a trail in which nothing is wrong."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("no archive")
    with pytest.raises(NoTrailError):
        plan(tmp_path / name, KEYS, Anchors(KEYS))
