"""What a running gateway leaves behind of prompts: nothing in clear, all of it to those who may read it."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from typer.testing import CliRunner, Result

from gateway.audit.content.entry import ContentEntry
from gateway.audit.content.secrets import default_file
from gateway.audit.event_forms import EventName
from gateway.cli.main import app
from tests.gateways import BLOCKED, Gateway, chat, entries_under, events_under, eventually, gateway

_USER = "zhang.wei@example.org-4711"
_EXCHANGES = 20


class _Served(NamedTuple):
    folder: Path
    running: Gateway
    scope: str

    @property
    def contents(self) -> list[ContentEntry]:
        entries = entries_under(self.running.audit_directory)
        return [each for each in entries if isinstance(each, ContentEntry)]

    def run(self, *arguments: str, given: str = "") -> Result:
        """Run a command with the gateway's settings."""
        file = self.folder / "sluice.toml"
        directory = self.running.audit_directory
        file.write_text(
            f'[store]\nurl = "sqlite:///{self.folder}/store.db"\n[audit]\ndirectory = "{directory}"\n', "utf-8"
        )
        return CliRunner().invoke(app, ["audit", "content", *arguments, "--config", str(file)], input=given)

    def events(self, name: EventName) -> list[Any]:
        return [each for each in events_under(self.running.audit_directory) if each.name is name]


@pytest.fixture(params=["flagged", "all"])
def served(request: pytest.FixtureRequest, tmp_path: Path, standin_url: str) -> Iterator[_Served]:
    """A gateway that answered known prompts of a known person, keeping excerpts or everything."""
    with _serving(tmp_path, standin_url, request.param) as found:
        yield found


@pytest.fixture
def flagged(tmp_path: Path, standin_url: str) -> Iterator[_Served]:
    """The same with excerpts."""
    with _serving(tmp_path, standin_url, "flagged") as found:
        yield found


@contextmanager
def _serving(folder: Path, standin_url: str, scope: str) -> Iterator[_Served]:
    with gateway(folder, standin_url, {"audit": {"content": scope}}) as running:
        found = _Served(folder, running, scope)
        for number in range(_EXCHANGES):
            prompt = f"known-prompt-{number} {BLOCKED if number % 4 == 0 else 'harmless'}"
            assert running.post(chat(prompt, user=_USER, stream=number % 2 == 0)).status_code == 200
        kept = _EXCHANGES if scope == "all" else _EXCHANGES // 4
        eventually(lambda: len(found.contents) == kept)
        yield found


def test_nothing_is_left_in_clear(served: _Served, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither a prompt nor who asked nor a key is in the store, the trail, or the log."""
    key = default_file(served.running.audit_directory)
    assert key.stat().st_mode & 0o777 == 0o600
    secret = base64.b64decode(key.read_bytes())
    written = [path.read_bytes() for path in sorted(served.folder.rglob("*")) if path.is_file() and path != key]
    printed = capfd.readouterr()
    written += [printed.out.encode(), printed.err.encode(), repr(served.running.on_disk()).encode()]
    assert sum(b"sluice" in each or b"request_id" in each for each in written) > 1, "nothing was looked at"
    for data in written:
        for text in (b"known-prompt", BLOCKED.encode(), _USER.encode(), secret, base64.b64encode(secret)):
            assert text not in data


def test_content_is_read_exported_and_erased(served: _Served) -> None:
    """Each look and each destruction is an event first; after an erasure nothing opens, and decisions stay."""
    blocked = [each for each in served.running.on_disk() if each.decision == "block"]
    record = blocked[0]
    shown = orjson.loads(served.run("read", record.request_id, "--reason", "complaint 7").stdout)
    texts = shown["prompt"] if served.scope == "all" else [each["text"] for each in shown["excerpts"]]
    assert any(BLOCKED in text and "known-prompt" in text for text in texts)
    (event,) = served.events(EventName.CONTENT_READ)
    assert (event.subject, event.reason, event.details["user"]) == (record.request_id, "complaint 7", record.user)

    lines = served.run("export", "--user", record.user, "--reason", "asked for").stdout.splitlines()
    exported = [orjson.loads(line) for line in lines]
    assert sum(each["type"] == "exchange" for each in exported) == _EXCHANGES
    assert sum("known-prompt" in str(each) for each in exported) == len(served.contents)
    assert _USER not in "".join(lines)
    (event,) = served.events(EventName.CONTENT_EXPORTED)
    assert (event.subject, event.details["entries"]) == (record.user, len(served.contents))

    before = served.running.on_disk()
    erased = served.run("erase", "--user", record.user, "--reason", "withdrew")
    assert "Destroyed 1 data keys" in erased.stdout
    (event,) = served.events(EventName.CONTENT_ERASED)
    assert (event.subject, event.details["keys"]) == (record.user, 1)
    gone = orjson.loads(served.run("read", record.request_id, "--reason", "again").stdout)
    assert gone["erased"] is True
    assert served.running.on_disk() == before
    assert "There are no keys" in served.run("erase", "--user", record.user, "--reason", "again").stderr


def test_an_end_user_has_one_pseudonym(flagged: _Served) -> None:
    """The same in every exchange, and found by who knows the name."""
    (pseudonym,) = {each.user for each in flagged.running.on_disk()}
    (account,) = {each.account for each in flagged.running.on_disk()}
    assert flagged.run("pseudonym", account, given=_USER + "\n").stdout.strip() == pseudonym
    assert flagged.run("pseudonym", "user", given=_USER + "\n").stdout.strip() == pseudonym
    assert flagged.run("pseudonym", "audit", given=_USER + "\n").stdout.strip() != pseudonym
    unknown = flagged.run("pseudonym", "acc-other", given=_USER + "\n")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert flagged.run("pseudonym", account).exit_code == 1


def test_what_cannot_be_done_is_said(flagged: _Served) -> None:
    """Whose content it is, and why it is touched, is always named."""
    for arguments, said in (
        (("read", "none", "--reason", "x"), "Nothing is kept"),
        (("erase", "--reason", "x"), "name one person"),
        (("erase", "--user", "a", "--account", "b", "--reason", "x"), "name one person"),
        (("erase", "--user", "a"), "--reason"),
    ):
        result = flagged.run(*arguments)
        assert result.exit_code != 0
        assert said in result.stderr


def test_what_is_not_old_stays_and_keys_are_wrapped_anew(flagged: _Served) -> None:
    """Retiring takes what is older than the retention; a new master key takes over, and what was kept still opens."""
    assert "Destroyed 0 data keys" in flagged.run("retire").stdout
    file = default_file(flagged.running.audit_directory)
    file.write_text(base64.b64encode(b"n" * 32).decode() + "\n" + file.read_text())
    assert "1 data keys are now wrapped" in flagged.run("rekey", "--reason", "yearly").stdout
    request_id = flagged.contents[0].request_id
    assert "known-prompt" in flagged.run("read", request_id, "--reason", "x").stdout
    assert len(flagged.events(EventName.CONTENT_REKEYED)) == 1
