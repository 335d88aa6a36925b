"""Fixtures for the commands."""

from pathlib import Path

import pytest

from tests.gateway.cli.lists import SluiceLists


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SluiceLists:
    """`sluice lists` in a directory of its own."""
    return SluiceLists(tmp_path, monkeypatch)
