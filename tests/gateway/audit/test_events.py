"""Events: what they hold and what they refuse."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.canonical import canonical_json
from gateway.audit.event_forms import EVENTS, EventName
from gateway.audit.events import (
    DETAIL_CHARACTERS,
    REASON_CHARACTERS,
    SUBJECT_CHARACTERS,
    Event,
    decode_event,
    encode_event,
    showable,
)
from gateway.audit.segment import ENTRY_LIMIT_BYTES

AT_US = 1_795_316_941_000_000
SHOWABLE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cf")), max_size=200)


def _event(**members: Any) -> Event:  # noqa: ANN401 whatever an event may have
    return Event(**{"name": EventName.ACCOUNTS_DISABLED, "actor": "cli:li", "at_us": AT_US, **members})


@st.composite
def _events(draw: st.DrawFn) -> Event:
    name = draw(st.sampled_from(EventName))
    values = SHOWABLE | st.integers(-(2**53) + 1, 2**53 - 1)
    keys = sorted(EVENTS[name].details)
    details = draw(st.dictionaries(st.sampled_from(keys), values)) if keys else {}
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
