"""The sealer: one key for each person and day, pseudonyms for names, digests that only the key's holder can make."""

import pytest

from gateway.audit.content import sealer as sealing
from gateway.audit.content.keys import DataKey
from gateway.audit.content.sealer import Sealer
from gateway.audit.content.secrets import MasterKeys
from gateway.protocol.evidence import Evidence
from tests.gateway.audit.builders import exchange

_DAY_US = 86_400_000_000


class _Writer:
    """Takes what a content writer takes."""

    def __init__(self) -> None:
        self.keys: list[DataKey] = []
        self.contents: list[str] = []
        self.room = True
        self.destroyed = 0

    def put_key(self, key: DataKey) -> None:
        """Note a key."""
        self.keys.append(key)

    def put(self, request_id: str, at_us: int, evidence: Evidence, key: DataKey) -> bool:
        """Note content, where there is room."""
        self.contents.append(request_id)
        return self.room


def _made() -> tuple[Sealer, _Writer]:
    writer = _Writer()
    return Sealer(MasterKeys([b"k" * 32]), writer), writer  # type: ignore[arg-type]  # what it uses of one


def test_a_person_has_one_key_a_day() -> None:
    """Another person, another account and another day have others."""
    sealer, writer = _made()
    for end_user, account, day in (("a", "x", 1), ("a", "x", 1), ("b", "x", 1), ("a", "y", 1), ("a", "x", 2)):
        sealer.seal(exchange(account=account, started_at_us=day * _DAY_US), Evidence(end_user))
    assert [(key.account, key.day) for key in writer.keys] == [("x", 1), ("x", 1), ("y", 1), ("x", 2)]
    assert len({key.user for key in writer.keys}) == 3


def test_digests_are_salted_with_the_key_of_the_person() -> None:
    """Only who holds it can tell a guessed text from another."""
    sealer, writer = _made()
    record = exchange(request_id="r-1")
    sealed = sealer.seal(record, Evidence("a", b"p" * 32, b"r" * 32))
    (key,) = writer.keys
    assert sealed.user == key.user == MasterKeys([b"k" * 32]).pseudonym(record.account, "a")
    assert sealed.prompt_digest == key.digest(b"prompt", "r-1", b"p" * 32)
    assert sealed.reply_digest == key.digest(b"reply", "r-1", b"r" * 32)
    assert sealer.seal(exchange(request_id="r-2"), Evidence("a", b"p" * 32)).prompt_digest != sealed.prompt_digest


def test_nobody_has_no_key() -> None:
    """A request without an account was not read."""
    sealer, writer = _made()
    assert tuple(sealer.seal(exchange(account=""), Evidence())) == ("", "", "", "")
    assert writer.keys == []
    assert sealer.seal(exchange(), Evidence()).user == ""


def test_what_becomes_of_content_is_said() -> None:
    """Kept, dropped where there is no room, and nothing where there is none."""
    sealer, writer = _made()
    assert sealer.seal(exchange(), Evidence("a", prompt=("x",))).content == "kept"
    writer.room = False
    assert sealer.seal(exchange(), Evidence("a", reply=("x",))).content == "dropped"
    assert sealer.seal(exchange(), Evidence("a")).content == ""


def test_destroyed_keys_are_used_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an erasure somewhere everybody gets another key; memory is bounded in the same way."""
    sealer, writer = _made()
    sealer.seal(exchange(), Evidence("a"))
    writer.destroyed += 1
    sealer.seal(exchange(), Evidence("a"))
    assert len({key.id for key in writer.keys}) == 2
    monkeypatch.setattr(sealing, "_MOST_PEOPLE", 1)
    for name in ("b", "a"):
        sealer.seal(exchange(), Evidence(name))
    assert len(writer.keys) == 4
