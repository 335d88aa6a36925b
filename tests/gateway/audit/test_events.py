"""Events: what they hold, what they refuse, and how a command writes one."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.appender import Appender
from gateway.audit.canonical import canonical_json
from gateway.audit.event_forms import EVENTS, EventName
from gateway.audit.events import (
    DETAIL_CHARACTERS,
    REASON_CHARACTERS,
    SUBJECT_CHARACTERS,
    Event,
    decode_event,
    encode_event,
    record_event,
    showable,
)
from gateway.audit.reader import read_log
from gateway.audit.segment import ENTRY_LIMIT_BYTES, log_directories, segment_paths
from gateway.errors import ErrorCode, ResourceError
from tests.gateway.audit.builders import stored

AT_US = 1_795_316_941_000_000
SHOWABLE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cf")), max_size=200)


def _event(**members: Any) -> Event:  # noqa: ANN401 whatever an event may have
    return Event(**{"name": EventName.ACCOUNTS_DISABLED, "actor": "cli:li", "at_us": AT_US, **members})


@st.composite
def _events(draw: st.DrawFn) -> Event:
    name = draw(st.sampled_from(EventName))
    values = SHOWABLE | st.integers(-(2**53) + 1, 2**53 - 1)
    details = draw(st.dictionaries(st.sampled_from(sorted(EVENTS[name].details)), values))
    actor = draw(st.sampled_from(["system", "cli:root", "api:审核员"]))
    return Event(name, actor, draw(st.integers(0, 2**53 - 1)), draw(SHOWABLE), details, draw(SHOWABLE))


@given(_events())
def test_an_event_survives_its_entry(event: Event) -> None:
    """And its entry is the one canonical form of what it holds."""
    entry = encode_event(event)
    fields = orjson.loads(entry)
    assert decode_event(fields) == event
    assert canonical_json(fields) == entry


def test_what_is_empty_is_left_out() -> None:
    """An entry holds what there is to say."""
    assert encode_event(_event()) == (
        b'{"actor":"cli:li","at_us":1795316941000000,"event":"accounts.disabled","type":"event","v":2}'
    )
    full = orjson.loads(encode_event(_event(subject="acc-1", details={"revision": 3}, reason="泄露")))
    assert (full["subject"], full["details"], full["reason"]) == ("acc-1", {"revision": 3}, "泄露")


@pytest.mark.parametrize("name", EventName)
def test_the_longest_event_fits_an_entry(name: EventName) -> None:
    """Whatever its characters are: the widest take four bytes."""
    wide = "\U0001f512"
    details = dict.fromkeys(EVENTS[name].details, wide * DETAIL_CHARACTERS)
    event = Event(name, "api:" + wide * 64, AT_US, wide * SUBJECT_CHARACTERS, details, '"' * REASON_CHARACTERS)
    assert len(encode_event(event)) <= ENTRY_LIMIT_BYTES


@pytest.mark.parametrize(
    "members",
    [
        {"details": {"colour": "red"}},
        {"details": {"revision": True}},
        {"details": {"revision": 1.5}},
        {"details": {"revision": 2**53}},
        {"details": {"revision": "x" * (DETAIL_CHARACTERS + 1)}},
        {"at_us": "now"},
        {"actor": "root"},
        {"actor": "cli:"},
        {"actor": "cli:" + "x" * 65},
        {"actor": "cli:a\nb"},
        {"subject": "x" * (SUBJECT_CHARACTERS + 1)},
        {"reason": "x" * (REASON_CHARACTERS + 1)},
        {"reason": "one\nforged"},
        {"reason": "\x1b[2J"},
        {"reason": "\u202egnitirw"},
        {"reason": "half \ud83d"},
    ],
    ids=repr,
)
def test_what_is_not_of_the_form_is_refused(members: dict[str, Any]) -> None:
    """Unknown details, values without an agreed form, texts that are too long or forge what a screen shows."""
    with pytest.raises(ValueError, match="an event"):
        _event(**members)


def test_an_event_keeps_what_it_was_given() -> None:
    """Changing the details afterwards changes nothing that was said."""
    details: dict[str, str | int] = {"revision": 3}
    event = _event(details=details)
    details["revision"] = 4
    assert event.details == {"revision": 3}


@pytest.mark.parametrize(
    "change",
    [
        {"v": 1},
        {"type": "exchange"},
        {"event": "accounts.praised"},
        {"event": None},
        {"event": ["accounts.disabled"]},
        {"actor": None},
        {"at_us": 1.0},
        {"subject": 3},
        {"details": ["revision"]},
        {"details": {"revision": None}},
        {"colour": "red"},
        {"name": "accounts.disabled"},
    ],
    ids=repr,
)
def test_an_entry_of_another_form_is_not_taken_for_an_event(change: dict[str, Any]) -> None:
    """What is shown of an event must be all that stands there."""
    fields = orjson.loads(encode_event(_event())) | change
    with pytest.raises(ValueError, match="event"):
        decode_event({key: value for key, value in fields.items() if value is not None})


def test_a_text_of_a_program_is_made_showable() -> None:
    """Cut with a mark; what a screen would act on is replaced."""
    assert showable("as it is，全角") == "as it is，全角"
    assert showable("a\x1b[2Jb\nc\ud83d") == "a\ufffd[2Jb\ufffdc\ufffd"
    assert showable("x" * 11, 10) == "x" * 9 + "…"


def test_commands_one_after_another_share_a_log(tmp_path: Path) -> None:
    """However many there are: a log each would fill the directory."""
    events = [_event(details={"revision": number}) for number in range(20)]
    for event in events:
        record_event(tmp_path, event)
    assert [decode_event(orjson.loads(entry)) for entry in stored(tmp_path)] == events
    (log_directory,) = log_directories(tmp_path)
    assert len(segment_paths(log_directory)) == 1


def test_commands_beside_a_gateway_share_one_more_log(tmp_path: Path) -> None:
    """The gateway's processes hold theirs; after a restart the same logs are used again."""

    async def beside(commands: int) -> set[str]:
        async with Appender(tmp_path) as first, Appender(tmp_path) as second:
            for _ in range(commands):
                await asyncio.to_thread(record_event, tmp_path, _event())
            return {first.log_id, second.log_id}

    held = asyncio.run(beside(3))
    (free,) = {log.name for log in log_directories(tmp_path)} - held
    assert len(list(read_log(tmp_path / free))) == 3
    asyncio.run(beside(3))
    assert {log.name for log in log_directories(tmp_path)} == held | {free}


def _without_disk(directory: Path, _: pytest.MonkeyPatch) -> None:
    directory.write_text("a file")


def _without_room(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gateway.audit.files.OsFileOps.sync", full)


def _damaged(directory: Path, _: pytest.MonkeyPatch) -> None:
    record_event(directory, _event())
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
        record_event(directory, _event())
    assert caught.value.code is ErrorCode.AUDIT_UNAVAILABLE
    assert str(directory) in str(caught.value)
