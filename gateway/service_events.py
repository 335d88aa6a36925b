"""What a gateway process records of itself: that it began, what it took into use, that it ended.

Rules: the events of a start stand in the log before the first exchange they are true of, and wait for no disk. What
changed since the start before is told from a file beside the logs, which is written once the events are durable; the
digests in the trail do not depend on it.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
import structlog

import gateway
from gateway.audit.appender import Appender
from gateway.audit.canonical import canonical_json
from gateway.audit.event_forms import EventName
from gateway.audit.events import SYSTEM, Details, Event, encode_event, now_us, showable
from gateway.audit.files import OsFileOps, write_durably
from gateway.errors import ResourceError
from gateway.protocol.record import short_digest
from gateway.proxy.classifier_panel import ClassifierPanel
from gateway.rulesets.building import InForce
from gateway.rulesets.reloader import loaded_event
from gateway.settings.loader import Loaded
from gateway.settings.models import Upstream
from gateway.settings.problems import dotted
from gateway.settings.show import effective_settings

Effective = Mapping[str, str]
"""Settings in force: each key, dotted, with its value as JSON; secrets are hidden."""

_LOG = structlog.get_logger(__name__)
_FILE = "settings.json"
_FORM = 1
_POLICIES = "policies."


def record_start(appender: Appender, events: Sequence[Event]) -> asyncio.Future[int | None] | None:
    """Put the events of a start into the log; returns at once.

    Args:
        appender: the audit trail.
        events: what to say; at least one.

    Returns:
        What tells that all of them are durable, with the place of the last one, or with None when the disk does not
        take them; None when it takes nothing now, and they wait for it.
    """
    *first, last = map(encode_event, events)
    for entry in first:
        appender.append_soon(entry)
    try:
        return appender.append(last)
    except ResourceError:
        # Refused at once, and kept nowhere: whether a gateway serves without its disk is not decided here.
        appender.append_soon(last)
        return None


def start_events(
    log_id: str, loaded: Loaded, in_force: InForce, migrations: Sequence[str], previous: Effective | None
) -> list[Event]:
    """Return what there is to say of a start.

    Args:
        log_id: the log it is said in.
        loaded: the settings.
        in_force: the ruleset, and what it was built from.
        migrations: those that the store lacked.
        previous: the settings at the start before; None when they are not known.
    """
    events = [_event(EventName.SERVICE_STARTED, log_id, {"version": gateway.__version__})]
    if migrations:
        events.append(_event(EventName.STORE_MIGRATED, migrations[-1], {"migrations": ", ".join(migrations)}))
    events += settings_events(effective(loaded), previous)
    return [*events, models_event(loaded.settings.upstreams), loaded_event(in_force.ruleset, in_force.version)]


def record_stop(appender: Appender) -> None:
    """Put the event of a stop in order into the log; returns at once."""
    event = _event(EventName.SERVICE_STOPPED, appender.log_id, {"version": gateway.__version__})
    try:
        appender.append_soon(encode_event(event))
    except ResourceError as error:
        # A trail without room cannot keep a process from ending; it then looks as after a crash.
        _LOG.error("stop_not_recorded", reason=str(error))


def effective(loaded: Loaded) -> Effective:
    """Return the settings in force, without secrets."""
    rows = effective_settings(loaded)
    return {dotted(row.path): json.dumps(row.value, ensure_ascii=False, sort_keys=True) for row in rows}


def settings_events(now: Effective, previous: Effective | None) -> list[Event]:
    """Return what there is to say of the settings: which they are, and what changed.

    Args:
        now: the settings in force.
        previous: those of the start before; None when they are not known.
    """
    if previous is None:
        return [_event(EventName.SETTINGS_LOADED, _digest(now))]
    changed = sorted(key for key in now.keys() | previous.keys() if now.get(key) != previous.get(key))
    details = {"from": _digest(previous)} | ({"changed": showable(", ".join(changed))} if changed else {})
    return [_event(EventName.SETTINGS_LOADED, _digest(now), details), *_policy_events(changed, now, previous)]


def read_previous(directory: Path) -> Effective | None:
    """Return the settings of the start before; None when there was none, or the file is not readable as such.

    Args:
        directory: the audit directory.
    """
    try:
        kept: Any = orjson.loads((directory / _FILE).read_bytes())
        # A digest of its own would prove nothing: whoever can change the file can make one.
        return {str(key): str(value) for key, value in kept["settings"].items()} if kept["v"] == _FORM else None
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return None


async def remember(durable: "asyncio.Future[int | None]", directory: Path, now: Effective) -> None:
    """Keep the settings for the next start, once what was said of them is durable.

    Args:
        durable: what tells that.
        directory: the audit directory.
        now: the settings in force.
    """
    content = orjson.dumps({"v": _FORM, "settings": dict(now)}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    try:
        # Before that, the next start would leave out a change that no entry tells of.
        if await durable is None:
            _LOG.warning("settings_not_kept", reason="what was said of them is not on disk yet")
            return
        await asyncio.to_thread(write_durably, OsFileOps(), directory / _FILE, content)
    except (OSError, ResourceError) as error:
        # The trail has what counts, or will: the next start says less about what changed, or says it again.
        _LOG.warning("settings_not_kept", reason=str(error))


def models_event(upstreams: Sequence[Upstream]) -> Event:
    """Return what there is to say of the model servers: which they are, and which models they are asked for."""
    served = {each.name: {"base_url": each.base_url, "models": each.models} for each in upstreams}
    lines = (" ".join([each.name, each.base_url, *map("=".join, each.models.items())]) for each in upstreams)
    details: Details = {"servers": len(served), "map": showable("; ".join(lines))}
    return _event(EventName.MODELS_LOADED, _digest(served), details)


def classifiers_event(panel: ClassifierPanel) -> Event:
    """Return what there is to say of the classifiers: by which models exchanges are judged from now on."""
    lines = [
        " ".join(filter(None, [each.classifier.name, *each.model, "shadow" if each.shadow else ""]))
        for each in panel.members
    ]
    digest = panel.classification.digest
    details: Details = {"short": short_digest(digest), "classifiers": showable("; ".join(lines))}
    return _event(EventName.CLASSIFIERS_LOADED, digest, details)


def _policy_events(changed: Sequence[str], now: Effective, previous: Effective) -> Iterator[Event]:
    """Yield an event for each policy of which a key changed."""
    # A policy's name has no dot.
    for policy, keys in groupby(filter(_is_policys, changed), key=lambda key: key.split(".")[1]):
        table = f"{_POLICIES}{policy}."
        # Both values, because a policy decides what passes; of other settings the keys are enough.
        lines = [f"{key.removeprefix(table)}: {previous.get(key, 'none')} → {now.get(key, 'none')}" for key in keys]
        there, was = (any(key.startswith(table) for key in each) for each in (now, previous))
        change = "changed" if there and was else "added" if there else "removed"
        yield _event(EventName.POLICIES_CHANGED, policy, {"change": change, "keys": showable("; ".join(lines))})


def _is_policys(key: str) -> bool:
    return key.startswith(_POLICIES)


def _digest(value: object) -> str:
    return "sha256:" + hashlib.sha256(canonical_json(value)).hexdigest()


def _event(name: EventName, subject: str, details: Details | None = None) -> Event:
    return Event(name, SYSTEM, now_us(), subject, details or {})
