"""A sealer with a trail of its own."""

import asyncio
from pathlib import Path

from sqlalchemy import Engine

from gateway.audit.appender import Appender
from gateway.audit.content.entry import ContentEntry
from gateway.audit.content.service import sealing
from gateway.protocol.evidence import Evidence
from gateway.settings.models import Audit
from tests.gateway.audit.builders import exchange
from tests.gateways import entries_under


def test_what_was_sealed_is_in_the_trail_when_the_sealer_ends(store_engine: Engine, tmp_path: Path) -> None:
    """The end waits for what can be written."""

    async def run() -> None:
        async with (
            Appender(tmp_path / "audit") as appender,
            sealing(store_engine, Audit(directory=tmp_path / "audit"), {}, lambda: appender) as sealer,
        ):
            assert sealer.seal(exchange(request_id="r-1"), Evidence("a", prompt=("x",))).content == "kept"

    asyncio.run(run())
    (entry,) = entries_under(tmp_path / "audit")
    assert isinstance(entry, ContentEntry)
    assert entry.request_id == "r-1"
