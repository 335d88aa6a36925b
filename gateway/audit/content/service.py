"""The sealer of one gateway process, put together with the trail it writes to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future

from sqlalchemy import Engine

from gateway.audit.appender import Appender
from gateway.audit.content.sealer import Sealer
from gateway.audit.content.secrets import read_master_keys
from gateway.audit.content.store import ContentKeyStore
from gateway.audit.content.writer import ContentLimits, ContentWriter
from gateway.errors import ErrorCode, ResourceError
from gateway.settings.models import Audit

# Handing entries over takes the loop a moment; a loop that does not come round for so long has other troubles.
_HAND_OVER_SECONDS = 10.0


@contextlib.asynccontextmanager
async def sealing(
    engine: Engine,
    settings: Audit,
    environ: Mapping[str, str],
    appender: Callable[[], Appender],
    limits: ContentLimits | None = None,
) -> AsyncIterator[Sealer]:
    """Run a sealer; at the end, write what can be written.

    Args:
        engine: the store, with its tables.
        settings: where the master key is, and how long data keys are kept.
        environ: environment variables, which may hold the master key.
        appender: gives the audit trail; asked anew each time.
        limits: bounds of what waits in memory.

    Raises:
        MasterKeyError: there is no usable master key.
    """
    loop = asyncio.get_running_loop()
    master_keys = read_master_keys(environ, settings.master_key_file, settings.directory)

    def append(entries: Sequence[bytes]) -> None:
        async def put() -> None:
            for entry in entries:
                appender().append_soon(entry)

        _wait(asyncio.run_coroutine_threadsafe(put(), loop))

    def append_durably(entry: bytes) -> None:
        async def put() -> None:
            if await appender().append(entry) is None:
                # Whoever serves without a disk may; nothing is destroyed that no durable entry tells of.
                raise ResourceError("the audit trail does not take entries", ErrorCode.AUDIT_UNAVAILABLE)

        _wait(asyncio.run_coroutine_threadsafe(put(), loop))

    store = ContentKeyStore(engine, master_keys)
    writer = ContentWriter(store, append, append_durably, retention_days=settings.retention_days, limits=limits)
    writer.start()
    try:
        yield Sealer(master_keys, writer)
    finally:
        # Beside the loop, which the writer's last entries need.
        await asyncio.to_thread(writer.close)


def _wait(handed: Future[None]) -> None:
    try:
        handed.result(_HAND_OVER_SECONDS)
    except TimeoutError as exc:
        raise ResourceError("the audit trail does not take entries", ErrorCode.AUDIT_UNAVAILABLE) from exc
