"""What may be made of accounts: the rules of a draft, checked before anything is stored."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.accounts.account import DEFAULT_TENANT, Account, AccountKind, Network, bounds_missing
from gateway.errors import RequestError

NAME_CHARACTERS = 64
"""Longest name of an account or a tenant."""
MODEL_CHARACTERS = 256
MOST_MODELS = 256
MOST_NETWORKS = 256
NOTE_CHARACTERS = 200
MOST_BINDINGS = 1_000
"""End users one account may bind: they are read together with it."""

ACCOUNT_ID = re.compile(r"acc-[0-9a-f]{16}")
PSEUDONYM = re.compile(r"[A-Za-z0-9_-]{22}")


class AccountError(RequestError):
    """What was asked of an account cannot be done; the message says why and what to do."""


class NoAccountError(AccountError):
    """There is no account or binding of this name."""


class NameTakenError(AccountError):
    """There is an account of this name already."""


@dataclass(frozen=True, slots=True)
class AccountDraft:
    """An account to be made; see `Account` for the attributes.

    Raises:
        AccountError: when a name cannot be used, there are too many, or an unfiltered account lacks its bounds.
    """

    name: str
    kind: AccountKind
    policy: str | None = None
    expires_at_us: int | None = None
    allow_from: tuple[Network, ...] = ()
    tenant: str = DEFAULT_TENANT
    models: tuple[str, ...] = ()
    trusts_end_user: bool = False

    def __post_init__(self) -> None:
        _check_name("An account's name", self.name)
        # Commands and routes take either, so a name must not be taken for another account's id.
        if ACCOUNT_ID.fullmatch(self.name):
            raise AccountError("An account's name must not look like an id. Choose another name.")
        check_rules(self)


@dataclass(frozen=True, slots=True)
class BindingDraft:
    """An end user to be bound to a kind; see `Binding` for the attributes.

    Raises:
        AccountError: when the pseudonym is none, the note cannot be shown, or an unfiltered binding lacks its bounds.
    """

    pseudonym: str
    kind: AccountKind
    expires_at_us: int | None = None
    allow_from: tuple[Network, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        if not PSEUDONYM.fullmatch(self.pseudonym):
            raise AccountError("A pseudonym is 22 characters of base64url, as the audit trail shows it in `user`.")
        if self.kind is AccountKind.USER:
            raise AccountError("End users are bound to the kind audit or unfiltered; unbound, they are users.")
        if len(self.note) > NOTE_CHARACTERS or not self.note.isprintable():
            raise AccountError(f"A note is at most {NOTE_CHARACTERS} printable characters.")
        _check_networks(self.allow_from)
        if bounds_missing(self.kind, self.expires_at_us, self.allow_from):
            raise AccountError(
                "An unfiltered binding needs an expiry and a list of networks it holds for. Give both."
            )


def check_rules(account: AccountDraft | Account) -> None:
    """Refuse what no account may be, besides a name that cannot be used.

    Raises:
        AccountError: saying what is wrong and what to do.
    """
    _check_name("A tenant's name", account.tenant)
    if len(account.models) > MOST_MODELS or not all(map(_is_model, account.models)):
        raise AccountError(
            f"An account lists at most {MOST_MODELS} models, each 1 to {MODEL_CHARACTERS} printable characters."
        )
    _check_networks(account.allow_from)
    if bounds_missing(account.kind, account.expires_at_us, account.allow_from):
        raise AccountError(
            "An unfiltered account needs an expiry and a list of networks it may be used from. Give both."
        )


def _check_name(what: str, name: str) -> None:
    # Names are printed in lists and messages: a control character could forge a line there.
    if not (name.isprintable() and name == name.strip() and 0 < len(name) <= NAME_CHARACTERS):
        raise AccountError(f"{what} is 1 to {NAME_CHARACTERS} printable characters, no space around.")


def _check_networks(networks: Sequence[Network]) -> None:
    if len(networks) > MOST_NETWORKS:
        raise AccountError(f"At most {MOST_NETWORKS} networks may be listed. Join neighbours into larger ones.")


def _is_model(name: str) -> bool:
    return 0 < len(name) <= MODEL_CHARACTERS and name.isprintable() and name == name.strip()
