"""A gateway's life: put together, serve, drain, take apart.

Rules: everything that can be wrong is found before anything listens; a stop turns readiness off first, lets open
exchanges end within ``drain_seconds``, and closes the audit trail last, with everything in it durable.
"""

import asyncio
import contextlib
import gc
import math
import os
import random
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog
import uvicorn

from filters.personal.detector import personal_data
from filters.ruleset import Ruleset
from gateway.accounts.agreed import Agreed
from gateway.accounts.agreements import AgreementStore
from gateway.accounts.directory import AccountDirectory
from gateway.accounts.identity import Pseudonyms
from gateway.accounts.store import AccountStore
from gateway.app import ASGIApp, data_plane, management_plane
from gateway.audit.anchoring import Anchoring
from gateway.audit.appender import Appender
from gateway.audit.checkpointing import checkpointing_of
from gateway.audit.companion import keep_indexing
from gateway.audit.content.secrets import read_master_keys
from gateway.audit.content.service import sealing
from gateway.audit.events import Event, encode_event
from gateway.audit.spool import SpoolLimits
from gateway.classifiers import open_classifier
from gateway.connections import ClientConnection
from gateway.differences import Differences
from gateway.errors import ResourceError
from gateway.protocol.labels import Labelling
from gateway.proxy.admission import Admission
from gateway.proxy.cors import Cors
from gateway.proxy.document_thread import DocumentThread
from gateway.proxy.endpoint import ROUTES
from gateway.proxy.file_labeller import FileLabeller, checked_prompt
from gateway.proxy.limiting import Limiter
from gateway.proxy.rules import Rules
from gateway.proxy.scan_pool import ScanPool
from gateway.proxy.services import Services
from gateway.proxy.upstream.connection import Timeouts
from gateway.proxy.upstream.fleet import Fleet
from gateway.proxy.upstream.pool import PoolLimits, UpstreamPool
from gateway.proxy.upstream.selection import Selector, Upstream
from gateway.rulesets.builder import Builder
from gateway.rulesets.building import InForce, build_active
from gateway.rulesets.reloader import Reloader
from gateway.rulesets.rollout import Rollout
from gateway.service_events import (
    classifiers_event,
    effective,
    read_previous,
    record_start,
    record_stop,
    remember,
    start_events,
)
from gateway.settings.loader import Loaded
from gateway.settings.models import Lists
from gateway.settings.policies import build_policy_table
from gateway.settings.problems import Problem, SettingsError
from gateway.settings.serving import ServedUpstream, Serving
from gateway.sockets import open_socket
from gateway.storage.engine import open_engine
from gateway.storage.migrate import migrate, pending
from gateway.strikes.keeping import striking

_LOG = structlog.get_logger("sluice")
_GC_THRESHOLD = 20_000
_KEEP_ALIVE_SECONDS = 65  # longer than the idle time of the load balancers in front, so that they close first


def load_ruleset(lists: Lists) -> Ruleset:
    """Build the ruleset of the active lists.

    Raises:
        filters.lists.ListError: a list is wrong; it says where and how.
    """
    return build_active(lists, datetime.now(UTC)).ruleset


@contextlib.asynccontextmanager
async def services_of(
    loaded: Loaded, serving: Serving, in_force: InForce, upstreams: Fleet
) -> AsyncIterator[Services]:
    """Put the parts of a worker together, and take them apart at the end.

    Args:
        loaded: the settings.
        serving: what serving needs beyond them.
        in_force: what texts are scanned with, until the lists change.
        upstreams: the model servers; closed at the end.
    """
    settings = loaded.settings
    prepare_directories(settings.store.url, settings.audit.directory)
    # What is made first ends last, and what cannot end in order keeps nothing else from it.
    async with contextlib.AsyncExitStack() as ending:
        engine = open_engine(settings.store.url)
        # Last: the directory's reads under way still use it.
        ending.callback(engine.dispose)
        # At every start: a worker that met an older schema would fail on its first request instead.
        missing = pending(engine)
        migrate(engine)
        directory = AccountDirectory(
            AccountStore(engine), failures_per_minute=settings.server.unknown_keys_per_minute
        )
        agreed = Agreed(AgreementStore(engine))
        # Before anything is served: who agreed must not get a label because their agreement was not read yet.
        await agreed.refresh()
        scan_pool, document_thread = ScanPool(), DocumentThread()
        file_labeller = FileLabeller(checked_prompt(loaded))
        for part in (directory, agreed, scan_pool, document_thread, file_labeller):
            ending.callback(part.close)
        # Built now: the first exchange that asked for it would keep all others waiting.
        personal_data()
        classifier = open_classifier(loaded, os.environ)
        if classifier is not None:
            ending.callback(classifier.close)
        watching = [asyncio.create_task(directory.watch()), asyncio.create_task(agreed.watch())]
        ending.push_async_callback(_all_cancelled, watching)
        anchoring = Anchoring(settings.audit.anchors)
        # After the last checkpoint, and off the loop: an address may not answer.
        ending.push_async_callback(asyncio.to_thread, anchoring.close)
        checkpointing, key_created = checkpointing_of(settings.audit, anchoring.publish)
        appender = Appender(
            settings.audit.directory,
            # Only the pace is the operator's: the spool's bounds protect the trail itself.
            limits=SpoolLimits(interval_seconds=settings.audit.batch_milliseconds / 1000),
            segment_bytes=settings.audit.segment_bytes,
            checkpointing=checkpointing,
            fail_mode=settings.audit.fail_mode,
        )
        ending.push_async_callback(appender.close)
        ending.callback(record_stop, appender)
        # Ends before the trail: it still writes to it.
        sealer = await ending.enter_async_context(
            sealing(engine, settings.audit, os.environ, lambda: services.appender)
        )
        master_keys = read_master_keys(os.environ, settings.audit.master_key_file, settings.audit.directory)
        strikes = await ending.enter_async_context(
            striking(engine, settings, lambda: services.appender, master_keys.pseudonym)
        )
        # First: a reply that went on would end in a record the closed trail refuses.
        ending.callback(upstreams.close)
        previous = read_previous(settings.audit.directory)
        began = start_events(appender.log_id, loaded, in_force, missing, previous)
        judging = [classifiers_event(classifier)] if classifier is not None else []
        durable = record_start(appender, [*began, *judging, *key_created])
        if durable is not None:
            watching.append(asyncio.create_task(remember(durable, settings.audit.directory, effective(loaded))))
        labels, policies = settings.labels, build_policy_table(settings)

        def swap(ruleset: Ruleset) -> None:
            services.ruleset = ruleset

        def record(event: Event) -> None:
            services.appender.append_soon(encode_event(event))

        if classifier is not None:
            classifier.differs = Differences(record).report
        rollout = Rollout(settings.lists, Builder(), record)
        services = Services(
            directory=directory,
            admission=Admission(
                *(Limiter(settings.limits), agreed, Pseudonyms(sealer.pseudonym), strikes, settings.reviews),
                Rules(policies, rollout),
            ),
            engine=engine,
            appender=appender,
            sealer=sealer,
            upstreams=upstreams,
            scan_pool=scan_pool,
            ruleset=in_force.ruleset,
            reloader=Reloader(settings.lists, in_force, Builder(), swap, record),
            document_thread=document_thread,
            file_labeller=file_labeller,
            loaded=loaded,
            policies=policies.policies,
            labelling=Labelling(
                serving.content_producer,
                labels.position,
                {"zh": labels.explicit_text.zh, "en": labels.explicit_text.en},
            ),
            body_limit_bytes=settings.server.body_limit_bytes,
            trusted_proxies=settings.server.trusted_proxies,
            end_user_header=(settings.server.end_user_header or "").lower().encode(),
            cors=Cors(settings.server.cors_origins),
            content=settings.audit.content,
            classifier=classifier,
            admin_token_digest=serving.admin_token_digest,
        )
        watching += [asyncio.create_task(services.reloader.watch()), asyncio.create_task(rollout.watch())]
        yield services


def prepare_directories(store_url: str, audit_directory: Path) -> None:
    """Make the directories the store's file and the audit trail live in."""
    audit_directory.mkdir(parents=True, exist_ok=True)
    if store_url.startswith("sqlite:///"):
        Path(store_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


async def serve(
    loaded: Loaded, serving: Serving, on_ready: Callable[[Services], None], stopping: asyncio.Event
) -> None:
    """Serve until told to stop, then drain.

    Args:
        loaded: the settings.
        serving: what serving needs beyond them.
        on_ready: called once both planes take connections.
        stopping: ends the serving when set; see `stop_on_signals`.

    Raises:
        filters.lists.ListError: a list is wrong.
        SettingsError: a model server cannot be asked as it is set up.
        ResourceError: a listener's address cannot be used.
    """
    settings, server = loaded.settings, loaded.settings.server
    in_force, upstreams = build_active(settings.lists, datetime.now(UTC)), open_upstreams(loaded, serving)
    with (
        # Before the services: a port that is taken costs no migration, and early clients wait in the backlog.
        _listen(server.host, server.port) as data_socket,
        _listen(server.admin_host, server.admin_port) as management_socket,
    ):
        indexing: asyncio.Task[None] | None = None
        try:
            async with services_of(loaded, serving, in_force, upstreams) as services:
                # After the services: the companion needs the tables their migration makes.
                indexing = asyncio.create_task(keep_indexing(settings.store.url, settings.audit.directory))
                _settle_memory()
                # Before the servers run: the sockets listen already, so no client that is told now is refused.
                on_ready(services)
                await run_planes(services, data_socket, management_socket, server.drain_seconds, stopping)
        finally:
            if indexing is not None:
                # After the audit trail was closed: the companion indexes what is left when it is stopped.
                await _cancelled(indexing)
    _LOG.info("stopped")


async def run_planes(
    services: Services,
    data_socket: socket.socket,
    management_socket: socket.socket,
    drain_seconds: float,
    stopping: asyncio.Event,
) -> None:
    """Serve both planes until told to stop, then drain.

    Args:
        services: the parts that serve.
        data_socket: where clients connect.
        management_socket: where operators do.
        drain_seconds: longest that open exchanges may go on after that.
        stopping: begins the drain when set.
    """
    data = _Server(data_plane(services), drain_seconds)
    # A scrape is short; an operator's idle connection must not hold the stop up.
    management = _Server(management_plane(services), drain_seconds=1)
    running = [
        asyncio.create_task(data.serve([data_socket])),
        asyncio.create_task(management.serve([management_socket])),
    ]
    await stopping.wait()
    _LOG.info("draining", longest_seconds=drain_seconds)
    # Before the server stops: load balancers see it, and requests on open connections get an honest 503.
    services.draining = True
    data.should_exit = True
    await running[0]
    # Last, so that metrics and readiness can be read while exchanges end.
    management.should_exit = True
    await running[1]


def stop_on_signals(stopping: asyncio.Event) -> None:
    """Have SIGINT and SIGTERM set an event of the running loop, which is the main thread's."""
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)


def reload_on_hangup(services: Services) -> None:
    """Have SIGHUP read the lists again; the running loop is the main thread's."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, services.reloader.ask)


def open_upstreams(loaded: Loaded, serving: Serving) -> Fleet:
    """Prepare the clients of the model servers; nothing is connected yet.

    Raises:
        SettingsError: an address, a certificate file or the name of a wire format cannot be used.
    """
    pools = [_open_upstream(loaded, number, served) for number, served in enumerate(serving.upstreams)]
    upstreams = [
        Upstream(each.settings.name, each.settings.weight, each.settings.models, each.settings.dialects)
        for each in serving.upstreams
    ]
    chance = random.Random()  # noqa: S311 it spreads gateways over time and guards nothing
    return Fleet(list(zip(upstreams, pools, strict=True)), Selector(upstreams, chance.random))


def _open_upstream(loaded: Loaded, number: int, served: ServedUpstream) -> UpstreamPool:
    upstream = served.settings

    def problem(key: str, wrong: str, remedy: str) -> SettingsError:
        path = ("upstreams", str(number), key)
        return SettingsError([Problem(loaded.origins.place(path), ".".join(path), None, wrong, remedy)])

    spoken = {dialect.name for dialect in ROUTES.values()}
    # A name nobody speaks would leave the server without a request, and nobody would see why.
    if not set(upstream.dialects) <= spoken | {name.partition(".")[0] for name in spoken}:
        raise problem("dialects", "names a wire format that is not spoken here", f"Use {', '.join(sorted(spoken))}")
    try:
        # None takes the system's certificates; there is no way to verify by none.
        trust = ssl.create_default_context(cafile=upstream.ca_file) if upstream.ca_file else None
    except OSError as exc:  # also a file that holds no certificate: ssl.SSLError is an OSError
        raise problem("ca_file", "cannot be read as certificates", "Name a file of PEM certificates") from exc
    try:
        return UpstreamPool(
            upstream.base_url,
            Timeouts(
                upstream.connect_seconds, upstream.first_byte_seconds, upstream.idle_seconds, upstream.total_seconds
            ),
            api_key=served.secret,
            ssl_context=trust,
            limits=PoolLimits(max_connections=upstream.max_connections),
        )
    except ValueError as exc:
        wrong, _, remedy = str(exc).rstrip(".").partition(". ")  # two sentences, which quote nothing of the address
        raise problem("base_url", wrong, remedy) from exc


async def _all_cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        await _cancelled(task)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    # Awaiting the task itself would raise its cancellation here and skip the clean-up that follows.
    await asyncio.gather(task, return_exceptions=True)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return open_socket(host, port)
    except OSError as exc:
        raise ResourceError(
            f"Cannot listen on {host}:{port} ({exc.strerror}). Stop what uses it, or choose another address."
        ) from exc


def _settle_memory() -> None:
    """Keep what lives as long as the process out of the garbage collector's way, and let it look less often.

    An exchange makes a few hundred small objects and leaves no cycles (a test sees to that); at Python's default the
    collector would walk the lists and every imported module again and again while clients wait.
    """
    # First, or what is garbage now would be frozen for good.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 50)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: two of them share one process, and the stop is ours to order."""

    def __init__(self, app: ASGIApp, drain_seconds: float) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                # The loop runs already and is shared by two servers.
                loop="none",
                http=ClientConnection,
                ws="none",
                # The services are put together and taken apart above, in an order of their own.
                lifespan="off",
                # Every exchange has its audit entry; a second log would keep client addresses under no rule.
                access_log=False,
                # uvicorn would put its own handlers in place of ours, which keep values out of stacks.
                log_config=None,
                server_header=False,
                # uvicorn would believe X-Forwarded-For from this machine; the endpoint believes named proxies only.
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=math.ceil(drain_seconds),  # None would wait for ever
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield
