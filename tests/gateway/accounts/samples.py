"""Accounts for tests."""

from gateway.accounts.account import Account, AccountKind, parse_network

AT_US = 1_800_000_000_000_000


def sample_account(
    *, expires_at_us: int | None = None, disabled_at_us: int | None = None, allow_from: tuple[str, ...] = ()
) -> Account:
    """Return an account that may be used at ``AT_US`` unless an argument says otherwise."""
    return Account(
        id="acc-1",
        name="one",
        kind=AccountKind.USER,
        policy=None,
        created_at_us=AT_US - 1,
        expires_at_us=expires_at_us,
        disabled_at_us=disabled_at_us,
        allow_from=tuple(parse_network(text) for text in allow_from),
    )
