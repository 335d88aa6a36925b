"""A gateway's life: what is found before it listens, and what a stop leaves behind."""

import asyncio
import threading
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from filters.lists import ListError
from gateway.audit.appender import Appender
from gateway.audit.event_forms import EventName
from gateway.audit.events import Event
from gateway.audit.signing_key import load_key
from gateway.errors import ResourceError
from gateway.lifecycle import load_ruleset, open_upstreams, prepare_directories, serve
from gateway.proxy.services import Services
from gateway.proxy.upstream.fleet import Ask
from gateway.proxy.upstream.pool import NotSentError
from gateway.settings import Loaded, SettingsError
from gateway.settings.models import Lists
from gateway.settings.serving import require_serving
from gateway.sockets import open_socket
from tests.certificates import server_context
from tests.gateways import (
    HTTP,
    STREAM_HEAD,
    chat,
    delta,
    entries_under,
    events_under,
    eventually,
    gateway,
    reply,
    scripted,
)
from tests.raw_server import Do, RawServer
from tests.settings_files import COMPLETE, load_text


def _loaded(folder: Path, more: str = "") -> Loaded:
    with open_socket("127.0.0.1", 0) as first, open_socket("127.0.0.1", 0) as second:
        ports = first.getsockname()[1], second.getsockname()[1]
    environ = {
        "SLUICE_SERVER__PORT": str(ports[0]),
        "SLUICE_SERVER__ADMIN_PORT": str(ports[1]),
        "SLUICE_STORE__URL": f"sqlite:///{folder / 'var' / 'store.db'}",
        "SLUICE_AUDIT__DIRECTORY": str(folder / "var" / "audit"),
    }
    return load_text(folder, COMPLETE + more, environ)


def _serve_until_ready(loaded: Loaded) -> list[int]:
    """Serve, ask for readiness on both planes, stop; return what was answered."""
    answers: list[int] = []

    async def main() -> None:
        stopping = asyncio.Event()

        async def ask() -> None:
            server = loaded.settings.server
            for port in (server.port, server.admin_port):
                url = f"http://127.0.0.1:{port}/readyz"
                answers.append((await asyncio.to_thread(HTTP.get, url)).status_code)
            stopping.set()

        asking: list[asyncio.Task[None]] = []

        def ready(services: Services) -> None:
            assert not services.draining
            asking.append(asyncio.create_task(ask()))

        await serve(loaded, require_serving(loaded, {}), ready, stopping)
        await asking[0]

    asyncio.run(main())
    return answers


def test_a_gateway_makes_what_it_needs_serves_and_stops(tmp_path: Path) -> None:
    """Store and audit directory are made; both planes answer; the stop is complete, so it can begin again."""
    loaded = _loaded(tmp_path)
    assert _serve_until_ready(loaded) == [200, 200]
    assert (tmp_path / "var" / "store.db").is_file()
    assert _serve_until_ready(loaded) == [200, 200]


def test_a_stop_that_loses_entries_still_ends_everything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails, as it must, and leaves no thread and no connection to the store behind."""
    disposed: list[Engine] = []
    close, dispose = Appender.close, Engine.dispose

    async def loses(appender: Appender) -> None:
        await close(appender)
        raise ResourceError("5 audit entries could not be written before the stop")

    def disposes(engine: Engine) -> None:
        disposed.append(engine)
        dispose(engine)

    monkeypatch.setattr(Appender, "close", loses)
    monkeypatch.setattr(Engine, "dispose", disposes)
    threads = set(threading.enumerate())
    with pytest.raises(ResourceError, match="5 audit entries"):
        _serve_until_ready(_loaded(tmp_path))
    assert disposed
    # The one that waits for the companion's end does so a little later.
    eventually(lambda: not set(threading.enumerate()) - threads)


def test_a_start_that_makes_the_signing_key_says_so(tmp_path: Path) -> None:
    """Once, with the key as a verifier reads it."""
    loaded = _loaded(tmp_path)
    for _ in range(2):
        _serve_until_ready(loaded)
    entries = entries_under(loaded.settings.audit.directory)
    made = [each for each in entries if isinstance(each, Event) and each.name is EventName.AUDIT_KEY_CREATED]
    assert [event.subject for event in made] == [load_key(tmp_path / "var" / "audit.key").public.line]


def test_a_start_that_makes_the_tables_says_so(tmp_path: Path) -> None:
    """In the audit trail, behind the start; the next start finds nothing to do."""
    loaded = _loaded(tmp_path)
    for _ in range(2):
        _serve_until_ready(loaded)
    names = [event.name for event in events_under(loaded.settings.audit.directory)]
    loadings = ("SETTINGS", "MODELS", "LISTS", "CLASSIFIERS")
    start = [EventName.SERVICE_STARTED, *(EventName[f"{each}_LOADED"] for each in loadings)]
    first = [start[0], EventName.STORE_MIGRATED, *start[1:], EventName.SERVICE_STOPPED]
    assert names == [*first, *start, EventName.SERVICE_STOPPED]


def test_a_taken_port_is_found_before_anything_is_made(tmp_path: Path) -> None:
    """Not even the store is touched."""
    loaded = _loaded(tmp_path)
    port = loaded.settings.server.admin_port
    with open_socket("127.0.0.1", port), pytest.raises(ResourceError, match=f"Cannot listen on 127.0.0.1:{port} "):
        _serve_until_ready(loaded)
    assert not (tmp_path / "var").exists()


def test_a_wrong_list_is_found_before_anything_listens(tmp_path: Path) -> None:
    """A port that is taken is not even noticed."""
    loaded = _loaded(tmp_path, '[lists]\ndirectories = ["absent"]\n')
    with open_socket("127.0.0.1", loaded.settings.server.port), pytest.raises(ListError):
        _serve_until_ready(loaded)


def test_an_address_no_client_can_use_is_a_wrong_setting(tmp_path: Path) -> None:
    """The message has the key and the remedy, and does not quote the address."""
    loaded = _loaded(tmp_path)
    serving = require_serving(loaded, {})
    (served,) = serving.upstreams
    wrong = served._replace(settings=served.settings.model_copy(update={"base_url": "http://host/pässword"}))
    with pytest.raises(SettingsError) as caught:
        open_upstreams(loaded, serving._replace(upstreams=(wrong,)))
    assert "upstreams.0.base_url" in str(caught.value)
    assert "Percent-encode" in str(caught.value)
    assert "ssword" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("ca_file", '"absent.pem"', "PEM certificates"),
        ("ca_file", '"sluice.toml"', "PEM certificates"),  # there, and no certificate
        ("dialects", '["openai.chat", "openia"]', "openai.chat"),
        ("dialects", '["openai.ch"]', "openai.chat"),
    ],
)
def test_a_server_that_could_never_be_asked_is_a_wrong_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str, remedy: str
) -> None:
    """Found at the start, by the number of its table, rather than by the first client."""
    monkeypatch.chdir(tmp_path)
    second = f'[[upstreams]]\nname = "second"\nbase_url = "https://host/v1"\n{key} = {value}\n'
    loaded = _loaded(tmp_path, second)
    with pytest.raises(SettingsError) as caught:
        open_upstreams(loaded, require_serving(loaded, {}))
    (problem,) = caught.value.problems
    assert problem.key == f"upstreams.1.{key}"
    assert remedy in problem.remedy


@pytest.mark.parametrize("trusted", [True, False])
def test_a_server_is_verified_by_its_own_authority(tmp_path: Path, certificate: Path, *, trusted: bool) -> None:
    """With a `ca_file` its certificates count; without one the system's do, and there is no way to trust any."""

    async def main() -> int:
        script = (Do.READ_REQUEST, reply(b"{}"))
        async with RawServer(script, ssl_context=server_context(certificate)) as server:
            own = f'ca_file = "{certificate.with_suffix(".crt")}"\n' if trusted else ""
            text = COMPLETE.replace("http://127.0.0.1:8000/v1", server.base_url).replace("[labels]", f"{own}[labels]")
            loaded = load_text(tmp_path, text)
            upstreams = open_upstreams(loaded, require_serving(loaded, {}))
            try:
                return (await upstreams.open(Ask("GET", "/models"))).reply.status
            finally:
                upstreams.close()

    if trusted:
        assert asyncio.run(main()) == 200
    else:
        with pytest.raises(NotSentError, match="certificate"):
            asyncio.run(main())


def test_the_operators_lists_stand_beside_the_shipped_ones(tmp_path: Path) -> None:
    """The digest names what is in force."""
    header = "term,kind,risk,severity,action,phase,languages,folds_off,source,licence,note,expires"
    (tmp_path / "A.1.f.csv").write_text(f"{header}\n我们自己的词,literal,A.1.f,high,block,both,zh,,own,own,,\n")
    shipped = load_ruleset(Lists())
    both = load_ruleset(Lists(directories=(tmp_path,)))
    own = load_ruleset(Lists(directories=(tmp_path,), shipped=False))
    assert both.term_count == shipped.term_count + 1
    assert own.term_count == 1
    assert len({shipped.digest, both.digest, own.digest}) == 3


@pytest.mark.parametrize("url", ["sqlite:///{}/a/b/store.db", "postgresql+psycopg://host/database"])
def test_directories_are_made(tmp_path: Path, url: str) -> None:
    """For the audit trail always, for the store when it is a file; again does no harm."""
    for _ in range(2):
        prepare_directories(url.format(tmp_path), tmp_path / "x" / "audit")
    assert (tmp_path / "x" / "audit").is_dir()
    assert (tmp_path / "a" / "b").is_dir() == url.startswith("sqlite")


def test_a_stop_without_patience_records_what_it_cuts_off(tmp_path: Path) -> None:
    """With `drain_seconds` 0 an open stream is cut at once, and its entry is on disk."""
    settings = {"server": {"drain_seconds": 0}}
    script = (Do.READ_REQUEST, STREAM_HEAD, delta("水位正常"), Do.AWAIT_CLOSE)
    with scripted(script) as upstream:
        with gateway(tmp_path, upstream.url, settings) as running:
            url, body = running.url + "/v1/chat/completions", chat("你好", stream=True)
            with HTTP.stream("POST", url, json=body, headers=running.headers()) as response:
                pieces = response.iter_raw()
                next(pieces)
                running.loop.call_soon_threadsafe(running.stopping.set)
                with pytest.raises(httpx.RemoteProtocolError):
                    list(pieces)
        upstream.wait(upstream.server.peer_closed)
    assert [(each.decision, each.error) for each in running.on_disk()] == [("error", "client_disconnected")]
