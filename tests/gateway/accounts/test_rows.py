"""Accounts and bindings survive the store's form, and the trail is told no name of anybody."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.accounts.account import Account, AccountKind, Binding, parse_network
from gateway.accounts.rows import account_row, binding_row, parse_account, parse_binding, said_of

NETWORKS = st.lists(st.sampled_from(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]), max_size=3).map(
    lambda texts: tuple(map(parse_network, texts))
)
MOMENTS = st.none() | st.integers(1, 2**52)
TEXTS = st.text(min_size=1, max_size=20)
ACCOUNTS = st.builds(
    Account,
    id=TEXTS,
    name=TEXTS,
    kind=st.sampled_from(AccountKind),
    policy=st.none() | TEXTS,
    created_at_us=st.integers(1, 2**52),
    expires_at_us=MOMENTS,
    disabled_at_us=MOMENTS,
    allow_from=NETWORKS,
    tenant=TEXTS,
    models=st.lists(TEXTS, max_size=3).map(tuple),
    trusts_end_user=st.booleans(),
    bindings=st.just({}),
)
BINDINGS = st.builds(
    Binding,
    pseudonym=TEXTS,
    kind=st.sampled_from([AccountKind.AUDIT, AccountKind.UNFILTERED]),
    created_at_us=st.integers(1, 2**52),
    expires_at_us=MOMENTS,
    allow_from=NETWORKS,
    note=TEXTS,
)


@given(ACCOUNTS, st.lists(BINDINGS, max_size=3, unique_by=lambda each: each.pseudonym))
def test_an_account_comes_back_from_its_row(account: Account, bindings: list[Binding]) -> None:
    """Every member, with its bindings by pseudonym."""
    parsed = parse_account(account_row(account), bindings)
    assert dict(parsed.bindings) == {each.pseudonym: each for each in bindings}
    assert account_row(parsed) == account_row(account)


@given(BINDINGS)
def test_a_binding_comes_back_from_its_row(binding: Binding) -> None:
    """Every member."""
    assert parse_binding(binding_row("acc-1", binding)) == binding


@given(ACCOUNTS)
def test_the_trail_is_told_what_decides_and_no_name(account: Account) -> None:
    """A name may be a person's."""
    said = said_of(account)
    assert "name" not in said
    assert said.get("models", "") == "" if not account.models else "models" in said
    assert ("trusts_end_user" in said) is account.trusts_end_user
