"""Fixtures for the commands."""

from pathlib import Path

import pytest

from tests.gateway.cli.lists import SluiceLists
from tests.lists import FEW_TERMS_ENVIRON


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SluiceLists:
    """`sluice lists` in a directory of its own."""
    return SluiceLists(tmp_path, monkeypatch)


@pytest.fixture
def few_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in this process and its children have few terms instead of the shipped lists."""
    for name, value in FEW_TERMS_ENVIRON.items():
        monkeypatch.setenv(name, value)
