"""Fixtures for the commands."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

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


@pytest.fixture(autouse=True)
def log_on_standard_error() -> Iterator[None]:
    """Keep log events out of what commands print, as `main` does; a runner of commands does not go through it."""
    before = structlog.get_config()
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    yield
    structlog.configure(**before)
