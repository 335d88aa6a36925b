"""Labels for pictures and sound, in threads of their own: bounded in number, in bytes and in time.

Rules: what is asked for beyond the bounds is told at once and never waits; whoever waited too long is told so, and
the thread goes on with that reply until it is done; a file that breaks the labelling is one that was not labelled,
and what it says of itself stays out of the log.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from gateway.labelling.generated import Labelled, label_file
from gateway.labelling.members import LabelError
from gateway.labelling.sound_sign import form_of
from gateway.labelling.sound_wav import chunks_of
from gateway.protocol.commands import LabelFiles
from gateway.protocol.events import FilesLabelled, LabellingFailed
from gateway.protocol.labels import LabelledFile, Lack
from gateway.settings.loader import Loaded
from gateway.settings.problems import Problem, SettingsError

_LOG = structlog.get_logger("sluice")


def checked_prompt(loaded: Loaded) -> Path | None:
    """Return the WAV file that is heard in place of the rhythm; None for the rhythm.

    Args:
        loaded: the settings with their origins.

    Raises:
        SettingsError: the file is none that could be heard.
    """
    path, key = loaded.settings.labels.voice_prompt, ("labels", "voice_prompt")
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            form_of(file, chunks_of(file))
    except (OSError, LabelError) as exc:
        wrong = "cannot be read" if isinstance(exc, OSError) else "is no WAV file with plain samples"
        remedy = "Name a WAV file in which somebody says that the sound is AI-generated (人工智能生成)"
        raise SettingsError([Problem(loaded.origins.place(key), ".".join(key), None, wrong, remedy)]) from exc
    return path


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
        return _told(job.result(), request_id) if done else LabellingFailed(Lack.TIME)

    def close(self) -> None:
        """Stop the threads; files under way are finished, queued ones are dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _work(self, command: LabelFiles) -> list[Labelled]:
        files = zip(command.files, command.members, strict=True)
        return [self._label(data, command, named) for data, named in files]

    def _label(self, data: bytes, command: LabelFiles, named: Mapping[str, str]) -> Labelled:
        try:
            return label_file(data, command.medium, named, command.text, self._prompt)
        # Readers of strangers' files fail in ways of their own; one file must not take the others with it.
        except Exception as exc:  # noqa: BLE001 told as what the file lacks, and logged
            # Its kind and not its words: what a stranger's file says of itself must not get into a log.
            return Labelled(data, Lack.FAULT, type(exc).__name__)

    def _done(self, size: int) -> None:
        self._waiting, self._bytes = self._waiting - 1, self._bytes - size


def _told(files: Sequence[Labelled], request_id: str) -> FilesLabelled:
    for file in files:
        if file.lack is Lack.MANIFEST:
            _LOG.info("file_manifest_outdated", request_id=request_id, problem=file.problem)
        elif file.lack is not None:
            _LOG.warning("file_not_labelled", request_id=request_id, lack=file.lack.value, problem=file.problem)
    return FilesLabelled(tuple(LabelledFile(file.data, file.lack) for file in files))
