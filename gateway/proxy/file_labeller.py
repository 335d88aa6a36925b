"""Labels for pictures and sound, in threads of their own: bounded in number, in bytes and in time.

Rules: what is asked for beyond the bounds is told at once and never waits; whoever waited too long is told so, and the
thread goes on with that file alone until it is done; a file that breaks the labelling is one that was not labelled,
and what it says of itself stays out of the log.
"""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import structlog

from gateway.labelling.generated import Labelled, label_file
from gateway.protocol.commands import LabelFiles
from gateway.protocol.events import FilesLabelled, Lack, LabelledFile, LabellingFailed

_LOG = structlog.get_logger("sluice")


class FileLabeller:
    """Labels files of many exchanges.

    Args:
        prompt: WAV file that is heard in place of the rhythm; None for the rhythm.
        threads: how many files are labelled at a time.
        seconds: longest that an exchange waits for its files.
        most_waiting: most exchanges that wait.
        most_bytes: most bytes of files that wait or are being labelled.
    """

    def __init__(
        self,
        prompt: Path | None = None,
        *,
        threads: int = 2,
        seconds: float = 30.0,
        most_waiting: int = 32,
        most_bytes: int = 256 * 1024 * 1024,
    ) -> None:
        self._prompt = prompt
        self._seconds = seconds
        self._most_waiting = most_waiting
        self._most_bytes = most_bytes
        self._waiting = 0
        self._bytes = 0
        # Decoders let go of the interpreter lock, so these compete with the loop for the processor alone.
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="sluice-label")

    async def label(self, command: LabelFiles, request_id: str) -> FilesLabelled | LabellingFailed:
        """Label the files of one reply.

        Args:
            command: which, and how.
            request_id: of their exchange, for the log.
        """
        size = sum(map(len, command.files))
        # A reply alone is bounded where it is read; one that is alone here always has its turn.
        if self._waiting >= self._most_waiting or (self._waiting and self._bytes + size > self._most_bytes):
            return LabellingFailed(Lack.QUEUE)
        job = self._threads.submit(self._work, command)
        self._waiting, self._bytes = self._waiting + 1, self._bytes + size
        waiting = asyncio.wrap_future(job)
        waiting.add_done_callback(lambda _: self._done(size))
        try:
            done, _ = await asyncio.wait([waiting], timeout=self._seconds)
        finally:
            # Before its turn it never begins; one that has begun keeps its place in the count until it ends.
            if not waiting.done():
                job.cancel()
        return self._told(job, request_id) if done else LabellingFailed(Lack.TIME)

    def close(self) -> None:
        """Stop the threads; files under way are finished, queued ones are dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _work(self, command: LabelFiles) -> list[Labelled]:
        files = zip(command.files, command.members, strict=True)
        return [label_file(data, command.medium, named, command.text, self._prompt) for data, named in files]

    def _told(self, job: "Future[list[Labelled]]", request_id: str) -> FilesLabelled | LabellingFailed:
        if (error := job.exception()) is not None:
            # Its kind and not its words: what a stranger's file says of itself must not get into a log.
            _LOG.error("labelling_failed", request_id=request_id, kind=type(error).__name__)
            return LabellingFailed(Lack.FAULT)
        files = job.result()
        for file in files:
            if file.lack is not None:
                _LOG.warning("file_not_labelled", request_id=request_id, lack=file.lack.value, problem=file.problem)
        return FilesLabelled(tuple(LabelledFile(file.data, file.lack) for file in files))

    def _done(self, size: int) -> None:
        self._waiting, self._bytes = self._waiting - 1, self._bytes - size
