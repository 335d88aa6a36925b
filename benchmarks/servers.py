"""The servers that are compared: the gateway as a user starts it, nginx as a plain proxy, a stand-in behind both."""

import grp
import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import BenchmarkError, Cores, Server, free_port, running, wait_until_ready

ROOT = Path(__file__).resolve().parent.parent

_COMMAND_SECONDS = 60
# Debian keeps it where only root's PATH looks.
_NGINX_PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
_NGINX_CONF = """
daemon off;
pid nginx.pid;
worker_processes 1;
worker_rlimit_nofile 16384;
{user}
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy;
    fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    keepalive_requests 1000000000;
    upstream model {{ server 127.0.0.1:{upstream_port}; keepalive 64; keepalive_requests 1000000000; }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_read_timeout 120s;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://model; }}
    }}
    server {{
        listen 127.0.0.1:{stream_port};
        location / {{ proxy_pass http://model; proxy_buffering off; }}
    }}
}}
"""


class Bench(NamedTuple):
    """Everything that runs.

    Attributes:
        standin: the model server.
        gateway: ours.
        nginx: theirs.
        nginx_streaming: the same process, on a port where it passes on what comes at once.
        management_port: where the gateway's metrics are.
        key: a key of an account made for this run.
        cores: who runs where.
        directory: a scratch directory on the measured disk.
    """

    standin: Server
    gateway: Server
    nginx: Server
    nginx_streaming: Server
    management_port: int
    key: str
    cores: Cores
    directory: Path


class GatewayBench(NamedTuple):
    """The gateway in front of the stand-in, and nothing to compare it with.

    Attributes:
        gateway: ours.
        management_port: where its metrics are.
        key: a key of an account made for this run.
    """

    gateway: Server
    management_port: int
    key: str


def find_program(name: str, package: str) -> str:
    """Return the path of a program.

    Raises:
        BenchmarkError: it is not installed.
    """
    found = shutil.which(name, path=_NGINX_PLACES)
    if found is None:
        raise BenchmarkError(f"{name} is missing. Install Debian's package: apt-get install {package}")
    return found


@contextmanager
def started(directory: Path, cores: Cores) -> Iterator[Bench]:
    """Start everything, and stop it at the end of the block.

    Args:
        directory: an empty scratch directory.
        cores: who runs where.
    """
    with ExitStack() as stack:
        standin = stack.enter_context(_standin(directory, cores))
        nginx, nginx_streaming = stack.enter_context(_nginx(directory, cores, standin.port))
        env = _gateway_environment(directory, standin.port)
        key = _make_account(env, directory)
        gateway = stack.enter_context(_gateway(env, directory, cores))
        management_port = int(env["SLUICE_SERVER__ADMIN_PORT"])
        yield Bench(standin, gateway, nginx, nginx_streaming, management_port, key, cores, directory)


@contextmanager
def started_gateway(directory: Path, cores: Cores, settings: dict[str, str]) -> Iterator[GatewayBench]:
    """Start the gateway and a stand-in, and stop them at the end of the block.

    Args:
        directory: a scratch directory.
        cores: who runs where.
        settings: environment variables of the gateway besides those it needs.
    """
    with ExitStack() as stack:
        standin = stack.enter_context(_standin(directory, cores))
        env = _gateway_environment(directory, standin.port) | settings
        key = _make_account(env, directory)
        gateway = stack.enter_context(_gateway(env, directory, cores))
        yield GatewayBench(gateway, int(env["SLUICE_SERVER__ADMIN_PORT"]), key)


@contextmanager
def _standin(directory: Path, cores: Cores) -> Iterator[Server]:
    port, log = free_port(), directory / "standin.log"
    command = [*_sluice(), "standin", "--port", str(port), "--pace", "0"]
    with running(command, cores.rest, log, _clean_environment()) as process:
        wait_until_ready(process, port, "/healthz", log)
        yield Server("stand-in", port, process.pid)


@contextmanager
def _gateway(env: dict[str, str], directory: Path, cores: Cores) -> Iterator[Server]:
    port, log = int(env["SLUICE_SERVER__PORT"]), directory / "gateway.log"
    with running([*_sluice(), "serve"], cores.server, log, env) as process:
        wait_until_ready(process, port, "/readyz", log)
        yield Server("sluice", port, process.pid)


@contextmanager
def _nginx(directory: Path, cores: Cores, upstream_port: int) -> Iterator[tuple[Server, Server]]:
    program, port, stream_port = find_program("nginx", "nginx-light"), free_port(), free_port()
    prefix = directory / "nginx"
    prefix.mkdir()
    # Started by root, it would hand its worker to an account that may not enter the scratch directory.
    is_root = os.geteuid() == 0
    user = f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};" if is_root else ""
    conf = _NGINX_CONF.format(user=user, port=port, stream_port=stream_port, upstream_port=upstream_port)
    (prefix / "nginx.conf").write_text(conf)
    log = prefix / "nginx.log"
    command = [program, "-p", str(prefix), "-e", str(log), "-c", str(prefix / "nginx.conf")]
    with running(command, cores.server, log) as process:
        wait_until_ready(process, port, "/healthz", log)
        yield Server("nginx", port, process.pid), Server("nginx", stream_port, process.pid)


def _sluice() -> list[str]:
    # The console script may belong to another checkout; this is the same program from this one.
    return [sys.executable, "-m", "gateway.cli"]


def _clean_environment() -> dict[str, str]:
    """Return this environment with this checkout in front and without an operator's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**kept, "PYTHONPATH": path}


def _gateway_environment(directory: Path, upstream_port: int) -> dict[str, str]:
    return {
        **_clean_environment(),
        "SLUICE_SERVER__PORT": str(free_port()),
        "SLUICE_SERVER__ADMIN_PORT": str(free_port()),
        "SLUICE_STORE__URL": f"sqlite:///{directory}/sluice.db",
        "SLUICE_AUDIT__DIRECTORY": str(directory / "audit"),
        "SLUICE_LABELS__CONTENT_PRODUCER": "bench",
        "SLUICE_UPSTREAMS": json.dumps(
            [{"name": "standin", "base_url": f"http://127.0.0.1:{upstream_port}/v1", "max_connections": 4096}]
        ),
    }


def _make_account(env: dict[str, str], directory: Path) -> str:
    _run(["migrate"], env, directory)
    made = _run(["accounts", "create", "--kind", "user", "--name", "bench", "--json"], env, directory)
    return str(json.loads(made)[0]["key"])


def _run(arguments: list[str], env: dict[str, str], directory: Path) -> str:
    command = [*_sluice(), *arguments]
    done = subprocess.run(
        command, env=env, cwd=directory, capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False
    )
    if done.returncode:
        raise BenchmarkError(f"sluice {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout
