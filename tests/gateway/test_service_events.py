"""What a gateway process records of itself."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

import gateway as product
from gateway.audit.appender import Appender
from gateway.audit.event_forms import EventName
from gateway.audit.events import DETAIL_CHARACTERS, Event, encode_event
from gateway.audit.spool import SpoolLimits
from gateway.errors import ResourceError
from gateway.service_events import (
    effective,
    models_event,
    read_previous,
    record_start,
    record_stop,
    remember,
    settings_events,
)
from gateway.settings.models import Upstream
from tests.gateway.audit.builders import FailingOps
from tests.gateways import HTTP, chat, entries_under, events_under, eventually, gateway
from tests.lists import write_list
from tests.settings_files import COMPLETE, load_text

DEAD = "http://127.0.0.1:1"


def _run(folder: Path, settings: dict[str, Any] | None = None) -> list[Event]:
    """Run a gateway once; return what it recorded."""
    before, kept = len(events_under(folder / "audit")), folder / "audit" / "settings.json"
    # A store of its own each time, for the accounts that are made at each start here; the trail goes on.
    (folder / "store.db").unlink(missing_ok=True)
    was = kept.stat().st_mtime_ns if kept.exists() else 0
    with gateway(folder, DEAD, settings) as running:
        eventually(lambda: kept.exists() and kept.stat().st_mtime_ns != was)
        log_id = running.services.appender.log_id
    events = events_under(folder / "audit")[before:]
    assert {event.subject for event in events if event.name.startswith("service.")} == {log_id}
    return events


def _names(events: list[Event]) -> list[EventName]:
    return [event.name for event in events]


def test_a_gateway_records_its_start_and_its_stop(tmp_path: Path) -> None:
    """Version, settings, model servers and lists stand in front of the first exchange, the stop behind the last."""
    with gateway(tmp_path, DEAD) as running:
        assert running.post(chat("你好")).status_code == 502
        ruleset = running.services.ruleset
    started, settings, models, lists, exchange, stopped = entries_under(tmp_path / "audit")
    for event in (started, settings, models, lists, stopped):
        assert isinstance(event, Event)
        assert event.actor == "system"
    assert isinstance(started, Event)
    assert (started.name, started.details) == (EventName.SERVICE_STARTED, {"version": product.__version__})
    assert isinstance(settings, Event)
    assert (settings.name, settings.details) == (EventName.SETTINGS_LOADED, {})
    assert isinstance(models, Event)
    assert (models.name, models.details) == (EventName.MODELS_LOADED, {"servers": 1, "map": f"test {DEAD}/v1"})
    assert isinstance(lists, Event)
    assert (lists.name, lists.subject) == (EventName.LISTS_LOADED, ruleset.digest)
    assert lists.details["keywords"] == ruleset.term_count
    assert not isinstance(exchange, Event)
    assert isinstance(stopped, Event)
    assert (stopped.name, stopped.subject) == (EventName.SERVICE_STOPPED, started.subject)


def test_what_changed_since_the_start_before_is_told(tmp_path: Path) -> None:
    """Keys of settings; of a policy, which decides what passes, the values too."""
    first = _run(tmp_path)
    same = _run(tmp_path)
    weaker = {"request": {"keywords": "flag"}, "risks": {"A.1.f": {"action": "off"}}}
    changed = _run(tmp_path, {"server": {"drain_seconds": 1}, "policies": {"default": weaker, "strict": {}}})
    loaded = [next(each for each in run if each.name is EventName.SETTINGS_LOADED) for run in (first, same, changed)]
    assert loaded[0].subject == loaded[1].subject != loaded[2].subject
    assert [each.details.get("from") for each in loaded] == [None, loaded[0].subject, loaded[1].subject]
    assert "changed" not in loaded[1].details
    keys = str(loaded[2].details["changed"]).split(", ")
    assert {"server.drain_seconds", "policies.default.request.keywords"} <= set(keys)
    assert not any(key.startswith("store.") for key in keys)
    policies = [each for each in changed if each.name is EventName.POLICIES_CHANGED]
    assert [(each.subject, each.details["change"]) for each in policies] == [
        ("default", "changed"),
        ("strict", "added"),
    ]
    assert 'request.keywords: null → "flag"' in str(policies[0].details["keys"])
    assert 'risks."A.1.f".action: none → "off"' in str(policies[0].details["keys"])
    assert EventName.POLICIES_CHANGED not in _names(first + same)
    (gone,) = [each for each in _run(tmp_path, {"policies": {"default": weaker}}) if "policies" in each.name]
    assert (gone.subject, gone.details["change"]) == ("strict", "removed")


def test_changed_lists_are_recorded_by_the_process_that_follows_them(tmp_path: Path) -> None:
    """Before the first exchange they judge; what is refused, too, with who asked for it."""
    own = tmp_path / "own"
    write_list(own, "出售某物")
    lists = {"directories": [str(own)], "versions": str(tmp_path / "versions"), "shipped": False}
    with gateway(tmp_path, DEAD, {"lists": lists}) as running:
        before = running.services.ruleset.digest
        write_list(own, "出售某物", "别的词语")
        HTTP.post(f"{running.admin_url}/api/v1/lists/reload")
        assert running.post(chat("别的词语")).headers["x-sluice-decision"] == "block"
        (block,) = running.on_disk()
        kinds = [each.name if isinstance(each, Event) else None for each in entries_under(running.audit_directory)]
        assert kinds[-2:] == [EventName.LISTS_LOADED, None]
        loaded = running.events()[-1]
        assert (loaded.details["short"], loaded.details["from"], loaded.details["keywords"]) == (block.ruleset, before, 2)
        write_list(own, "毒")
        HTTP.post(f"{running.admin_url}/api/v1/lists/reload")
    refused = [each for each in events_under(tmp_path / "audit") if each.name is EventName.LISTS_REFUSED]
    # By the request, and perhaps by the watch a moment before it.
    assert {each.subject for each in refused} == {loaded.subject}
    assert refused[-1].actor == "api:local"
    assert "A.1.h.csv" in str(refused[-1].details["first"])


def _record_on(folder: Path, ops: FailingOps, events: list[Event]) -> tuple[bool, bool]:
    """Record a start on a disk; return whether it was waited for, and whether the settings are kept."""

    async def main() -> bool:
        limits = SpoolLimits(
            interval_seconds=0.001, retry_seconds=0.001, retry_limit_seconds=0.002, drain_seconds=0.1
        )
        appender = Appender(folder, ops=ops, limits=limits)
        if ops.step:
            # So that the disk is known to fail.
            with pytest.raises(ResourceError):
                await appender.append(encode_event(_started()))
        durable = record_start(appender, events)
        if durable is not None:
            await remember(durable, folder, {"a": "1"})
        ops.heal()
        record_stop(appender)
        await appender.close()
        return durable is not None

    return asyncio.run(main()), (folder / "settings.json").exists()


def _started() -> Event:
    return Event(EventName.SERVICE_STARTED, "system", 1, "0123456789abcdef")


def test_a_start_waits_for_no_disk(tmp_path: Path) -> None:
    """What it has to say is kept and written when the disk recovers; the settings are not kept before."""
    assert _record_on(tmp_path / "a", FailingOps(), [_started()]) == (True, True)
    assert _record_on(tmp_path / "b", FailingOps("sync"), [_started(), _started()]) == (False, False)
    # The one whose write failed is kept too.
    assert _names(events_under(tmp_path / "b")) == [EventName.SERVICE_STARTED] * 3 + [EventName.SERVICE_STOPPED]


def test_settings_are_not_kept_before_their_event(tmp_path: Path) -> None:
    """Or the next start would leave out a change that no entry tells of."""

    async def main() -> None:
        durable: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        keeping = asyncio.create_task(remember(durable, tmp_path, {"a": "1"}))
        await asyncio.sleep(0)
        assert read_previous(tmp_path) is None
        durable.set_result(0)
        await keeping

    asyncio.run(main())
    assert read_previous(tmp_path) == {"a": "1"}


def test_settings_that_cannot_be_kept_stop_nothing(tmp_path: Path) -> None:
    """The next start says less."""

    async def main() -> None:
        durable: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        durable.set_result(0)
        await remember(durable, tmp_path / "absent", {"a": "1"})

    asyncio.run(main())
    assert read_previous(tmp_path / "absent") is None


def test_a_stop_is_not_held_up_by_a_closed_trail(tmp_path: Path) -> None:
    """There is nobody left to tell."""

    async def main() -> None:
        appender = Appender(tmp_path)
        await appender.close()
        record_stop(appender)

    asyncio.run(main())
    assert events_under(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"\xff", b'{"v":2,"settings":{}}', b'{"v":1}', b'{"v":1,"settings":[]}', b'{"settings":{}}'],
)
def test_what_is_not_the_kept_settings_is_not_believed(tmp_path: Path, content: bytes) -> None:
    """The start then says what the settings are, and not what changed."""
    (tmp_path / "settings.json").write_bytes(content)
    assert read_previous(tmp_path) is None


def test_a_digest_is_of_values_and_not_of_secrets(tmp_path: Path) -> None:
    """The same values have one digest wherever they come from; a password changes nothing, and is nowhere."""
    url = "postgresql+psycopg://me:{}@host/database"
    one, two = (
        effective(load_text(tmp_path, COMPLETE, {"SLUICE_STORE__URL": url.format(password)}))
        for password in ("first-secret", "second-secret")
    )
    assert one == two
    assert "secret" not in repr(settings_events(one, None)) + repr(one)
    other = effective(load_text(tmp_path, COMPLETE, {"SLUICE_STORE__URL": url.format("x") + "2"}))
    (event,) = settings_events(other, one)
    assert event.details["changed"] == "store.url"
    assert [each.subject for each in settings_events(one, None)] == [event.details["from"]]


def test_many_changes_are_cut() -> None:
    """An event has bounds, whatever the settings are."""
    now = {f"policies.default.risks.r{number}.action": '"block"' for number in range(10_000)}
    settings, policy = settings_events(now, {"a": "1"})
    for event in (settings, policy):
        assert max(len(str(each)) for each in event.details.values()) == DETAIL_CHARACTERS
        encode_event(event)


def test_the_map_of_models_names_servers_and_their_models() -> None:
    """The digest is of the whole map, also where the text is cut."""
    servers = [Upstream(name=f"gpu-{number}", base_url="http://h/v1", models={"fast": "qwen"}) for number in (1, 2)]
    event = models_event(servers)
    assert event.details == {"servers": 2, "map": "gpu-1 http://h/v1 fast=qwen; gpu-2 http://h/v1 fast=qwen"}
    many = {f"model-{number}": "x" * 200 for number in range(1_000)}
    one, two = (
        models_event([Upstream(name="gpu", base_url="http://h/v1", models={**many, "last": last})]) for last in "ab"
    )
    assert len(str(one.details["map"])) == DETAIL_CHARACTERS
    assert one.subject != two.subject
