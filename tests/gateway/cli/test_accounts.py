"""``sluice accounts``: what operators and their scripts see."""

import json
import re
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from gateway.accounts.account import AccountKind
from gateway.accounts.drafts import BindingDraft
from gateway.accounts.keys import key_digest, parse_key
from gateway.accounts.store import AccountStore
from gateway.audit.event_forms import EventName
from gateway.cli.accounts import app as accounts_app
from gateway.cli.main import app
from gateway.cli.trail import actor
from tests.gateways import events_under

DAY_US = 86_400_000_000
PERSON = "reviewer-01@example.org"


@pytest.fixture
def sluice(store_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Sluice":
    """The command on a store and an audit trail of its own, named by the environment."""
    monkeypatch.setenv("SLUICE_STORE__URL", store_engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("SLUICE_AUDIT__DIRECTORY", str(tmp_path / "audit"))
    return Sluice()


class Sluice:
    """Runs ``sluice accounts`` in this process."""

    def __call__(self, *arguments: str) -> Result:
        """Run and return what happened."""
        return CliRunner().invoke(app, ["accounts", *arguments])

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever the command printed
        """Run with ``--json``; return what was printed."""
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def make(self, *arguments: str, kind: str = "user", name: str = "one") -> Any:  # noqa: ANN401 - as for json
        """Make accounts; return what was printed."""
        return self.json("create", "--kind", kind, "--name", name, *arguments)


def test_a_key_is_shown_once_and_works(sluice: Sluice, store_engine: Engine) -> None:
    """Making an account prints its whole key and says that it will not be seen again; listing does not show it."""
    result = sluice("create", "--kind", "user", "--name", "one")
    assert result.exit_code == 0
    (key,) = re.findall(r"sk-sluice-[\w-]{43}", result.stdout)
    assert "shown this once" in result.stdout
    found = AccountStore(store_engine).find_by_digest(key_digest(key))
    assert found is not None
    assert (found.account.name, found.account.kind) == ("one", AccountKind.USER)
    assert key not in sluice("list").stdout + sluice("list", "--json").stdout


def test_a_key_is_shown_whole_beside_a_long_name(sluice: Sluice) -> None:
    """The name is folded, the key is not."""
    result = sluice("create", "--kind", "user", "--name", "名" * 64)
    assert re.search(r"sk-sluice-[\w-]{43}\b", result.stdout)


def test_many_accounts_are_numbered(sluice: Sluice) -> None:
    """Each has a name and a key of its own; numbers sort as text."""
    made = sluice.make("--count", "11", kind="audit", name="inspector")
    assert [each["name"] for each in made] == [f"inspector-{number:02}" for number in range(1, 12)]
    assert len({each["key"] for each in made}) == 11
    assert all(parse_key(each["key"]) for each in made)
    assert [each["name"] for each in sluice.json("list")] == [each["name"] for each in made]


def test_a_hundred_accounts_take_three_digits(sluice: Sluice) -> None:
    """Numbers are as long as the longest of them."""
    made = sluice.make("--count", "100")
    assert (made[0]["name"], made[-1]["name"]) == ("one-001", "one-100")


def test_bounds_and_policy_are_kept(sluice: Sluice, store_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for is in the store and in the listing."""
    monkeypatch.setenv("SLUICE_POLICIES__STRICT__REFUSAL", "error")
    before_us = time.time_ns() // 1000
    arguments = ["--expires", "90d", "--allow-from", "10.0.0.0/8", "--allow-from", "2001:db8::/32"]
    (made,) = sluice.make(*arguments, "--policy", "strict", kind="unfiltered")
    after_us = time.time_ns() // 1000
    (account,) = AccountStore(store_engine).list_all()
    assert account.expires_at_us is not None
    assert before_us + 90 * DAY_US <= account.expires_at_us <= after_us + 90 * DAY_US
    assert made["allow_from"] == ["10.0.0.0/8", "2001:db8::/32"]
    (listed,) = sluice.json("list")
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert (listed["kind"], listed["policy"], listed["state"]) == ("unfiltered", "strict", "active")


def test_the_listing_shows_names_as_they_are(sluice: Sluice) -> None:
    """A name that looks like markup, and one in Chinese, are text."""
    sluice.make(name="[red]one[/red]")
    sluice.make(name="监管")
    listed = sluice("list").stdout
    assert "[red]one[/red]" in listed
    assert "监管" in listed
    assert "anywhere" in listed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--expires", "soon"], "--expires"),
        (["--expires", "2020-01-01"], "future"),
        (["--allow-from", "10.0.0.1/8"], "203.0.113.0/24"),
        (["--count", "0"], "--count"),
        (["--count", "1001"], "--count"),
        (["--kind", "root"], "--kind"),
        (["--policy", "lax"], "--policy"),
        (["--model", "m"], "add --sheet"),
    ],
)
def test_wrong_use_is_told_before_anything_is_made(sluice: Sluice, arguments: list[str], said: str) -> None:
    """Status 2, the option, and what to write instead."""
    result = sluice("create", "--kind", "user", "--name", "one", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert sluice.json("list") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "--kind", "user", "--name", "one"], "'one' already"),
        (["create", "--kind", "unfiltered", "--name", "raw"], "needs an expiry"),
        (["disable", "nobody"], "no account 'nobody'"),
        (["enable", "nobody"], "no account 'nobody'"),
        (["rotate", "nobody"], "no account 'nobody'"),
        (["show", "nobody"], "no account 'nobody'"),
        (["change", "nobody", "--tenant", "east"], "no account 'nobody'"),
        (["create", "--kind", "user", "--name", "x", "--tenant", " "], "tenant's name"),
    ],
)
def test_what_cannot_be_done_is_a_failure(sluice: Sluice, arguments: list[str], said: str) -> None:
    """Status 1 and the reason: a taken name, an unfiltered account without bounds, an account that is not there."""
    sluice.make()
    result = sluice(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr


def test_an_account_is_disabled_and_enabled(sluice: Sluice) -> None:
    """The listing shows its state."""
    sluice.make()
    assert sluice("disable", "one").stdout == "Account one is disabled.\n"
    (listed,) = sluice.json("list")
    assert (listed["state"], listed["disabled_at"] is None) == ("disabled", False)
    assert sluice("enable", "one").stdout == "Account one is enabled.\n"
    assert sluice.json("list")[0]["state"] == "active"


def test_an_expired_account_is_listed_as_such(sluice: Sluice, store_engine: Engine) -> None:
    """Nobody has to compare dates."""
    AccountStore(store_engine).create("old", AccountKind.USER, expires_at_us=2, at_us=1)
    assert sluice.json("list")[0]["state"] == "expired"


def test_a_rotated_account_has_a_new_key_and_the_old_one_for_a_while(sluice: Sluice, store_engine: Engine) -> None:
    """The overlap is a day unless stated."""
    old = sluice.make()[0]["key"]
    result = sluice("rotate", "one")
    (new,) = re.findall(r"sk-sluice-[\w-]{43}", result.stdout)
    assert "shown this once" in result.stdout
    assert "end in 24h" in result.stdout
    store = AccountStore(store_engine)
    found_new, found_old = store.find_by_digest(key_digest(new)), store.find_by_digest(key_digest(old))
    assert found_new is not None
    assert found_old is not None
    assert found_new.key_expires_at_us is None
    assert found_old.key_expires_at_us is not None


def test_rotation_without_overlap_ends_the_old_key_at_once(sluice: Sluice, store_engine: Engine) -> None:
    """For a key that was lost to somebody; programs read the new one as JSON."""
    old = sluice.make()[0]["key"]
    rotated = sluice.json("rotate", "one", "--overlap", "0m")
    assert rotated["name"] == "one"
    assert parse_key(rotated["key"])
    found = AccountStore(store_engine).find_by_digest(key_digest(old))
    assert found is not None
    assert found.key_expires_at_us is not None
    assert found.key_expires_at_us <= time.time_ns() // 1000


def test_an_overlap_that_is_no_time_is_wrong_use(sluice: Sluice) -> None:
    """The key stays as it was."""
    sluice.make()
    result = sluice("rotate", "one", "--overlap", "long")
    assert result.exit_code == 2
    assert "--overlap" in result.stderr


BOUND = "B" * 22
RECORDED = {
    "create": (["--kind", "user", "--name", "two"], EventName.ACCOUNTS_CREATED),
    "disable": (["NAME"], EventName.ACCOUNTS_DISABLED),
    "enable": (["NAME"], EventName.ACCOUNTS_ENABLED),
    "rotate": (["NAME"], EventName.ACCOUNTS_ROTATED),
    "change": (["NAME", "--tenant", "east"], EventName.ACCOUNTS_CHANGED),
    "bind": (["NAME", "--kind", "audit", "--end-user", PERSON], EventName.ACCOUNTS_BOUND),
    "unbind": (["NAME", "--pseudonym", BOUND], EventName.ACCOUNTS_UNBOUND),
    "prune": ([], EventName.ACCOUNTS_PRUNED),
    "list": ([], None),
    "show": (["NAME"], None),
    "bindings": (["NAME"], None),
}
"""What each command is given, and leaves in the audit trail."""


def platform(sluice: "Sluice", engine: Engine, name: str) -> Any:  # noqa: ANN401 any JSON
    """Make an account that binds an end user."""
    (made,) = sluice.make("--trusts-end-user", name=name)
    AccountStore(engine).bind(name, [BindingDraft(BOUND, AccountKind.AUDIT)], 1)
    return made


def test_every_command_is_known_to_record_or_not() -> None:
    """A new command has to say which."""
    names = {each.name or getattr(each.callback, "__name__", "") for each in accounts_app.registered_commands}
    assert names == RECORDED.keys()


@pytest.mark.parametrize("command", RECORDED)
def test_a_change_is_in_the_audit_trail(sluice: Sluice, store_engine: Engine, tmp_path: Path, command: str) -> None:
    """Who, why, which account by its id, and the number of the change; no name, and no key."""
    made = platform(sluice, store_engine, "one-made-before")
    arguments, name = RECORDED[command]
    given = [argument.replace("NAME", "one-made-before") for argument in arguments]
    before = AccountStore(store_engine).revision()
    sluice(command, *given, *(["--reason", "泄露"] if name else []))
    events = events_under(tmp_path / "audit")[1:]
    if name is None:
        assert events == []
        return
    (event,) = events
    assert (event.name, event.actor, event.reason) == (name, actor(), "泄露")
    assert event.details["revision"] == before + 1 == AccountStore(store_engine).revision()
    ids = {each["id"] for each in sluice.json("list")}
    subjects = {"create": ids - {made["id"]}, "prune": {""}}
    assert event.subject in subjects.get(command, {made["id"]})
    written = b"".join(path.read_bytes() for path in (tmp_path / "audit").rglob("*.seg"))
    assert b"one-made-before" not in written
    assert PERSON.encode() not in written
    assert b"sk-sluice" not in written


def test_what_bounds_an_account_is_in_the_trail(
    sluice: Sluice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many accounts each has an event and a number of its own."""
    monkeypatch.setenv("SLUICE_POLICIES__STRICT__REFUSAL", "error")
    arguments = ["--count", "20", "--expires", "90d", "--policy", "strict", "--allow-from", "10.0.0.0/8"]
    made = sluice.make(*arguments, "--allow-from", "::1/128", kind="unfiltered")
    events = events_under(tmp_path / "audit")
    assert [event.subject for event in events] == [each["id"] for each in made]
    assert [event.details["revision"] for event in events] == list(range(1, 21))
    details = dict(events[0].details)
    assert isinstance(details.pop("expires_at_us"), int)
    bounds = {"kind": "unfiltered", "policy": "strict", "allow_from": "10.0.0.0/8, ::1/128"}
    assert details == {"revision": 1, **bounds}


@pytest.mark.parametrize("command", [each for each, (_, name) in RECORDED.items() if name])
def test_without_a_trail_nothing_is_changed(
    sluice: Sluice, store_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """No account, no key and no change; the message says why."""
    made = platform(sluice, store_engine, "one")
    listed, revision = sluice.json("list"), AccountStore(store_engine).revision()
    (tmp_path / "full").write_text("a file")
    monkeypatch.setenv("SLUICE_AUDIT__DIRECTORY", str(tmp_path / "full"))
    monkeypatch.setenv("SLUICE_AUDIT_MASTER_KEY", b64encode(bytes(32)).decode())
    result = sluice(command, *(argument.replace("NAME", "one") for argument in RECORDED[command][0]))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "takes no entry, so nothing was changed" in result.stderr
    assert (sluice.json("list"), AccountStore(store_engine).revision()) == (listed, revision)
    found = AccountStore(store_engine).find_by_digest(key_digest(made["key"]))
    assert found is not None
    assert found.key_expires_at_us is None


def test_what_is_refused_leaves_no_event(sluice: Sluice, tmp_path: Path) -> None:
    """A taken name, an account that is not there, a reason that forges lines."""
    sluice.make()
    for arguments in (["create", "--kind", "user", "--name", "one"], ["disable", "none"], ["rotate", "none"]):
        assert sluice(*arguments).exit_code == 1
    forged = sluice("disable", "one", "--reason", "leak\nforged")
    assert forged.exit_code == 2
    assert "--reason" in forged.stderr
    assert len(events_under(tmp_path / "audit")) == 1


def test_store_and_trail_are_those_of_one_settings_file(
    sluice: Sluice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store_engine: Engine
) -> None:
    """So that a change is recorded where the gateway records; a trail that begins is said."""
    monkeypatch.delenv("SLUICE_STORE__URL")
    monkeypatch.delenv("SLUICE_AUDIT__DIRECTORY")
    url = store_engine.url.render_as_string(hide_password=False)
    own = f'[audit]\ndirectory = "{tmp_path / "other"}"\n'
    if store_engine.url.password:
        # A password is taken from the environment only.
        monkeypatch.setenv("SLUICE_STORE__URL", url)
    else:
        own += f'[store]\nurl = "{url}"\n'
    trail = tmp_path / "other"
    (tmp_path / "own.toml").write_text(own)
    options = ["create", "--kind", "user", "--config", str(tmp_path / "own.toml")]
    first, second = sluice(*options, "--name", "one"), sluice(*options, "--name", "two")
    assert f"An audit trail begins in {trail}." in first.stderr
    assert second.stderr == ""
    assert len(events_under(trail)) == 2


def test_an_account_is_changed_and_shown(sluice: Sluice) -> None:
    """What an option names changes, what `--remove` names goes, the rest stays."""
    sluice.make("--allow-from", "10.0.0.0/8", "--expires", "90d", "--allow-model", "m1")
    assert sluice("change", "one", "--allow-model", "m2", "--trusts-end-user", "--remove", "expires").exit_code == 0
    shown = sluice.json("show", "one")
    assert (shown["models"], shown["trusts_end_user"], shown["expires_at"]) == (["m2"], True, None)
    assert shown["allow_from"] == ["10.0.0.0/8"]
    assert [each["state"] for each in shown["keys"]] == ["active"]
    assert sluice("change", "one", "--no-trusts-end-user").exit_code == 0
    text = sluice("show", "one").stdout
    assert "trusts_end_user: false" in text
    assert 'models: ["m2"]' in text
    assert (sluice("change", "one").exit_code, sluice("change", "one", "--remove", "kind").exit_code) == (2, 2)


def test_ended_keys_are_cleared_away(sluice: Sluice) -> None:
    """Those that ended that long ago, and no others."""
    sluice.make()
    sluice("rotate", "one", "--overlap", "0m")
    assert sluice.json("prune") == {"keys": 0, "bindings": 0}
    assert sluice("prune", "--older-than", "0m").stdout == "1 keys and 0 bindings are cleared away.\n"
    assert len(sluice.json("show", "one")["keys"]) == 1
