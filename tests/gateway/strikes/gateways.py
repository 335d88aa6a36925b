"""Several gateway processes in front of one store, as a platform runs them, and clients of one end user."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx
import orjson

from gateway.accounts.account import Account, AccountKind
from gateway.accounts.store import AccountDraft, AccountStore
from gateway.audit.content.secrets import default_file, read_master_keys
from gateway.sockets import open_socket
from gateway.standin.app import StandIn
from gateway.standin.server import serving
from gateway.storage.engine import open_engine
from gateway.storage.migrate import migrate
from gateway.strikes.person import Person
from gateway.strikes.store import StrikeStore
from tests.gateways import CHAT, chat
from tests.lists import FEW_TERMS_ENVIRON

_ROOT = Path(__file__).parents[3]
_START_SECONDS = 60.0
CLEAN = "请介绍一下水闸的作用。"
REFUSED_STATUS = 403


class Reply(NamedTuple):
    """What a client was answered.

    Attributes:
        status: HTTP status; 0 where the connection broke.
        blocked: whether it is a refusal of a blocked prompt.
        warning: the header ``x-sluice-warning``, or empty.
        request_id: the header ``x-request-id``, or empty.
        code: code of an error, or empty.
        began: when it was sent, in seconds of the monotonic clock.
        ended: when the answer was there.
    """

    status: int
    blocked: bool = False
    warning: str = ""
    request_id: str = ""
    code: str = ""
    began: float = 0.0
    ended: float = 0.0


@dataclass
class Worker:
    """One gateway process.

    Attributes:
        port: of its data plane.
        process: the process.
    """

    port: int
    process: "subprocess.Popen[bytes]"


@dataclass
class Platform:
    """Gateway processes that share a store.

    Attributes:
        workers: the processes.
        key: key of an account of kind `user`.
        account: its id.
        store: the strikes as the store has them.
        folder: everything's place.
        environ: what the processes are started with.
    """

    workers: list[Worker]
    key: str
    account: str
    store: StrikeStore
    folder: Path
    environ: dict[str, str]
    _names: Iterator[int] = field(default_factory=itertools.count)

    def end_user(self) -> str:
        """Return the name of an end user nobody has met."""
        return f"end-user-{next(self._names)}"

    def person(self, end_user: str) -> Person:
        """Return the person strikes of an end user are counted for."""
        audit = self.folder / "audit"
        keys = read_master_keys({}, default_file(audit), audit)
        return Person(self.account, keys.pseudonym(self.account, end_user))

    def kill(self, number: int) -> None:
        """End a process at once, as the kernel does when memory is short."""
        self.workers[number].process.send_signal(signal.SIGKILL)
        self.workers[number].process.wait()

    def restart(self, number: int) -> None:
        """Start a process that was killed again."""
        self.workers[number] = _start(self.environ, self.folder)
        _await_ready(self.workers[number], self.folder)

    async def send(self, client: httpx.AsyncClient, worker: int, end_user: str, prompt: str) -> Reply:
        """Send one prompt of an end user to one process."""
        port = self.workers[worker % len(self.workers)].port
        began = time.monotonic()
        try:
            answer = await client.post(
                f"http://127.0.0.1:{port}{CHAT}",
                content=orjson.dumps(chat(prompt, user=end_user)),
                headers={"authorization": f"Bearer {self.key}", "content-type": "application/json"},
            )
        except httpx.HTTPError:
            return Reply(0, began=began, ended=time.monotonic())
        body = orjson.loads(answer.content)
        return Reply(
            answer.status_code,
            answer.status_code == httpx.codes.OK and body["choices"][0]["finish_reason"] == "content_filter",
            answer.headers.get("x-sluice-warning", ""),
            answer.headers["x-request-id"],
            body["error"]["code"] if "error" in body else "",
            began,
            time.monotonic(),
        )

    async def send_all(self, end_user: str, prompts: Sequence[str]) -> list[Reply]:
        """Send prompts of an end user at once, each from a client of its own, to the processes in turn."""
        async with client() as http:
            return await asyncio.gather(
                *(self.send(http, number, end_user, prompt) for number, prompt in enumerate(prompts))
            )

    def ask(self, end_user: str, prompt: str, worker: int = 0) -> Reply:
        """Send one prompt and wait for its answer."""

        async def run() -> Reply:
            async with client() as http:
                return await self.send(http, worker, end_user, prompt)

        return asyncio.run(run())


def client() -> httpx.AsyncClient:
    """Return a client with room for all connections at once."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx.AsyncClient(verify=False, timeout=60, limits=limits)  # noqa: S501 plain HTTP; certificates take long


def make_platform(store: AccountStore, name: str) -> tuple[Account, str]:
    """Make an account that is believed about its end users; return it with its key."""
    (made,) = store.create_all([AccountDraft(name, AccountKind.USER, trusts_end_user=True)], at_us=1)
    return made


@contextmanager
def platform(folder: Path, store_url: str, processes: int, redis_url: str | None = None) -> Iterator[Platform]:
    """Run gateway processes in front of one store while the block runs.

    Args:
        folder: for audit trail, logs and marks.
        store_url: the store.
        processes: how many.
        redis_url: Redis of the fleet, or None.
    """
    with ExitStack() as stack:
        upstream = stack.enter_context(serving(StandIn(0)))
        environ = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(_ROOT),
            "SLUICE_UPSTREAMS": orjson.dumps([{"name": "test", "base_url": f"{upstream}/v1"}]).decode(),
            "SLUICE_STORE__URL": store_url,
            "SLUICE_AUDIT__DIRECTORY": str(folder / "audit"),
            "SLUICE_AUDIT__BATCH_MILLISECONDS": "5",
            "SLUICE_LABELS__CONTENT_PRODUCER": "example-operator",
            "SLUICE_LISTS__VERSIONS": str(folder / "lists"),
            **FEW_TERMS_ENVIRON,
        }
        if redis_url is not None:
            environ["SLUICE_STORE__REDIS_URL"] = redis_url
        migrate(store_url)
        engine = open_engine(store_url)
        stack.callback(engine.dispose)
        account, key = make_platform(AccountStore(engine), "platform")
        workers: list[Worker] = []
        stack.callback(_stop, workers)
        workers += [_start(environ, folder) for _ in range(processes)]
        for worker in workers:
            _await_ready(worker, folder)
        yield Platform(workers, key, account.id, StrikeStore(engine), folder, environ)


def _start(environ: dict[str, str], folder: Path) -> Worker:
    with open_socket("127.0.0.1", 0) as first, open_socket("127.0.0.1", 0) as second:
        ports = first.getsockname()[1], second.getsockname()[1]
    own = {**environ, "SLUICE_SERVER__PORT": str(ports[0]), "SLUICE_SERVER__ADMIN_PORT": str(ports[1])}
    with (folder / "gateways.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", "serve"], cwd=folder, env=own, stdout=log, stderr=log
        )
    return Worker(ports[0], process)


def _await_ready(worker: Worker, folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{worker.port}/readyz", timeout=1).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        if worker.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"a gateway did not start: {(folder / 'gateways.log').read_text()[-2000:]}")
        time.sleep(0.02)


def _stop(workers: list[Worker]) -> None:
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        try:
            worker.process.wait(15)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
