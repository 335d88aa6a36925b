"""Who is refused, and why: a pure rule over one account, a moment and an address."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accounts.account import Account, parse_network, refusal
from gateway.errors import ErrorCode
from tests.gateway.accounts.samples import AT_US, sample_account


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (sample_account(), None),
        (sample_account(expires_at_us=AT_US + 1), None),
        (sample_account(expires_at_us=AT_US), ErrorCode.ACCOUNT_EXPIRED),
        (sample_account(expires_at_us=AT_US - 1), ErrorCode.ACCOUNT_EXPIRED),
        (sample_account(disabled_at_us=AT_US - 1), ErrorCode.ACCOUNT_DISABLED),
        # The clock of the machine that disabled it may be ahead of ours.
        (sample_account(disabled_at_us=AT_US + 1), ErrorCode.ACCOUNT_DISABLED),
        (sample_account(disabled_at_us=1, expires_at_us=1), ErrorCode.ACCOUNT_DISABLED),
        (sample_account(expires_at_us=1, allow_from=("10.0.0.0/8",)), ErrorCode.ACCOUNT_EXPIRED),
    ],
)
def test_an_account_is_refused_for_its_state(account: Account, expected: ErrorCode | None) -> None:
    """An expiry is the first moment outside; disabling comes before expiry, expiry before the address."""
    assert refusal(account, AT_US, None) is expected


@pytest.mark.parametrize(
    ("allow_from", "address", "allowed"),
    [
        ((), None, True),
        ((), "not an address", True),
        (("10.0.0.0/8",), "10.1.2.3", True),
        (("10.0.0.0/8",), "11.0.0.0", False),
        (("10.0.0.0/8", "192.0.2.7"), "192.0.2.7", True),
        (("10.0.0.0/8",), "::ffff:10.1.2.3", True),
        (("::ffff:10.0.0.0/104",), "10.1.2.3", True),
        (("::ffff:10.0.0.0/104",), "11.1.2.3", False),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), "2001:db9::1", False),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("0.0.0.0/0",), "2001:db8::1", False),
        (("0.0.0.0/0",), None, False),
        (("0.0.0.0/0",), "", False),
        (("0.0.0.0/0",), "unix:", False),
    ],
)
def test_an_allow_list_is_kept_to(allow_from: tuple[str, ...], address: str | None, *, allowed: bool) -> None:
    """Without a list any address will do; with one, an address that is unknown or unreadable is refused."""
    code = refusal(sample_account(allow_from=allow_from), AT_US, address)
    assert code is (None if allowed else ErrorCode.ADDRESS_NOT_ALLOWED)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_a_mapped_address_is_the_address_it_maps(address: int, base: int, prefix: int) -> None:
    """What a dual-stack socket reports for an IPv4 peer is judged as IPv4 would be."""
    plain = IPv4Address(address)
    account = sample_account(allow_from=(str(IPv4Network((base, prefix), strict=False)),))
    assert refusal(account, AT_US, f"::ffff:{plain}") is refusal(account, AT_US, str(plain))


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "10.0.0.0/33", "everywhere", "2001:db8::1/32"])
def test_what_is_no_network_is_not_taken_for_one(text: str) -> None:
    """A network with bits behind its prefix is a mistake that would allow more than was meant."""
    with pytest.raises(ValueError, match=r"network|address|host bits|netmask"):
        parse_network(text)
