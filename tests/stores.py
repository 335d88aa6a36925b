"""Stores for tests: an engine on an empty database with every table."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.storage.schema import METADATA


@pytest.fixture
def store_engine(tmp_path: Path) -> Iterator[sa.Engine]:
    """An engine on an empty store."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'store.db'}")
    METADATA.create_all(engine)
    yield engine
    engine.dispose()
