"""Who is behind a request: believed where the operator says so, and nowhere else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accounts.account import AccountKind, Binding, parse_network
from gateway.accounts.identity import (
    END_USER_CHARACTERS,
    PSEUDONYMS_REMEMBERED,
    Caller,
    Named,
    Pseudonyms,
    identify,
    named_in_header,
)
from gateway.audit.content.secrets import MasterKeys
from gateway.errors import RequestError
from tests.gateway.accounts.samples import AT_US, sample_account

KEYS = MasterKeys([bytes(32)])
PLAIN = sample_account()
TRUSTED = replace(PLAIN, trusts_end_user=True)
ADDRESS = "10.0.0.1"
NAMES = st.text(max_size=8)


def ask(named: Named, *, trusted: bool = True, address: str | None = ADDRESS) -> Caller:
    """Identify whoever an account's request names."""
    return identify(TRUSTED if trusted else PLAIN, named, address, AT_US, KEYS.pseudonym)


@given(NAMES, NAMES, st.booleans())
def test_an_account_that_is_not_trusted_names_nobody(header: str, body: str, peer_trusted: bool) -> None:  # noqa: FBT001
    """Whatever it sends: else every end user could be somebody else each time."""
    assert ask(Named(header, body, peer_trusted), trusted=False) == Caller("", "", AccountKind.USER)


@given(NAMES, NAMES)
def test_a_header_from_anybody_but_a_trusted_proxy_is_ignored(header: str, body: str) -> None:
    """As if it had not been sent."""
    assert ask(Named(header, body, peer_trusted=False)) == ask(Named("", body, peer_trusted=False))


@pytest.mark.parametrize(
    ("named", "believed"),
    [
        (Named("", "", peer_trusted=True), ""),
        (Named("", "in-body", peer_trusted=True), "in-body"),
        (Named("", "in-body", peer_trusted=False), "in-body"),
        (Named("in-header", "", peer_trusted=True), "in-header"),
        (Named("in-header", "in-body", peer_trusted=True), "in-header"),
        (Named("in-header", "in-body", peer_trusted=False), "in-body"),
    ],
)
def test_whom_a_trusted_account_names(named: Named, believed: str) -> None:
    """The proxy's word goes before the body's; without either it is the account itself that asks."""
    caller = ask(named)
    assert caller.end_user == believed
    assert caller.pseudonym == (KEYS.pseudonym(TRUSTED.id, believed) if believed else "")


def test_what_is_printed_of_a_caller_does_not_name_anybody() -> None:
    """A log of one would."""
    assert "reviewer" not in repr(ask(Named(body="reviewer-01")))


def test_a_name_too_long_to_be_one_is_refused() -> None:
    """The longest that is taken is taken."""
    assert ask(Named(body="x" * END_USER_CHARACTERS)).pseudonym
    with pytest.raises(RequestError, match="more than 512 characters"):
        ask(Named(body="x" * (END_USER_CHARACTERS + 1)))
    assert ask(Named(body="x" * (END_USER_CHARACTERS + 1)), trusted=False).pseudonym == ""


@pytest.mark.parametrize("kind", [AccountKind.AUDIT, AccountKind.UNFILTERED])
@pytest.mark.parametrize(
    ("expires_at_us", "address", "holds"),
    [
        (AT_US + 1, ADDRESS, True),
        (AT_US, ADDRESS, False),
        (AT_US + 1, "11.0.0.1", False),
        (AT_US + 1, None, False),
    ],
)
def test_a_binding_holds_until_its_end_and_from_its_networks(
    kind: AccountKind, expires_at_us: int, address: str | None, *, holds: bool
) -> None:
    """Else the end user is judged as everybody of the account."""
    name = KEYS.pseudonym(TRUSTED.id, "reviewer-01")
    binding = Binding(name, kind, 1, expires_at_us, (parse_network("10.0.0.0/8"),))
    account = replace(TRUSTED, bindings={name: binding})

    def kind_of(end_user: str) -> AccountKind:
        return identify(account, Named(body=end_user), address, AT_US, KEYS.pseudonym).kind

    assert kind_of("reviewer-01") is (kind if holds else AccountKind.USER)
    assert kind_of("reviewer-02") is AccountKind.USER
    # A binding without trust says nothing: anybody could name the reviewer.
    unproven = replace(account, trusts_end_user=False)
    assert identify(unproven, Named(body="reviewer-01"), address, AT_US, KEYS.pseudonym).kind is AccountKind.USER


def test_an_audit_binding_may_have_no_bounds() -> None:
    """The filters act on it as on everybody."""
    name = KEYS.pseudonym(TRUSTED.id, "r")
    account = replace(TRUSTED, bindings={name: Binding(name, AccountKind.AUDIT, 1)})
    assert identify(account, Named(body="r"), None, AT_US, KEYS.pseudonym).kind is AccountKind.AUDIT


def test_pseudonyms_are_remembered_up_to_a_bound() -> None:
    """The same person is computed once; many people do not fill the memory."""
    made: list[tuple[str, str]] = []

    def make(account_id: str, end_user: str) -> str:
        made.append((account_id, end_user))
        return KEYS.pseudonym(account_id, end_user)

    pseudonyms = Pseudonyms(make)
    assert pseudonyms("acc-1", "a") == pseudonyms("acc-1", "a") != pseudonyms("acc-2", "a")
    assert len(made) == 2
    for number in range(PSEUDONYMS_REMEMBERED):
        pseudonyms("acc-1", str(number))
    pseudonyms("acc-1", "a")
    assert made.count(("acc-1", "a")) == 2


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ([], ""),
        ([(b"x-end-user", b" someone ")], "someone"),
        ([(b"x-end-user", "名".encode())], "名"),
        ([(b"x-other", b"someone")], ""),
    ],
)
def test_a_header_is_read(headers: list[tuple[bytes, bytes]], named: str) -> None:
    """In UTF-8, without the space around it."""
    assert named_in_header(headers, b"x-end-user") == named


@pytest.mark.parametrize(
    "headers", [[(b"x-end-user", b"a"), (b"x-end-user", b"a")], [(b"x-end-user", b"\xff")]], ids=["twice", "no text"]
)
def test_a_header_that_can_be_read_in_two_ways_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    """One of two is the client's own; the message quotes neither."""
    with pytest.raises(RequestError, match="header that names the end user"):
        named_in_header(headers, b"x-end-user")
