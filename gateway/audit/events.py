"""Events: what changed or was looked at, as entries of the same log as the exchanges.

Rules: an event is durable before what it tells of takes effect, so a trail that takes no entry lets nothing be
changed; an event whose change then failed can be told apart by what the page on the format says of its form. Strings
are bounded and hold nothing that moves or hides other text on a screen.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gateway.audit.canonical import canonical_json
from gateway.audit.event_forms import EVENTS, EventName

EVENT = "event"
EVENT_VERSION = 2

SUBJECT_CHARACTERS = 256
REASON_CHARACTERS = 1_000
DETAIL_CHARACTERS = 2_000
"""Longest values; an event with all its details at this length is still smaller than an entry may be."""

ACTOR_CHARACTERS = 64
"""Longest name of who did it."""

Details = Mapping[str, str | int]
"""What an event says besides its subject; see `EVENTS`."""

SYSTEM = "system"
"""The actor of what the program does by itself."""

_NAMES = frozenset(name.value for name in EventName)
_ACTOR = re.compile(rf"system|(?:cli|api):.{{1,{ACTOR_CHARACTERS}}}")
_INTEGER_LIMIT = 2**53  # canonical JSON takes less
# Controls, line separators, marks that turn the direction of writing, and halves of surrogate pairs.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that changed or was looked at.

    Attributes:
        name: what happened.
        actor: who did it: `system`, `cli:` and the name of a system account, or `api:` and a name.
        at_us: when, in microseconds of Unix time.
        subject: what it happened to; see `EVENTS`.
        details: the rest; see `EVENTS`.
        reason: why, in the words of whoever did it.

    Raises:
        ValueError: a value is not of the event's form, too long, or cannot be shown.
    """

    name: EventName
    actor: str
    at_us: int
    subject: str = ""
    details: Details = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        if unknown := self.details.keys() - EVENTS[self.name].details.keys():
            raise ValueError(f"an event {self.name} has no detail {', '.join(sorted(unknown))}")
        if not _ACTOR.fullmatch(self.actor):
            raise ValueError("an event's actor is 'system', or 'cli:' or 'api:' with a name of 1 to 64 characters")
        check_text("actor", self.actor, SUBJECT_CHARACTERS)
        check_text("subject", self.subject, SUBJECT_CHARACTERS)
        check_text("reason", self.reason, REASON_CHARACTERS)
        _check_integer("at_us", self.at_us)
        for key, value in self.details.items():
            if isinstance(value, str):
                check_text(key, value, DETAIL_CHARACTERS)
            else:
                _check_integer(key, value)
        # A copy nobody else holds: an event says the same for as long as it lives.
        object.__setattr__(self, "details", MappingProxyType(dict(self.details)))


def encode_event(event: Event) -> bytes:
    """Return the entry of an event."""
    optional = {"subject": event.subject, "details": dict(event.details), "reason": event.reason}
    return canonical_json(
        {
            "v": EVENT_VERSION,
            "type": EVENT,
            "event": event.name.value,
            "actor": event.actor,
            "at_us": event.at_us,
            **{key: value for key, value in optional.items() if value},
        }
    )


def decode_event(fields: Mapping[str, Any]) -> Event:
    """Return the event an entry was made of.

    Args:
        fields: the members of the entry, with `v` and `type`.

    Raises:
        ValueError: they are no event of a form known here.
    """
    members = dict(fields)
    form = (members.pop("v", None), members.pop("type", None))
    name = members.pop("event", None)
    if form != (EVENT_VERSION, EVENT) or not isinstance(name, str) or name not in _NAMES:
        raise ValueError("not an event known here; read it with the release that wrote it")
    try:
        return Event(name=EventName(name), **members)
    # Of a wrong kind, one too few or one too many: what is shown must be all that stands there.
    except (TypeError, AttributeError) as exc:
        raise ValueError("the event lacks a member of version 2, or has one more") from exc


def now_us() -> int:
    """Return the time, in microseconds of Unix time."""
    return time.time_ns() // 1_000


def showable(text: str, limit_characters: int = DETAIL_CHARACTERS) -> str:
    """Return a text as an event may hold it: cut where it is too long, a mark for each character it may not hold.

    Args:
        text: what a program made; what a person wrote should be refused instead.
        limit_characters: longest result.
    """
    cut = text if len(text) <= limit_characters else text[: limit_characters - 1] + "…"
    return _UNSHOWABLE.sub("\ufffd", cut)


def _check_integer(key: str, value: object) -> None:
    # A boolean is an integer to Python, and none to a reader in another language.
    if type(value) is not int or abs(value) >= _INTEGER_LIMIT:
        raise ValueError(f"an event's {key} is an integer within ±(2^53 - 1), or where the table says so a text")


def check_text(key: str, text: str, limit_characters: int) -> None:
    """Refuse a text that an event cannot hold.

    Args:
        key: what the message calls it.
        text: the text.
        limit_characters: its bound.

    Raises:
        ValueError: it is too long, or holds what a screen would not show as it is.
    """
    if len(text) > limit_characters:
        raise ValueError(f"an event's {key} has {len(text)} characters; write at most {limit_characters}")
    if _UNSHOWABLE.search(text):
        raise ValueError(f"an event's {key} holds a line end, a control character or half a character; leave it out")
