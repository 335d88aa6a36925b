"""How commands record what they change: who runs them, why, and in which audit trail.

Rule: a command records a change before it takes effect, and a trail that takes no entry ends the command.
"""

import os
import pwd
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from gateway.accounts.store import AccountChange
from gateway.audit.event_forms import EventName
from gateway.audit.events import (
    ACTOR_CHARACTERS,
    REASON_CHARACTERS,
    Details,
    Event,
    check_text,
    now_us,
    showable,
)
from gateway.audit.recording import record_event
from gateway.settings.loader import load
from gateway.settings.models import Audit


def check_option(text: str | None) -> str | None:
    """Refuse a text of the command line that an audit entry cannot hold.

    Raises:
        typer.BadParameter: it is too long or cannot be shown.
    """
    try:
        check_text("text", text or "", REASON_CHARACTERS)
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from exc
    return text


ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why, for the audit trail.", callback=check_option)
]


class Trail(NamedTuple):
    """The audit trail as a command writes to it.

    Attributes:
        audit: its settings.
        actor: who runs the command.
        reason: why, in their words.
    """

    audit: Audit
    actor: str
    reason: str = ""

    def record(self, name: EventName, subject: str = "", details: Details | None = None) -> None:
        """Write one event durably.

        Raises:
            ResourceError: the trail cannot take it; nothing may be changed then.
        """
        self._write(Event(name, self.actor, now_us(), subject, details or {}, self.reason))

    def record_accounts(self, changes: Sequence[AccountChange]) -> None:
        """Write changes of accounts durably, all together.

        Raises:
            ResourceError: the trail cannot take them; nothing may be changed then.
        """
        at_us = now_us()
        self._write(*(Event(each.name, self.actor, at_us, *each[1:], self.reason) for each in changes))

    def write(self, events: Sequence[Event]) -> None:
        """Write events durably, all together.

        Raises:
            ResourceError: the trail cannot take them; nothing may be changed then.
        """
        self._write(*events)

    def _write(self, *events: Event) -> None:
        # Said, because settings that are not the gateway's would lead to a trail that nobody looks at.
        if not self.audit.directory.exists():
            typer.echo(f"An audit trail begins in {self.audit.directory.resolve()}.", err=True)
        record_event(self.audit, *events)


def trail_of(config: Path | None = None, reason: str = "") -> Trail:
    """Return the trail the settings name, for whoever runs this.

    Args:
        config: settings file; None takes the default.
        reason: why something is done.

    Raises:
        SettingsError: the settings are wrong.
    """
    return Trail(load(config, os.environ).settings.audit, actor(), reason)


def actor() -> str:
    """Return who runs this, as an event names them."""
    return "cli:" + showable(user_name(), ACTOR_CHARACTERS)


def user_name(uid: int | None = None) -> str:
    """Return the name of a system account.

    Args:
        uid: its number; None takes whoever runs this.
    """
    # Not from the environment, where anybody may call themselves anything.
    uid = os.getuid() if uid is None else uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
