"""What an exchange asked the classifier, and the answers on their way to it.

Rules: an answer waits for nobody but the exchange itself, which takes one event at a time; while a stream waits for
its model server, an answer that comes first is told first, and what was being read goes on being read.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from gateway.protocol.commands import ScoreTexts
from gateway.protocol.events import ScoringFailed, TextsScored
from gateway.proxy.classifier_panel import ClassifierPanel
from gateway.proxy.classifier_pool import Answer

Told = TextsScored | ScoringFailed


class ScoreBox:
    """The questions of one exchange.

    Args:
        panel: answers them.
        request_id: of the exchange.
    """

    __slots__ = ("_arrived", "_open", "_panel", "_reading", "_request_id", "_wake")

    def __init__(self, panel: ClassifierPanel, request_id: str = "") -> None:
        self._panel = panel
        self._request_id = request_id
        self._arrived: deque[Told] = deque()
        self._open: set[asyncio.Future[Answer]] = set()
        self._reading: asyncio.Task[bytes] | None = None
        self._wake: asyncio.Future[None] | None = None

    @property
    def expects(self) -> bool:
        """Whether an answer is there, or on its way."""
        return bool(self._arrived or self._open)

    @property
    def arrived(self) -> bool:
        """Whether an answer is there."""
        return bool(self._arrived)

    def ask(self, command: ScoreTexts) -> None:
        """Ask; the answer comes when it comes."""
        answer = self._panel.ask(command.windows, self._request_id)
        self._open.add(answer)
        answer.add_done_callback(partial(self._take, command.ticket))

    async def next(self) -> Told:
        """Wait for the next answer."""
        while not self._arrived:
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        return self._arrived.popleft()

    async def before(self, read: Callable[[], Awaitable[bytes]]) -> Told | None:
        """Wait for an answer or for something to read; return the answer, or None where reading is done first.

        Args:
            read: begins to read; what it reads is given out by `reading`.
        """
        if not self._arrived:
            if self._reading is None:
                self._reading = asyncio.ensure_future(_read(read))
                # Looked at, or the loop would report an error that nobody was left to hear of.
                self._reading.add_done_callback(_look_at)
            self._wake = asyncio.get_running_loop().create_future()
            await asyncio.wait((self._reading, self._wake), return_when=asyncio.FIRST_COMPLETED)
        return self._arrived.popleft() if self._arrived else None

    def reading(self) -> Awaitable[bytes] | None:
        """Return what is being read since an answer came first, once."""
        reading, self._reading = self._reading, None
        return reading

    def close(self) -> None:
        """Ask no more; nobody waits for answers."""
        for answer in tuple(self._open):
            answer.cancel()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _take(self, ticket: int, answer: "asyncio.Future[Answer]") -> None:
        self._open.discard(answer)
        if answer.cancelled():
            return
        said = answer.result()
        self._arrived.append(ScoringFailed(ticket, said) if isinstance(said, str) else TextsScored(ticket, said))
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


async def _read(read: Callable[[], Awaitable[bytes]]) -> bytes:
    return await read()


def _look_at(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()
