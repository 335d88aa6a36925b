"""How commands say who they are, and where they record."""

import os
import pwd
from pathlib import Path

import pytest
import typer

from gateway.accounts.store import AccountChange
from gateway.audit.event_forms import EventName
from gateway.audit.events import REASON_CHARACTERS
from gateway.cli.trail import Trail, actor, check_option, trail_of, user_name
from gateway.errors import ResourceError
from gateway.settings.models import Audit
from tests.gateways import events_under


def test_who_runs_a_command_is_the_systems_account() -> None:
    """Which the environment cannot change; one without a name is told by number."""
    assert user_name() == pwd.getpwuid(os.getuid()).pw_name
    assert user_name(4_000_000_000) == "uid 4000000000"
    assert actor() == f"cli:{user_name()}"


def test_a_long_name_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory service may give names no event could hold."""
    monkeypatch.setattr("gateway.cli.trail.user_name", lambda: "x" * 100 + "\n")
    assert actor() == "cli:" + "x" * 63 + "…"


@pytest.mark.parametrize("text", [None, "", "泄露", "x" * REASON_CHARACTERS])
def test_words_are_taken_as_they_are(text: str | None) -> None:
    """Up to their bound."""
    assert check_option(text) == text


@pytest.mark.parametrize("text", ["x" * (REASON_CHARACTERS + 1), "a\nb", "\x1b[2J", "half \udcff"])
def test_words_no_entry_can_hold_are_wrong_use(text: str) -> None:
    """Also bytes of a command line that are no text."""
    with pytest.raises(typer.BadParameter):
        check_option(text)


def test_the_trail_is_the_one_the_settings_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file first, the environment over it."""
    monkeypatch.delenv("SLUICE_AUDIT__DIRECTORY", raising=False)
    (tmp_path / "own.toml").write_text('[audit]\ndirectory = "of-the-file"\n')
    assert trail_of(tmp_path / "own.toml", "why") == Trail(Audit(directory=Path("of-the-file")), actor(), "why")
    monkeypatch.setenv("SLUICE_AUDIT__DIRECTORY", "of-the-environment")
    assert trail_of(tmp_path / "own.toml").audit.directory == Path("of-the-environment")


def test_a_change_is_recorded_with_who_and_why(tmp_path: Path) -> None:
    """One event a change, all at one time."""
    trail = Trail(Audit(directory=tmp_path / "audit"), "cli:li", "why")
    trail.record(EventName.LISTS_ROLLED_BACK, "0123", {"from": "4567"})
    changes = [AccountChange(EventName.ACCOUNTS_DISABLED, f"acc-{number}", {"revision": number}) for number in (1, 2)]
    trail.record_accounts(changes)
    first, *accounts = events_under(tmp_path / "audit")
    assert (first.name, first.subject, first.details) == (EventName.LISTS_ROLLED_BACK, "0123", {"from": "4567"})
    assert [(event.name, event.subject, event.details) for event in accounts] == changes
    assert {(event.actor, event.reason) for event in (first, *accounts)} == {("cli:li", "why")}
    assert len({event.at_us for event in accounts}) == 1


def test_a_trail_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    """For the command to end with."""
    (tmp_path / "audit").write_text("a file")
    with pytest.raises(ResourceError, match="nothing was changed"):
        Trail(Audit(directory=tmp_path / "audit"), "cli:li").record(EventName.LISTS_ROLLED_BACK)
