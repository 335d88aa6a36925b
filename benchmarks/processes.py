"""Processes a benchmark starts: pinned to a core, watched through /proc, and stopped whatever happens.

Linux only: processor time and memory are read from /proc, and cores are chosen with the scheduler's affinity.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NamedTuple

_START_SECONDS = 120.0  # a hundred thousand terms on a busy machine
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.05
_QUOTED_CHARACTERS = 2_000
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_OK = 200


class BenchmarkError(Exception):
    """The benchmark cannot go on; the message says what to do."""


class Cores(NamedTuple):
    """Where processes run.

    Attributes:
        server: the core of what is measured.
        rest: the core of the stand-in model and the load.
    """

    server: int
    rest: int

    @property
    def apart(self) -> bool:
        """Whether what is measured has a core of its own."""
        return self.server != self.rest


class Server(NamedTuple):
    """A running server.

    Attributes:
        name: for reports.
        port: on the loopback address.
        pid: its first process; processes it started count as its own.
    """

    name: str
    port: int
    pid: int


def choose_cores() -> Cores:
    """Take the first two cores this process may use; the same one twice where there is no second."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[min(1, len(usable) - 1)])


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def running(
    command: Sequence[str], core: int, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process on a core while the block runs.

    Args:
        command: program and arguments.
        core: the one core it and its children may use.
        log: file for what it prints; its directory becomes the process's own.
        env: its environment; this process's where absent.
    """
    with log.open("ab") as output:
        before = os.sched_getaffinity(0)
        # Set here and inherited, so that no thread of the process starts before it is pinned.
        os.sched_setaffinity(0, {core})
        try:
            process = subprocess.Popen(
                command, stdout=output, stderr=output, cwd=log.parent, env=env, start_new_session=True
            )
        finally:
            os.sched_setaffinity(0, before)
    try:
        yield process
    finally:
        _stop(process)


def wait_until_ready(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    """Wait until a server answers 200.

    Raises:
        BenchmarkError: it ended, or did not answer in time.
    """
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(port, path):
        if process.poll() is not None or time.monotonic() > deadline:
            printed = log.read_text(errors="replace")[-_QUOTED_CHARACTERS:]
            raise BenchmarkError(f"A server did not start (exit status {process.returncode}). It said:\n{printed}")
        time.sleep(_POLL_SECONDS)


def cpu_seconds(pid: int, *, alone: bool = False) -> float:
    """Return the processor time of a process with all its threads, user and system.

    Args:
        pid: the process.
        alone: leave its living children out.
    """
    ticks = 0
    for each in (pid, *([] if alone else _children(pid))):
        # The command's name may hold blanks and brackets; the fields behind the last bracket are numbers.
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS_PER_SECOND


def rss_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == _OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_STOP_SECONDS)
