"""`sluice serve` as a process: it starts, refuses to start, and stops well."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from gateway.accounts.account import AccountKind
from gateway.accounts.store import AccountStore
from gateway.audit.entry import decode
from gateway.audit.event_forms import EventName
from gateway.audit.events import Event
from gateway.audit.reader import read_log
from gateway.audit.segment import log_directories
from gateway.protocol.record import ExchangeRecord
from gateway.sockets import open_socket
from gateway.storage.engine import open_engine
from gateway.storage.migrate import migrate
from tests.gateways import CHAT, DONE, HTTP, STREAM_END, STREAM_HEAD, chat, chunk, delta, eventually, scripted
from tests.lists import FEW_TERMS_DIRECTORY, write_list
from tests.raw_server import Do


def _free_port() -> int:
    with open_socket("127.0.0.1", 0) as free:
        port: int = free.getsockname()[1]
        return port


def _settings(upstream: str = "http://127.0.0.1:1", lists: Path = FEW_TERMS_DIRECTORY) -> str:
    return (
        f"[server]\nport = {_free_port()}\nadmin_port = {_free_port()}\n"
        f'[[upstreams]]\nname = "test"\nbase_url = "{upstream}/v1"\n'
        '[store]\nurl = "sqlite:///store.db"\n[audit]\ndirectory = "audit"\n'
        '[labels]\ncontent_producer = "example-operator"\n'
        f'[lists]\nshipped = false\nversions = "versions"\ndirectories = ["{lists}"]\n'
    )


def _ports(text: str) -> tuple[int, int]:
    lines = text.splitlines()
    return int(lines[1].split()[-1]), int(lines[2].split()[-1])


@contextmanager
def _serving(folder: Path, settings: str) -> Iterator["subprocess.Popen[str]"]:
    (folder / "sluice.toml").write_text(settings)
    command = [sys.executable, "-m", "gateway.cli", "serve"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(  # noqa: S603 our own command
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _refused(folder: Path, settings: str) -> tuple[int, str]:
    with _serving(folder, settings) as process:
        _, said = process.communicate(timeout=60)
        return process.returncode, said


def test_open_streams_end_before_the_gateway_does(tmp_path: Path) -> None:
    """At SIGTERM it is not ready any more, takes no connections, finishes what is open, and exits 0."""
    migrate(f"sqlite:///{tmp_path / 'store.db'}")
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    _, key = AccountStore(engine).create("user", AccountKind.USER, at_us=1)
    engine.dispose()
    go_on = asyncio.Event()
    rest = (delta("，一切如常。", finish="stop"), chunk(DONE), STREAM_END)
    with scripted((Do.READ_REQUEST, STREAM_HEAD, delta("水位正常"), go_on, *rest)) as upstream:
        settings = _settings(upstream.url)
        port, admin_port = _ports(settings)
        with _serving(tmp_path, settings) as process:
            assert process.stderr is not None
            assert any(f"serving on http://127.0.0.1:{port}" in line for line in process.stderr)
            ready = f"http://127.0.0.1:{admin_port}/readyz"
            eventually(lambda: HTTP.get(ready).status_code == 200)
            with HTTP.stream(
                "POST", f"http://127.0.0.1:{port}{CHAT}", json=chat("你好", stream=True), headers={"x-api-key": key}
            ) as response:
                pieces = response.iter_raw()
                received = next(pieces)
                process.send_signal(signal.SIGTERM)
                eventually(lambda: _status(ready) == 503)
                eventually(lambda: not _takes_connections(port))
                upstream.set(go_on)
                received += b"".join(pieces)
            assert "一切如常".encode() in received
            assert received.endswith(DONE)
            assert process.wait(60) == 0
    (log,) = log_directories(tmp_path / "audit")
    entries = [decode(stored.entry) for stored in read_log(log)]
    assert [each.decision for each in entries if isinstance(each, ExchangeRecord)] == ["allow"]
    assert [each.name for each in entries if isinstance(each, Event)][-1] is EventName.SERVICE_STOPPED


def test_hangup_reads_the_lists_again(tmp_path: Path) -> None:
    """SIGHUP is a request to reload and no end; the log says what came of it."""
    write_list(tmp_path / "own", "出售某物")
    with _serving(tmp_path, _settings(lists=tmp_path / "own")) as process:
        assert process.stderr is not None
        assert any("serving on" in line for line in process.stderr)
        write_list(tmp_path / "own", "毒")
        process.send_signal(signal.SIGHUP)
        said = process.stderr.readline()
        assert "ruleset_refused" in said
        assert '"line":2' in said.replace(" ", "")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def _status(url: str) -> int:
    try:
        return httpx.get(url, trust_env=False).status_code
    except httpx.TransportError:
        return 0


def _takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def test_a_taken_port_is_status_1_and_one_sentence(tmp_path: Path) -> None:
    """It says which address, and what to do."""
    settings = _settings()
    port, _ = _ports(settings)
    with open_socket("127.0.0.1", port):
        status, said = _refused(tmp_path, settings)
    assert status == 1
    assert said.count("\n") == 1
    assert said.startswith(f"sluice: Cannot listen on 127.0.0.1:{port} ")
    assert "choose another address" in said


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("port = 70000", "port = ", ["sluice.toml", "server.port = 70000", "Expected"]),
        ("", 'content_producer = "example-operator"', ["labels.content_producer", "provider code"]),
        ('name = ""', 'name = "test"', ["upstreams.0.name", "letters"]),
        ('base_url = "http://ä/ä"', 'base_url = "', ["upstreams.0.base_url", "Percent-encode"]),
        ('directories = ["absent"]', "directories = ", ["absent", "directory that holds the lists"]),
        ("no TOML", "[audit]", ["sluice.toml"]),
    ],
)
def test_wrong_settings_are_status_2(tmp_path: Path, wrong: str, right: str, said: list[str]) -> None:
    """File, key, value and remedy, before anything listens; nothing was made."""
    lines = _settings().splitlines()
    number = next(number for number, line in enumerate(lines) if line.startswith(right))
    lines[number] = wrong
    status, told = _refused(tmp_path, "\n".join(lines))
    assert status == 2, told
    assert all(each in told for each in said), told
    assert "Traceback" not in told
    assert not (tmp_path / "audit").exists()


def test_a_damaged_audit_trail_is_status_1(tmp_path: Path) -> None:
    """The gateway does not append to what it cannot read."""
    log = tmp_path / "audit" / ("0" * 16)
    log.mkdir(parents=True)
    (log / f"{0:020}.seg").write_bytes(b"damaged\n")
    status, said = _refused(tmp_path, _settings())
    assert status == 1
    assert "00000000000000000000.seg" in said
    assert "Traceback" not in said
