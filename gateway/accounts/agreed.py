"""Which end users get replies without the visible label, as a worker knows it: in memory, a second old at most.

Rules: while the store is away the last answer holds, since the agreements did not go away with it; a worker that
never reached it labels everything.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from gateway.storage.engine import StorageError


class AgreementSource(Protocol):
    """What is polled: `AgreementStore`, as far as it is needed."""

    def revision(self) -> int:
        """Return the counter of changes; raise StorageError when the store is away."""
        ...

    def holding(self) -> tuple[int, dict[tuple[str, str], str]]:
        """Return the counter, and what holds; raise StorageError when the store is away."""
        ...


class Agreed:
    """The agreements that hold.

    Args:
        source: where they are read.
    """

    def __init__(self, source: AgreementSource) -> None:
        self._source = source
        self._revision = -1
        self._holding: dict[tuple[str, str], str] = {}
        self._reader = ThreadPoolExecutor(1, "agreements")

    def of(self, account_id: str, pseudonym: str) -> str:
        """Return the id of the agreement an end user's replies are given under, or an empty string."""
        return self._holding.get((account_id, pseudonym), "")

    async def refresh(self) -> bool:
        """Poll the store once; False when it is away."""
        try:
            read = await asyncio.get_running_loop().run_in_executor(self._reader, self._read)
        except StorageError:
            return False
        if read is not None:
            self._revision, self._holding = read
        return True

    async def watch(self, interval_seconds: float = 1.0) -> None:
        """Poll the store until cancelled; a change is seen after one interval at most."""
        while True:
            await self.refresh()
            await asyncio.sleep(interval_seconds)

    def close(self) -> None:
        """Let go of the thread; waits for a read under way, which the engine bounds."""
        self._reader.shutdown(cancel_futures=True)

    def _read(self) -> tuple[int, dict[tuple[str, str], str]] | None:
        # The counter first: most of the time nothing changed, and the table need not be read.
        return None if self._source.revision() == self._revision else self._source.holding()
