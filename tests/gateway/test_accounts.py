"""Accounts as clients meet them: who is believed about end users, who is a reviewer, and what guessing comes to."""

from collections.abc import Iterator

import pytest

from gateway.accounts.account import AccountKind, parse_network
from gateway.accounts.drafts import AccountDraft, BindingDraft
from gateway.accounts.keys import new_key
from gateway.errors import ErrorCode
from gateway.protocol.record import ExchangeRecord
from tests.gateways import FOREVER_US, HTTP, Gateway, chat, gateway

HEADER = "x-end-user"
REVIEWER = "reviewer-01"
AWAY = "203.0.113.7"


class Platform:
    """A platform's account, and its requests."""

    def __init__(self, running: Gateway) -> None:
        self._running = running
        draft = AccountDraft("platform", AccountKind.USER, trusts_end_user=True)
        ((account, self._key),) = running.store.create_all([draft], 1)
        self.id = account.id
        network = (parse_network("203.0.113.0/24"),)
        binding = BindingDraft(self.pseudonym(REVIEWER), AccountKind.UNFILTERED, FOREVER_US, network)
        running.store.bind("platform", [binding], 1)

    def pseudonym(self, end_user: str) -> str:
        """Return what stands for an end user of this platform."""
        return self._running.services.sealer.pseudonym(self.id, end_user)

    def record(self, *headers: tuple[str, str], body: str = "", key: str = "") -> ExchangeRecord:
        """Ask, and return what is recorded of it."""
        named = {"user": body} if body else {}
        sent = [("authorization", f"Bearer {key or self._key}"), ("content-type", "application/json"), *headers]
        answer = HTTP.post(f"{self._running.url}/v1/chat/completions", json=chat("你好", **named), headers=sent)
        return self._running.record(answer.headers["x-request-id"])


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform behind a gateway that trusts this machine as a proxy."""
    server = {"trusted_proxies": ["127.0.0.1/32"], "end_user_header": HEADER, "unknown_keys_per_minute": 1}
    with gateway(tmp_path_factory.mktemp("trusting"), "http://127.0.0.1:1", {"server": server}) as running:
        yield Platform(running)


@pytest.fixture(scope="module")
def wary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform behind a gateway that trusts nobody as a proxy."""
    server = {"end_user_header": HEADER}
    with gateway(tmp_path_factory.mktemp("wary"), "http://127.0.0.1:1", {"server": server}) as running:
        yield Platform(running)


def test_a_trusted_proxy_names_the_end_user(trusting: Platform) -> None:
    """Before the body, which may be the end user's own; the body is heard where the header is silent."""
    assert trusting.record((HEADER, "one"), body=REVIEWER).user == trusting.pseudonym("one")
    assert trusting.record(body="two").user == trusting.pseudonym("two")
    assert trusting.record().user == ""


def test_a_header_from_anybody_else_says_nothing(wary: Platform) -> None:
    """Neither who asks nor from where, so it makes nobody a reviewer."""
    spoofed = wary.record((HEADER, REVIEWER), ("x-forwarded-for", AWAY))
    assert (spoofed.user, spoofed.account_kind) == ("", "user")
    # What a stranger sends there cannot fail a request either.
    assert wary.record((HEADER, "a"), (HEADER, "b"), body="two").user == wary.pseudonym("two")


def test_a_header_sent_twice_is_refused(trusting: Platform) -> None:
    """One of them may be the client's own."""
    record = trusting.record((HEADER, "one"), (HEADER, "two"))
    assert (record.status, record.error) == (400, ErrorCode.INVALID_REQUEST)


def test_a_reviewer_is_one_from_the_listed_networks_alone(trusting: Platform, wary: Platform) -> None:
    """Elsewhere they are judged as everybody of the platform."""
    far, near = ("x-forwarded-for", AWAY), ("x-forwarded-for", "198.51.100.1")
    assert trusting.record((HEADER, REVIEWER), far).account_kind == "unfiltered"
    assert trusting.record((HEADER, REVIEWER), near).account_kind == "user"
    assert trusting.record((HEADER, "one"), far).account_kind == "user"
    assert wary.record(far, body=REVIEWER).account_kind == "user"


def test_guesses_are_told_to_wait_and_keep_nobody_out(trusting: Platform) -> None:
    """429 for the address that guesses, an entry for each; another address, and who has a key, go on."""
    guesser, other = ("x-forwarded-for", "198.51.100.9"), ("x-forwarded-for", "198.51.100.10")
    trusting.record(guesser)
    said = [trusting.record(guesser, key=new_key()).error for _ in range(3)]
    assert said == [ErrorCode.KEY_UNKNOWN, ErrorCode.TOO_MANY_UNKNOWN_KEYS, ErrorCode.TOO_MANY_UNKNOWN_KEYS]
    assert trusting.record(guesser).error == ErrorCode.UPSTREAM_UNREACHABLE
    assert trusting.record(other, key=new_key()).error == ErrorCode.KEY_UNKNOWN
