"""The whole gateway, killed under load: every refusal a client saw has its entry."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import httpx

from gateway.accounts.account import AccountKind
from gateway.accounts.store import AccountStore
from gateway.audit.reader import read_log
from gateway.audit.segment import log_directories
from gateway.sockets import open_socket
from gateway.storage.engine import open_engine
from gateway.storage.migrate import migrate
from tests.gateways import BLOCKED, CHAT, chat
from tests.lists import FEW_TERMS_ENVIRON

_ROOT = Path(__file__).resolve().parents[3]
# Who is suspended is refused without an entry of a block, and the classifier is not what is killed here.
_OFF = {
    "SLUICE_STRIKES__ENABLED": "false",
    "SLUICE_POLICIES__DEFAULT__REQUEST__CLASSIFIER": "off",
    "SLUICE_POLICIES__DEFAULT__RESPONSE__CLASSIFIER": "off",
}
_ENVIRONMENT = os.environ | {"PYTHONPATH": str(_ROOT)} | FEW_TERMS_ENVIRON | _OFF
_LIVES, _CLIENTS, _REFUSALS = 3, 4, 40


class _Client:
    """Asks for a clean answer and a refusal in turns, until the gateway is gone.

    Attributes:
        refused: ids of the refusals that came.
        clean: ids of the clean answers that came before one of these.
    """

    def __init__(self, url: str, key: str, enough: threading.Semaphore) -> None:
        self.refused: list[str] = []
        self.clean: list[str] = []
        self._url, self._key, self._enough = url, key, enough
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with httpx.Client(headers={"x-api-key": self._key}, timeout=30, trust_env=False) as http:
            try:
                while True:
                    clean = self._ask(http, "你好", "allow")
                    self.refused.append(self._ask(http, BLOCKED, "block"))
                    # Everything before a durable entry is durable; of clean answers after it, one batch may be lost.
                    self.clean.append(clean)
                    self._enough.release()
            except httpx.TransportError:
                return

    def _ask(self, http: httpx.Client, prompt: str, decision: str) -> str:
        answer = http.post(self._url + CHAT, json=chat(prompt))
        assert answer.headers["x-sluice-decision"] == decision
        return answer.headers["x-request-id"]


def _free_port() -> int:
    with open_socket("127.0.0.1", 0) as free:
        port: int = free.getsockname()[1]
        return port


def _live(folder: Path, key: str) -> list[_Client]:
    """Serve until enough refusals were seen, then kill; return the clients."""
    port, enough = _free_port(), threading.Semaphore(0)
    command = [sys.executable, "-m", "gateway.cli", "serve", "--port", str(port), "--admin-port", str(_free_port())]
    with subprocess.Popen(  # noqa: S603 our own command
        command, cwd=folder, env=_ENVIRONMENT, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert any("serving on" in line for line in process.stderr)
        clients = [_Client(f"http://127.0.0.1:{port}", key, enough) for _ in range(_CLIENTS)]
        try:
            for _ in range(_REFUSALS):
                assert enough.acquire(timeout=60)
        finally:
            process.kill()
            for client in clients:
                client.thread.join(60)
    return clients


def test_kills_of_a_gateway_under_load(tmp_path: Path, standin_url: str) -> None:
    """After several kills in mid-load each refusal that left is on disk, clean answers before it too; it verifies."""
    store = f"sqlite:///{tmp_path / 'store.db'}"
    (tmp_path / "sluice.toml").write_text(
        f'[[upstreams]]\nname = "test"\nbase_url = "{standin_url}/v1"\n[store]\nurl = "{store}"\n'
        '[audit]\ndirectory = "audit"\n[labels]\ncontent_producer = "example-operator"\n'
    )
    migrate(store)
    engine = open_engine(store)
    _, key = AccountStore(engine).create("user", AccountKind.USER, at_us=1)
    engine.dispose()
    clients = [client for _ in range(_LIVES) for client in _live(tmp_path, key)]
    logs = log_directories(tmp_path / "audit")
    found = b"".join(stored.entry for log in logs for stored in read_log(log))
    for client in clients:
        assert [each for each in client.refused + client.clean if each.encode() not in found] == []
    assert len(logs) == 1
    command = [sys.executable, "-m", "gateway.cli", "audit", "verify", "audit"]
    done = subprocess.run(  # noqa: S603 our own command
        command, cwd=tmp_path, env=_ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
