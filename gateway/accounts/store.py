"""Accounts in the store: made, found, changed.

Rules: a key leaves this module once, when it is made, and only its digest stays; every change raises the counter
``accounts`` in its own transaction, so that whoever polls the counter misses no change; a change is recorded in that
transaction, with the counter's number, and one that cannot be recorded does not happen.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, insert, or_, select, update

from gateway.accounts.account import Account, AccountKind, Network, parse_network
from gateway.accounts.keys import key_digest, new_key
from gateway.audit.event_forms import EventName
from gateway.audit.events import Details, showable
from gateway.errors import RequestError
from gateway.storage.schema import ACCOUNT_KEYS, ACCOUNTS, REVISIONS
from gateway.storage.transactions import reading, writing

NAME_CHARACTERS = 64
"""Longest name of an account."""

REVISION = "accounts"
"""Name of the counter that goes up with every change here."""

_MICROSECONDS = 1_000_000


class AccountError(RequestError):
    """What was asked of an account cannot be done; the message says why and what to do."""


class Credential(NamedTuple):
    """What a key gives access to.

    Attributes:
        account: whose key it is.
        key_expires_at_us: first moment the key is refused, in microseconds of Unix time; None is never.
    """

    account: Account
    key_expires_at_us: int | None


class AccountChange(NamedTuple):
    """A change of an account that is about to be committed.

    Attributes:
        name: what happens.
        account_id: to which account.
        details: the rest, with the number of the change as `revision`.
    """

    name: EventName
    account_id: str
    details: Details


Record = Callable[[Sequence[AccountChange]], None]
"""Makes changes durable in the audit trail; called before they are committed, and undoes them by raising."""


@dataclass(frozen=True, slots=True)
class AccountDraft:
    """An account to be made; see `Account` for the attributes.

    Raises:
        AccountError: when the name cannot be used, or an unfiltered account lacks its bounds.
    """

    name: str
    kind: AccountKind
    policy: str | None = None
    expires_at_us: int | None = None
    allow_from: tuple[Network, ...] = ()

    def __post_init__(self) -> None:
        # Names are printed in lists and messages: a control character could forge a line there.
        named = self.name.isprintable() and self.name == self.name.strip()
        if not (named and 0 < len(self.name) <= NAME_CHARACTERS):
            raise AccountError(f"An account's name is 1 to {NAME_CHARACTERS} printable characters, no space around.")
        # For this kind the filters do not act, so a leaked key must soon be worth nothing and nowhere usable.
        if self.kind is AccountKind.UNFILTERED and (self.expires_at_us is None or not self.allow_from):
            raise AccountError(
                "An unfiltered account needs an expiry and a list of networks it may be used from. Give both."
            )


class AccountStore:
    """The accounts of one store; synchronous, safe to use from several threads.

    Args:
        engine: the store.
        record: records changes. Whoever changes accounts for people gives one; whoever only reads needs none.
    """

    def __init__(self, engine: Engine, record: Record = lambda _changes: None) -> None:
        self._engine = engine
        self._record = record

    def create(
        self,
        name: str,
        kind: AccountKind,
        *,
        policy: str | None = None,
        expires_at_us: int | None = None,
        allow_from: Sequence[Network] = (),
        at_us: int,
    ) -> tuple[Account, str]:
        """Make one account; see `create_all`."""
        draft = AccountDraft(name, kind, policy, expires_at_us, tuple(allow_from))
        return self.create_all([draft], at_us)[0]

    def create_all(self, drafts: Sequence[AccountDraft], at_us: int) -> list[tuple[Account, str]]:
        """Make accounts, each with a key: all of them, or none.

        Raises:
            AccountError: when a name is taken.
            StorageError: when the store fails.
        """
        # Outside the transaction, which holds the counter's lock while others wait.
        made = [(_account(draft, at_us), new_key()) for draft in drafts]
        changes = []
        with writing(self._engine) as connection:
            for account, key in made:
                revision = _raise_revision(connection)
                # Not left to the constraint, whose error differs by database; the counter's lock keeps it true.
                if _find(connection, account.name):
                    raise AccountError(f"There is an account {account.name!r} already. Choose another name.")
                connection.execute(insert(ACCOUNTS).values(_row(account)))
                _insert_key(connection, account.id, key, at_us)
                changes.append(_created(account, revision))
            # Last, so that it tells of nothing the store refuses; before the commit, so that nothing goes untold.
            self._record(changes)
        return made

    def find_by_digest(self, digest: bytes) -> Credential | None:
        """Return what the key with this digest gives access to.

        Raises:
            StorageError: when the store fails.
        """
        # One statement: this is the read a request waits for.
        query = select(ACCOUNTS, ACCOUNT_KEYS.c.expires_at_us.label("key_expires_at_us")).join_from(
            ACCOUNT_KEYS, ACCOUNTS
        )
        with reading(self._engine) as connection:
            row = connection.execute(query.where(ACCOUNT_KEYS.c.digest == digest)).mappings().first()
        return None if row is None else Credential(_parse(row), row["key_expires_at_us"])

    def list_all(self) -> list[Account]:
        """Return every account, by name."""
        with reading(self._engine) as connection:
            return [_parse(row) for row in connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.name)).mappings()]

    def disable(self, name: str, at_us: int) -> None:
        """Refuse an account from now on; one that is disabled already keeps its time.

        Raises:
            AccountError: when there is no such account.
        """
        with writing(self._engine) as connection:
            revision = _raise_revision(connection)
            account = _get(connection, name)
            if account.disabled_at_us is None:
                _set_disabled(connection, account, at_us)
            self._record([AccountChange(EventName.ACCOUNTS_DISABLED, account.id, {"revision": revision})])

    def enable(self, name: str) -> None:
        """Take an account back into service.

        Raises:
            AccountError: when there is no such account.
        """
        with writing(self._engine) as connection:
            revision = _raise_revision(connection)
            account = _get(connection, name)
            _set_disabled(connection, account, None)
            self._record([AccountChange(EventName.ACCOUNTS_ENABLED, account.id, {"revision": revision})])

    def rotate(self, name: str, overlap_seconds: int, at_us: int) -> str:
        """Give an account a new key; its other keys end after the overlap, or earlier where they would anyway.

        Raises:
            AccountError: when there is no such account.
        """
        # The old keys end in the transaction that makes the new one: a failure must not leave an account without any.
        key = new_key()
        ends_at_us = at_us + overlap_seconds * _MICROSECONDS
        keys = ACCOUNT_KEYS.c
        with writing(self._engine) as connection:
            revision = _raise_revision(connection)
            account = _get(connection, name)
            # A rotation may shorten a key's life and never lengthen it.
            ends_later = or_(keys.expires_at_us.is_(None), keys.expires_at_us > ends_at_us)
            connection.execute(
                update(ACCOUNT_KEYS).where(keys.account_id == account.id, ends_later).values(expires_at_us=ends_at_us)
            )
            _insert_key(connection, account.id, key, at_us)
            details = {"revision": revision, "others_end_at_us": ends_at_us}
            self._record([AccountChange(EventName.ACCOUNTS_ROTATED, account.id, details)])
        return key

    def revision(self) -> int:
        """Return the counter of changes; equal numbers mean that nothing changed."""
        with reading(self._engine) as connection:
            query = select(REVISIONS.c.number).where(REVISIONS.c.name == REVISION)
            return int(connection.execute(query).scalar_one())


def _raise_revision(connection: Connection) -> int:
    # First in every change: the row's lock puts changes of all processes in order, so what a change reads holds.
    raised = update(REVISIONS).where(REVISIONS.c.name == REVISION).values(number=REVISIONS.c.number + 1)
    return int(connection.execute(raised.returning(REVISIONS.c.number)).scalar_one())


def _created(account: Account, revision: int) -> AccountChange:
    given: dict[str, str | int | None] = {
        "policy": account.policy and showable(account.policy),
        "expires_at_us": account.expires_at_us,
        "allow_from": showable(", ".join(map(str, account.allow_from))) or None,
    }
    details = {"revision": revision, "kind": account.kind.value}
    details |= {key: value for key, value in given.items() if value is not None}
    return AccountChange(EventName.ACCOUNTS_CREATED, account.id, details)


def _find(connection: Connection, name: str) -> Account | None:
    row = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.name == name)).mappings().first()
    return None if row is None else _parse(row)


def _get(connection: Connection, name: str) -> Account:
    account = _find(connection, name)
    if account is None:
        raise AccountError(f"There is no account {name!r}. 'sluice accounts list' shows them all.")
    return account


def _set_disabled(connection: Connection, account: Account, at_us: int | None) -> None:
    connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account.id).values(disabled_at_us=at_us))


def _insert_key(connection: Connection, account_id: str, key: str, at_us: int) -> None:
    # Who reads the store, or a backup of it, must not be able to ask in anybody's name.
    row = {"digest": key_digest(key), "account_id": account_id, "created_at_us": at_us, "expires_at_us": None}
    connection.execute(insert(ACCOUNT_KEYS).values(row))


def _account(draft: AccountDraft, at_us: int) -> Account:
    return Account(
        # Entries keep this id for months; a name may be a person's, and could not be taken out of them.
        id=f"acc-{secrets.token_hex(8)}",
        name=draft.name,
        kind=draft.kind,
        policy=draft.policy,
        created_at_us=at_us,
        expires_at_us=draft.expires_at_us,
        disabled_at_us=None,
        allow_from=draft.allow_from,
    )


def _row(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "kind": account.kind.value,
        "policy": account.policy,
        "created_at_us": account.created_at_us,
        "expires_at_us": account.expires_at_us,
        "disabled_at_us": account.disabled_at_us,
        # Text, because arrays and network types are PostgreSQL's alone.
        "allow_from": json.dumps([str(network) for network in account.allow_from]),
    }


def _parse(row: Mapping[Any, Any]) -> Account:
    return Account(
        id=row["id"],
        name=row["name"],
        kind=AccountKind(row["kind"]),
        policy=row["policy"],
        created_at_us=row["created_at_us"],
        expires_at_us=row["expires_at_us"],
        disabled_at_us=row["disabled_at_us"],
        allow_from=tuple(parse_network(text) for text in json.loads(row["allow_from"])),
    )
