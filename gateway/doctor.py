"""What is wrong with an installation, and what to do about it: one function per check, each on its own.

Rules: nothing is changed, made or migrated; a check that cannot be done says why and the others go on; every wait is
bounded; no message holds a secret.
"""

import asyncio
import math
import os
import shutil
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine

from filters.list_coverage import coverage
from filters.list_stats import ListStats, count_rows
from filters.lists import ListError, shipped_lists
from filters.taxonomy import load_taxonomy
from gateway.accounts.account import Account, AccountKind, has_ended
from gateway.accounts.store import AccountStore
from gateway.audit.history import LATEST_NAME
from gateway.audit.lag import Lag, measure_lag
from gateway.audit.segment import CorruptLogError, log_directories, scan, segment_paths
from gateway.errors import UpstreamError
from gateway.proxy.upstream.connection import Timeouts
from gateway.proxy.upstream.pool import UpstreamPool
from gateway.rulesets.building import read_active
from gateway.rulesets.sources import ActiveLists, changed_at_seconds
from gateway.rulesets.versions import VersionStore
from gateway.settings.loader import Loaded, load
from gateway.settings.policies import risk_problems
from gateway.settings.problems import SettingsError
from gateway.settings.serving import ServedUpstream, require_serving, serving_problems
from gateway.sockets import open_socket
from gateway.storage.engine import SQLITE, StorageError, open_engine
from gateway.storage.migrate import pending

_MEBIBYTE = 1024 * 1024
# The lower bound is one segment of the default size, the upper one sixteen: time to act in.
SPACE_FAILED_BYTES = 64 * _MEBIBYTE
SPACE_WARNING_BYTES = 1024 * _MEBIBYTE
# More than a busy second, and less than an index that follows is ever behind for long.
INDEX_BEHIND_BYTES = 16 * _MEBIBYTE
# A reviewer of a filing may log in any day, so a new account must be made before the old one ends.
EXPIRING_US = 7 * 24 * 3600 * 1_000_000
LISTS_OLD_DAYS = 7  # TC260-003 chapter 8 asks for an update a week
_PYTHON = (3, 11)
# A failed try is repeated after seconds, and a volume may be slow.
_ANCHOR_GRACE_SECONDS = 60
# This program did not exist before: a clock that says so is wrong, and with it every expiry and audit entry.
_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
# The waits of the settings suit slow models and last minutes; here a person waits for the answer.
_PATIENCE = Timeouts(connect_seconds=3.0, first_byte_seconds=5.0, idle_seconds=5.0)
_SERVER_ERRORS_FROM = 500
_OK = 200


class Verdict(StrEnum):
    """How a check came out, mildest first."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Finding(NamedTuple):
    """What a check found.

    Attributes:
        check: its name.
        verdict: how it came out.
        what: what was found.
        remedy: what to do about it; empty when there is nothing to do.
    """

    check: str
    verdict: Verdict
    what: str
    remedy: str = ""


def examine(config: Path | None, environ: Mapping[str, str], now: datetime) -> Iterator[Finding]:
    """Yield what each check finds, one after the other.

    Args:
        config: settings file; None takes the one `serve` would.
        environ: environment variables.
        now: the time, with its zone.
    """
    # Neither of the first two needs settings, so broken ones hide neither.
    yield check_program()
    yield check_clock(now)
    try:
        loaded = load(config, environ)
    except SettingsError as error:
        for problem in error.problems:
            yield Finding(
                "settings", Verdict.FAILED, f"{problem.place}: {problem.key} {problem.wrong}", problem.remedy
            )
        return
    # In the order of a start: what fails further up is often the cause of what fails below.
    yield from check_settings(loaded, environ)
    yield from check_lists(loaded, now)
    yield from check_store(loaded, now)
    yield from check_audit(loaded)
    yield from check_index(loaded)
    yield from check_upstreams(loaded, environ)
    server = loaded.settings.server
    yield check_port("data plane", server.host, server.port)
    yield check_port("management plane", server.admin_host, server.admin_port)


def check_program() -> Finding:
    """Look at the versions of Python and of this program."""
    python = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _PYTHON:
        return Finding("program", Verdict.FAILED, f"Python {python}", "Use Python 3.11 or newer")
    try:
        return Finding("program", Verdict.OK, f"sluice-gateway {version('sluice-gateway')}, Python {python}")
    except PackageNotFoundError:
        # It runs, but a report about it could name no release.
        return Finding("program", Verdict.WARNING, f"not installed as a package, Python {python}", "Run 'make setup'")


def check_clock(now: datetime) -> Finding:
    """Look whether the clock can be right."""
    what = now.astimezone(UTC).isoformat(timespec="seconds")
    if now < _EARLIEST:
        return Finding("clock", Verdict.FAILED, what, "Set the machine's clock, and keep it by NTP")
    return Finding("clock", Verdict.OK, what)


def check_settings(loaded: Loaded, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look whether `serve` would start with these settings."""
    # All of them at once, where `serve` ends at the first kind: one repair, one restart.
    problems = (*risk_problems(loaded, load_taxonomy().risks), *serving_problems(loaded, environ))
    for problem in problems:
        yield Finding("settings", Verdict.FAILED, f"{problem.place}: {problem.key} {problem.wrong}", problem.remedy)
    if not problems:
        yield Finding("settings", Verdict.OK, "complete")


def check_lists(loaded: Loaded, now: datetime) -> Iterator[Finding]:
    """Read the active lists; compare them with the numbers asked for, and look how old the operator's are."""
    lists = loaded.settings.lists
    try:
        rows, version = read_active(lists, now)
    except ListError as error:
        # One and a count: a list with its columns swapped is wrong in every row.
        more = f" and {len(error.problems) - 1} more" if len(error.problems) > 1 else ""
        remedy = "Run 'sluice lists check' after the repair"
        yield Finding("lists", Verdict.FAILED, f"{error.problems[0]}{more}", remedy)
        return
    yield _list_sizes(count_rows(rows), lists.minimum_per_risk)
    if version:
        published = VersionStore(lists.versions).find(version).published_at_us / 1_000_000
        yield _list_age(f"version {version}: published", published, now)
        return
    for directory in lists.directories:
        changed_at = changed_at_seconds(ActiveLists((directory,)), VersionStore(lists.versions))
        yield _list_age(f"{directory}: changed", changed_at, now)
    if not lists.directories:
        changed_at = changed_at_seconds(ActiveLists((shipped_lists(),)), VersionStore(lists.versions))
        yield _list_age("the shipped lists: changed", changed_at, now)


def _list_age(what: str, changed_at: float, now: datetime) -> Finding:
    days = int((now.timestamp() - changed_at) // 86_400)
    old = days > LISTS_OLD_DAYS
    verdict = Verdict.WARNING if old else Verdict.OK
    return Finding("lists", verdict, f"{what} {days} days ago", "Bring it up to date" if old else "")


def _list_sizes(stats: ListStats, minimum_per_risk: int) -> Finding:
    taxonomy = load_taxonomy()
    # Both bounds, because ten thousand terms of one class would leave the other classes uncovered.
    small = [each for each in coverage(stats, taxonomy, minimum_per_risk) if each.missing]
    if stats.total >= taxonomy.keyword_total_min and not small:
        return Finding("lists", Verdict.OK, f"{stats.total} terms")
    what = f"{stats.total} terms; {len(small)} risk classes have fewer than asked for (TC260-003 chapter 8)"
    return Finding("lists", Verdict.WARNING, what, "Add lists of your own, and run 'sluice lists check'")


def check_store(loaded: Loaded, now: datetime) -> Iterator[Finding]:
    """Open the store, and look at its tables and at the accounts that filters do not act on."""
    url = loaded.settings.store.url
    file = Path(url.removeprefix(f"{SQLITE}:///"))
    if url.startswith(SQLITE) and not file.exists():  # opening it would make it
        yield Finding("store", Verdict.WARNING, f"{file} is not there yet", "Run 'sluice migrate'; serve does it too")
        return
    try:
        engine = open_engine(url)
        try:
            yield from _examine_store(engine, now)
        finally:
            engine.dispose()
    except StorageError as error:
        yield Finding("store", Verdict.FAILED, str(error), "Check [store] url")


def _examine_store(engine: Engine, now: datetime) -> Iterator[Finding]:
    # An older schema may lack the columns that the accounts are read from.
    if missing := pending(engine):
        what = f"{len(missing)} migrations are missing"
        yield Finding("store", Verdict.WARNING, what, "Run 'sluice migrate'; serve does it too")
        return
    accounts = AccountStore(engine).list_all()
    yield Finding("store", Verdict.OK, f"up to date, {len(accounts)} accounts")
    at_us = int(now.timestamp() * 1_000_000)
    for account in accounts:
        # Every one is listed, sound or not: the filters do not act on it, so somebody should know of it.
        if account.kind is AccountKind.UNFILTERED and account.disabled_at_us is None:
            yield _unfiltered(account, at_us)


def _unfiltered(account: Account, at_us: int) -> Finding:
    # None cannot be made by our commands; a row written by hand shows as 1970.
    ends = datetime.fromtimestamp((account.expires_at_us or 0) / 1_000_000, UTC).date()
    if has_ended(account.expires_at_us, at_us):
        remedy = f"Run 'sluice accounts disable {account.name}', or create another if it is still needed"
        return Finding("accounts", Verdict.WARNING, f"unfiltered account {account.name} expired on {ends}", remedy)
    if has_ended(account.expires_at_us, at_us + EXPIRING_US):
        remedy = "Create another if it is needed longer"
        return Finding("accounts", Verdict.WARNING, f"unfiltered account {account.name} expires on {ends}", remedy)
    return Finding("accounts", Verdict.OK, f"unfiltered account {account.name} expires on {ends}")


def check_audit(loaded: Loaded) -> Iterator[Finding]:
    """Look whether the audit trail can be written, has room, and ends well."""
    directory = loaded.settings.audit.directory
    # `serve` makes the directory; until then its nearest parent tells about rights and room.
    existing = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.exists())
    try:
        if directory.exists():
            # Mode bits do not tell of a read-only mount; making a file does, and this one leaves nothing behind.
            with tempfile.TemporaryFile(dir=directory):
                pass
        # Trying would make the directory, and a check changes nothing.
        elif not os.access(existing, os.W_OK):
            raise PermissionError(13, "cannot be made", str(directory))
        yield Finding("audit", Verdict.OK, f"{directory} can be written")
    except OSError as error:
        yield Finding(
            "audit", Verdict.FAILED, f"{directory} cannot be written ({error.strerror})", "Check its permissions"
        )
    yield _space(existing)
    yield from _ends(directory)
    for anchor in loaded.settings.audit.anchors:
        # What was sent to an address is not known here; the gateway counts it.
        if anchor.path is not None:
            yield _anchored(anchor.path, anchor.every_seconds, directory)


def _anchored(path: Path, every_seconds: float, directory: Path) -> Finding:
    """Hold the time of an anchor's file against that of the newest checkpoint."""
    newest = max((file.stat().st_mtime for file in directory.glob(f"*/{LATEST_NAME}")), default=0.0)
    try:
        behind = newest - path.stat().st_mtime
    except FileNotFoundError:
        behind = math.inf if newest else 0.0
    except OSError as error:
        return Finding(
            "anchor", Verdict.WARNING, f"{path} cannot be read ({error.strerror})", "Check its permissions"
        )
    if behind <= every_seconds + _ANCHOR_GRACE_SECONDS:
        return Finding("anchor", Verdict.OK, f"{path} is up to date")
    remedy = "Look for audit_anchor_failed in the gateway's log, and whether the file's volume is there"
    what = f"{behind:.0f} seconds behind the newest checkpoint" if math.isfinite(behind) else "not there"
    return Finding("anchor", Verdict.WARNING, f"{path} is {what}", remedy)


def _space(path: Path) -> Finding:
    free = shutil.disk_usage(path).free
    what = f"{free // _MEBIBYTE} MiB free"
    if free >= SPACE_WARNING_BYTES:
        return Finding("disk", Verdict.OK, what)
    verdict = Verdict.WARNING if free >= SPACE_FAILED_BYTES else Verdict.FAILED
    return Finding("disk", verdict, what, "Free space: without room for the audit trail the gateway answers 503")


def _ends(directory: Path) -> Iterator[Finding]:
    logs = log_directories(directory)
    damaged = 0
    for log in logs:
        try:
            # A crash can tear the last segment only, and reading them all would take minutes on a large trail.
            for path in segment_paths(log)[-1:]:
                scan(path)
        except (CorruptLogError, OSError) as error:
            damaged += 1
            # Never advise deleting it: a damaged log is still evidence of what was decided.
            yield Finding("audit", Verdict.FAILED, str(error), "Keep the file, and restore it from a backup")
    if logs and not damaged:
        yield Finding("audit", Verdict.OK, f"{len(logs)} logs end well")


def check_index(loaded: Loaded) -> Iterator[Finding]:
    """Look how far the audit trail's index in the store is behind the files."""
    url, directory = loaded.settings.store.url, loaded.settings.audit.directory
    # Without a store or a log there is nothing to be behind; what is wrong with them is said by their own checks.
    if not log_directories(directory) or (
        url.startswith(SQLITE) and not Path(url.removeprefix(f"{SQLITE}:///")).exists()
    ):
        return
    try:
        engine = open_engine(url)
        try:
            if not pending(engine):
                yield _lag(measure_lag(engine, directory))
        finally:
            engine.dispose()
    except (StorageError, CorruptLogError, OSError) as error:
        yield Finding("audit index", Verdict.FAILED, str(error), "Check [store] url and the audit directory")


def _lag(lag: Lag) -> Finding:
    if not lag.logs:
        return Finding("audit index", Verdict.OK, "up to date")
    what = f"behind by {lag.log_bytes / _MEBIBYTE:.1f} MiB of {lag.logs} logs"
    # Between two looks of the companion, a second's entries are always missing.
    if lag.log_bytes < INDEX_BEHIND_BYTES:
        return Finding("audit index", Verdict.OK, what)
    remedy = "Look for audit_index_behind in the gateway's log, or run 'sluice audit collect' on the directory"
    return Finding("audit index", Verdict.WARNING, what, remedy)


def check_upstreams(loaded: Loaded, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Ask each model server which models it has."""
    try:
        serving = require_serving(loaded, environ)
    # `check_settings` has named what is missing; a second failure for one cause would mislead.
    except SettingsError:
        yield Finding("upstream", Verdict.WARNING, "not asked, because the settings are not complete")
        return
    for served in serving.upstreams:
        yield _check_upstream(f"upstream {served.settings.name}", served)


def _check_upstream(check: str, served: ServedUpstream) -> Finding:
    ca_file = served.settings.ca_file
    try:
        trust = ssl.create_default_context(cafile=ca_file) if ca_file else None
        pool = lambda: UpstreamPool(  # noqa: E731 made on the loop that uses it
            served.settings.base_url, _PATIENCE, api_key=served.secret, ssl_context=trust
        )
        status = asyncio.run(_status(pool))
    except OSError:
        return Finding(check, Verdict.FAILED, "its ca_file cannot be read", "Name a file of PEM certificates")
    except ValueError as error:
        return Finding(check, Verdict.FAILED, "its address cannot be used", str(error))
    except UpstreamError as error:
        return Finding(check, Verdict.FAILED, str(error), "Start the model server, or check base_url and ca_file")
    return _judge_status(check, status)


def _judge_status(check: str, status: int) -> Finding:
    # A refused key fails every exchange, though the server is up and would pass a mere look at its port.
    if status in {401, 403}:
        what = f"refuses our key with status {status}"
        return Finding(check, Verdict.FAILED, what, "Check api_key_env or api_key_file of the upstream")
    if status >= _SERVER_ERRORS_FROM:
        return Finding(
            "upstream", Verdict.FAILED, f"answers with status {status}", "Look into the model server's log"
        )
    if status != _OK:
        # No failure: some servers have no list of models and answer chat requests all the same.
        what = f"is there, but answers GET /models with status {status}"
        return Finding(check, Verdict.WARNING, what, "Check that base_url ends with the version, such as /v1")
    return Finding(check, Verdict.OK, "answers")


async def _status(open_pool: Callable[[], UpstreamPool]) -> int:
    pool = open_pool()
    try:
        # The status says enough; a list of models of any length is not read.
        return (await pool.open("GET", "/models")).status
    finally:
        pool.close()


def check_port(plane: str, host: str, port: int) -> Finding:
    """Look whether a listener's address is free, or a gateway listens there already."""
    try:
        # Opening is the one sure test: it also finds an address of another machine and a port that needs root.
        open_socket(host, port).close()
    except OSError as error:
        # The doctor may run beside a gateway, whose own listeners are no fault.
        if asyncio.run(_is_gateway(host, port)):
            return Finding(plane, Verdict.OK, f"a gateway listens on {host}:{port}")
        what = f"{host}:{port} cannot be opened ({error.strerror})"
        return Finding(plane, Verdict.FAILED, what, "Stop what uses it, or choose another address")
    return Finding(plane, Verdict.OK, f"{host}:{port} is free")


async def _is_gateway(host: str, port: int) -> bool:
    pool = UpstreamPool(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}", _PATIENCE)
    try:
        reply = await pool.open("GET", "/readyz")
        # Status 200 proves nothing, since some servers answer it to every path.
        return b'"ready"' in await reply.read()
    except UpstreamError:
        return False
    finally:
        pool.close()
