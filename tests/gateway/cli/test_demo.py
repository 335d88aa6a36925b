"""`sluice demo` as a process: it starts everything, shows the tour, and leaves nothing running."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from gateway.sockets import open_socket
from tests.gateways import HTTP, eventually


@contextmanager
def _demo(folder: Path, *options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    with open_socket("127.0.0.1", 0) as first, open_socket("127.0.0.1", 0) as second:
        ports = [str(each.getsockname()[1]) for each in (first, second)]
    command = [sys.executable, "-m", "gateway.cli", "demo", "--port", ports[0], "--admin-port", ports[1], *options]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), "COLUMNS": "200"}
    with subprocess.Popen(  # noqa: S603 our own command
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, f"http://127.0.0.1:{ports[0]}"
        finally:
            process.kill()


def test_once_takes_the_tour_and_ends(tmp_path: Path) -> None:
    """Addresses, keys, lines to paste, what happened to each prompt; status 0."""
    with _demo(tmp_path, "--once") as (process, url):
        said, _ = process.communicate(timeout=90)
    assert process.returncode == 0
    assert f"{url}/v1" in said
    assert said.count("sk-sluice-") >= 6
    assert said.count("curl -N ") == 3
    for decision in ("allow", "block", "mask", "unfiltered"):
        assert decision in said
    assert "回答已停止" in said


@pytest.mark.usefixtures("few_terms")
def test_a_signal_ends_everything_in_order(tmp_path: Path) -> None:
    """Interrupted, also on the tour, it stops as `serve` does: status 0, and nobody listens any more."""
    with _demo(tmp_path) as (process, url):
        eventually(lambda: _is_ready(url))
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=90)
    assert process.returncode == 0
    assert "Stop with Ctrl-C" in said
    assert not _is_ready(url)


def test_wrong_settings_are_status_2(tmp_path: Path) -> None:
    """The operator's own file is read, and refused like anywhere."""
    (tmp_path / "sluice.toml").write_text("[server]\nbody_limit_bytes = 1\n")
    with _demo(tmp_path, "--once", "--upstream", "http://127.0.0.1:1/v1") as (process, _):
        process.communicate(timeout=90)
    assert process.returncode == 2


def _is_ready(url: str) -> bool:
    try:
        return HTTP.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False
