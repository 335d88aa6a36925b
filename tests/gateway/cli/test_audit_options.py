"""Tests of what the commands on the audit trail share."""

import pytest
import typer

from gateway.cli.audit_options import moment_us


def test_moments_are_durations_or_dates() -> None:
    """A duration counts back from now; a date with a zone is that moment."""
    assert moment_us(None) is None
    assert moment_us("2026-11-22T12:00:00+00:00") == 1_795_348_800_000_000
    day, week = moment_us("1d"), moment_us("1w")
    assert day is not None
    assert week is not None
    assert day - week == pytest.approx(6 * 86_400 * 1_000_000, rel=1e-3)
    with pytest.raises(typer.BadParameter):
        moment_us("soon")
