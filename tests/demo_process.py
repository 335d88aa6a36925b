"""`sluice demo` as a process, for tests that use the product as its README tells people to."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gateway.sockets import open_socket

_ROOT = Path(__file__).parents[1]
_LAST_LINE = "Stop with Ctrl-C"


class Demo(NamedTuple):
    """A running demonstration.

    Attributes:
        address: where clients find it, without `/v1`.
        key: key of its user account.
        printed: what it said at its start.
    """

    address: str
    key: str
    printed: str


@contextmanager
def running_demo(folder: Path) -> Iterator[Demo]:
    """Run the demonstration without its tour in a folder while the block runs."""
    port, admin_port = _free_ports()
    command = [sys.executable, "-m", "gateway.cli", "demo", "--no-tour"]
    command += ["--port", str(port), "--admin-port", str(admin_port)]
    environ = {**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1"}
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 our own command
        try:
            printed = _read_start(process)
            (key,) = [line.split()[1] for line in printed.splitlines() if line.startswith("  user ")]
            yield Demo(f"http://127.0.0.1:{port}", key, printed)
        finally:
            process.terminate()


def _free_ports() -> tuple[int, int]:
    with open_socket("127.0.0.1", 0) as first, open_socket("127.0.0.1", 0) as second:
        return first.getsockname()[1], second.getsockname()[1]


def _read_start(process: "subprocess.Popen[str]") -> str:
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if line.startswith(_LAST_LINE):
            return "".join(lines)
    raise RuntimeError(f"the demonstration ended at its start with status {process.wait()}: {''.join(lines)}")
