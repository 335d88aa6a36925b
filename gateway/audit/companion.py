"""The companion: a process beside the gateway that keeps the audit index up to date.

A process of its own, because reading and inserting entries costs more time of the interpreter than making them does,
and none of that may delay an exchange. Rules: it holds nothing the gateway needs; when it dies it is started again,
less and less often; it ends with the gateway, also when that is killed, because its standard input then ends.
"""

import asyncio
import os
import sys
import threading
from pathlib import Path

import structlog

from gateway.audit.index import Indexer
from gateway.storage.engine import StorageError, open_engine

_LOG = structlog.get_logger(__name__)
_INTERVAL_SECONDS = 1.0
_BACK_OFF_LIMIT_SECONDS = 60.0
# By the environment and not by arguments: the address may hold a password, and arguments are public on the machine.
_STORE, _DIRECTORY = "SLUICE_COMPANION_STORE", "SLUICE_COMPANION_DIRECTORY"


async def keep_indexing(store_url: str, directory: Path) -> None:
    """Run the companion until cancelled, and let it index what is left before it ends.

    Args:
        store_url: where the index is.
        directory: where the segment files are.
    """
    environment = os.environ | {_STORE: store_url, _DIRECTORY: str(directory)}
    failures = 0
    while True:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.audit.companion"),
            stdin=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the gateway, which then ends this in its own order
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            if process.stdin is not None:
                # Not a signal: the end of its input lets it index the last entries before it goes.
                process.stdin.close()
            await process.wait()
            raise
        failures += 1
        _LOG.error("audit_companion_died", exit_code=code, failures=failures)
        await asyncio.sleep(min(1 << min(failures, 16), _BACK_OFF_LIMIT_SECONDS))


async def index_until(ended: asyncio.Event, store_url: str, directory: Path) -> None:
    """Keep the index up to date until told to end; then index what is left.

    Args:
        ended: set when the gateway has stopped.
        store_url: where the index is.
        directory: where the segment files are.

    Raises:
        StorageError: the store cannot be opened.
    """
    engine = open_engine(store_url)
    try:
        indexer = Indexer(engine, directory)
        running = asyncio.create_task(indexer.run(_INTERVAL_SECONDS))
        await ended.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        # Once more: entries may have come after the last look.
        await asyncio.to_thread(indexer.index_new)
    finally:
        engine.dispose()


async def _main() -> None:
    ended, loop = asyncio.Event(), asyncio.get_running_loop()

    def wait_for_end() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(ended.set)

    # A daemon thread: its read lasts as long as the gateway, also when this process has to end before.
    threading.Thread(target=wait_for_end, daemon=True).start()
    await index_until(ended, os.environ[_STORE], Path(os.environ[_DIRECTORY]))


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    except StorageError as error:
        sys.exit(f"sluice: {error}")
