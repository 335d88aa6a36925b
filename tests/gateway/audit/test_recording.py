"""How commands record: durably, signed, as whoever the trail belongs to, or not at all."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.audit.appender import Appender
from gateway.audit.event_forms import EventName
from gateway.audit.events import DETAIL_CHARACTERS, Event, decode_event, encode_event
from gateway.audit.reader import read_log
from gateway.audit.recording import record_event
from gateway.audit.segment import TORN_LIMIT_BYTES, log_directories, segment_paths
from gateway.audit.signing_key import load_key
from gateway.errors import ErrorCode, ResourceError
from gateway.settings.anchors import Anchor, AnchorKind
from gateway.settings.models import Audit


def _audit(folder: Path) -> Audit:
    return Audit(directory=folder / "audit")


def _event(**members: Any) -> Event:  # noqa: ANN401 whatever an event may have
    return Event(**{"name": EventName.ACCOUNTS_DISABLED, "actor": "cli:li", "at_us": 1, **members})


def _events_of(log_directory: Path) -> list[Event]:
    events = [decode_event(orjson.loads(stored.entry)) for stored in read_log(log_directory)]
    return [event for event in events if event.name is not EventName.AUDIT_KEY_CREATED]


def _recorded(folder: Path) -> list[Event]:
    """Return what the only log holds, but for the making of its key."""
    (log_directory,) = log_directories(folder / "audit")
    return _events_of(log_directory)


def test_the_making_of_the_key_is_recorded_first_and_once(tmp_path: Path) -> None:
    """With the public key as a verifier reads it."""
    for _ in range(2):
        record_event(_audit(tmp_path), _event())
    (log_directory,) = log_directories(tmp_path / "audit")
    first, *others = [decode_event(orjson.loads(stored.entry)) for stored in read_log(log_directory)]
    public = load_key(tmp_path / "audit.key").public
    assert (first.name, first.actor, first.subject) == (EventName.AUDIT_KEY_CREATED, "system", public.line)
    assert others == [_event()] * 2


def test_what_a_command_records_reaches_the_anchors(tmp_path: Path) -> None:
    """Or the whole log of the commands could be taken away, and nothing would show it."""
    anchor = Anchor(kind=AnchorKind.FILE, path=tmp_path / "anchor")
    record_event(Audit(directory=tmp_path / "audit", anchors=(anchor,)), _event())
    (log_directory,) = log_directories(tmp_path / "audit")
    latest = (log_directory / "checkpoint").read_text()
    assert latest.splitlines()[1] == "2", "the key's event and this one"
    last = (tmp_path / "anchor").read_bytes().splitlines()[-1]
    assert orjson.loads(last[9:])["note"] == latest


def test_commands_one_after_another_share_a_log(tmp_path: Path) -> None:
    """However many there are: a log each would fill the directory."""
    events = [_event(details={"revision": number}) for number in range(20)]
    for event in events:
        record_event(_audit(tmp_path), event)
    assert _recorded(tmp_path) == events
    (log_directory,) = log_directories(tmp_path / "audit")
    assert len(segment_paths(log_directory)) == 1


def test_commands_beside_a_gateway_share_one_more_log(tmp_path: Path) -> None:
    """The gateway's processes hold theirs; after a restart the same logs are used again."""

    async def beside(commands: int) -> set[str]:
        async with Appender(tmp_path / "audit") as first, Appender(tmp_path / "audit") as second:
            for _ in range(commands):
                await asyncio.to_thread(record_event, _audit(tmp_path), _event())
            return {first.log_id, second.log_id}

    held = asyncio.run(beside(3))
    (free,) = {log.name for log in log_directories(tmp_path / "audit")} - held
    assert _events_of(tmp_path / "audit" / free) == [_event()] * 3
    asyncio.run(beside(3))
    assert {log.name for log in log_directories(tmp_path / "audit")} == held | {free}


def test_many_large_events_are_written_in_batches(tmp_path: Path) -> None:
    """Of a size that a writer takes, however many there are."""
    details = dict.fromkeys(("kind", "policy", "allow_from"), "\U0001f512" * DETAIL_CHARACTERS)
    events = [_event(name=EventName.ACCOUNTS_CREATED, details={**details, "revision": each}) for each in range(120)]
    assert sum(len(encode_event(event)) for event in events) > TORN_LIMIT_BYTES
    record_event(_audit(tmp_path), *events)
    assert _recorded(tmp_path) == events


@pytest.mark.parametrize(("runs_as", "expected"), [(0, True), (1000, False)])
def test_root_records_as_whoever_the_trail_belongs_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs_as: int, *, expected: bool
) -> None:
    """Or a gateway with a user of its own could not append to the log afterwards; others stay who they are."""
    directory, key = tmp_path / "audit", tmp_path / "audit.key"
    directory.mkdir()
    became: list[tuple[str, int, int, bool]] = []

    def became_by(call: str) -> Callable[[int], None]:
        # How many logs there are then, and whether a key, tells whether it was before or after the writing.
        return lambda number: became.append((call, number, len(log_directories(directory)), key.exists()))

    monkeypatch.setattr(os, "geteuid", lambda: runs_as)
    monkeypatch.setattr(os, "getegid", lambda: 7)
    monkeypatch.setattr(os, "seteuid", became_by("user"))
    monkeypatch.setattr(os, "setegid", became_by("group"))
    record_event(_audit(tmp_path), _event())
    owner = directory.stat()
    changes = [
        ("group", owner.st_gid, 0, False),
        ("user", owner.st_uid, 0, False),
        ("user", 0, 1, True),
        ("group", 7, 1, True),
    ]
    assert became == (changes if expected else [])
    assert _recorded(tmp_path) == [_event()]


def _without_disk(directory: Path, _: pytest.MonkeyPatch) -> None:
    directory.write_text("a file")


def _without_room(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gateway.audit.files.OsFileOps.sync", full)


def _damaged(directory: Path, _: pytest.MonkeyPatch) -> None:
    record_event(Audit(directory=directory), _event())
    (log_directory,) = log_directories(directory)
    (path,) = segment_paths(log_directory)
    path.write_bytes(b"no header\n" + path.read_bytes())


@pytest.mark.parametrize("broken", [_without_disk, _without_room, _damaged])
def test_a_trail_that_takes_no_entry_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Callable[[Path, pytest.MonkeyPatch], None]
) -> None:
    """So that the caller leaves everything as it was."""
    directory = tmp_path / "audit"
    broken(directory, monkeypatch)
    with pytest.raises(ResourceError, match="nothing was changed") as caught:
        record_event(Audit(directory=directory), _event())
    assert caught.value.code is ErrorCode.AUDIT_UNAVAILABLE
    assert str(directory) in str(caught.value)
