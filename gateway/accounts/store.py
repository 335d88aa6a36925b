"""Accounts in the store: made, found, changed.

Rules: a key leaves this module once, when it is made, and only its digest stays; every change raises the counter
``accounts`` in its own transaction and leaves its number with the account, so that whoever polls the counter misses
no change and knows whose it was; a change is recorded in that transaction, with the counter's number, and one that
cannot be recorded does not happen. Accounts are never deleted: entries of the audit trail name them for months.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, delete, insert, or_, select, update

from gateway.accounts.account import Account, AccountKind, Binding, Network
from gateway.accounts.drafts import (
    ACCOUNT_ID,
    MOST_BINDINGS,
    NAME_CHARACTERS,
    AccountDraft,
    AccountError,
    BindingDraft,
    NameTakenError,
    NoAccountError,
    check_rules,
)
from gateway.accounts.keys import key_digest, new_key
from gateway.accounts.rows import Said, account_row, binding_row, parse_account, parse_binding, said_of
from gateway.audit.event_forms import EventName
from gateway.audit.events import Details
from gateway.storage.schema import ACCOUNT_BINDINGS, ACCOUNT_KEYS, ACCOUNTS, REVISIONS
from gateway.storage.transactions import reading, writing

__all__ = ["NAME_CHARACTERS", "AccountDraft", "AccountError", "AccountStore"]

REVISION = "accounts"
"""Name of the counter that goes up with every change here."""

CHANGES_TOLD = 1_000
"""Changed accounts that are told by name; whoever missed more forgets all it knew."""

_MICROSECONDS = 1_000_000


class Credential(NamedTuple):
    """What a key gives access to.

    Attributes:
        account: whose key it is.
        key_expires_at_us: first moment the key is refused, in microseconds of Unix time; None is never.
    """

    account: Account
    key_expires_at_us: int | None


class KeyLife(NamedTuple):
    """How long a key lives; the key itself is not known here.

    Attributes:
        created_at_us: when it was made, in microseconds of Unix time.
        expires_at_us: first moment it is refused; None is never.
    """

    created_at_us: int
    expires_at_us: int | None


class Pruned(NamedTuple):
    """What was cleared away.

    Attributes:
        keys: number of keys.
        bindings: number of bindings.
    """

    keys: int
    bindings: int


class AccountChange(NamedTuple):
    """A change of an account that is about to be committed.

    Attributes:
        name: what happens.
        account_id: to which account; empty for what happens to no single one.
        details: the rest, with the number of the change as `revision`.
    """

    name: EventName
    account_id: str
    details: Details


Record = Callable[[Sequence[AccountChange]], None]
"""Makes changes durable in the audit trail; called before they are committed, and undoes them by raising."""


class _Change(NamedTuple):
    """A change under way: its transaction, its number, and the account as it is before it."""

    connection: Connection
    revision: int
    account: Account


class AccountStore:
    """The accounts of one store; synchronous, safe to use from several threads.

    Wherever an account is named, its id does as well.

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
                if _find_row(connection, account.name):
                    raise NameTakenError(f"There is an account {account.name!r} already. Choose another name.")
                connection.execute(insert(ACCOUNTS).values(account_row(account) | {"changed_in": revision}))
                _insert_key(connection, account.id, key, at_us)
                details = {"revision": revision} | said_of(account)
                changes.append(AccountChange(EventName.ACCOUNTS_CREATED, account.id, details))
            # Last, so that it tells of nothing the store refuses; before the commit, so that nothing goes untold.
            self._record(changes)
        return made

    def find_by_digest(self, digest: bytes) -> Credential | None:
        """Return what the key with this digest gives access to.

        Raises:
            StorageError: when the store fails.
        """
        # One statement: this is the read a request waits for. Bindings make a row each, and few accounts have any.
        bound, keys = ACCOUNT_BINDINGS.c, ACCOUNT_KEYS.c
        query = (
            select(
                ACCOUNTS,
                keys.expires_at_us.label("key_expires_at_us"),
                *(column.label(f"bound_{column.name}") for column in bound),
            )
            .join_from(ACCOUNT_KEYS, ACCOUNTS)
            .outerjoin(ACCOUNT_BINDINGS, bound.account_id == ACCOUNTS.c.id)
            .where(keys.digest == digest)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).mappings().all()
        if not rows:
            return None
        bindings = [
            parse_binding({column.name: row[f"bound_{column.name}"] for column in bound})
            for row in rows
            if row["bound_pseudonym"] is not None
        ]
        return Credential(parse_account(rows[0], bindings), rows[0]["key_expires_at_us"])

    def list_all(self) -> list[Account]:
        """Return every account, by name, without its bindings."""
        with reading(self._engine) as connection:
            query = select(ACCOUNTS).order_by(ACCOUNTS.c.name)
            return [parse_account(row) for row in connection.execute(query).mappings()]

    def list_page(self, limit: int, after: str = "") -> list[Account]:
        """Return accounts by name, without their bindings.

        Args:
            limit: most that are returned.
            after: name behind which to begin.
        """
        query = select(ACCOUNTS).where(ACCOUNTS.c.name > after).order_by(ACCOUNTS.c.name).limit(limit)
        with reading(self._engine) as connection:
            return [parse_account(row) for row in connection.execute(query).mappings()]

    def get(self, name: str) -> tuple[Account, list[KeyLife]]:
        """Return an account with its bindings, and the lives of its keys, the newest first.

        Raises:
            NoAccountError: when there is no such account.
        """
        keys = ACCOUNT_KEYS.c
        with reading(self._engine) as connection:
            account = _get(connection, name)
            query = select(keys.created_at_us, keys.expires_at_us).where(keys.account_id == account.id)
            rows = connection.execute(query.order_by(keys.created_at_us.desc(), keys.digest))
            return account, [KeyLife(*row) for row in rows]

    def disable(self, name: str, at_us: int) -> None:
        """Refuse an account from now on; one that is disabled already keeps its time.

        Raises:
            NoAccountError: when there is no such account.
        """
        with self._changing(name) as change:
            if change.account.disabled_at_us is None:
                _update(change, {"disabled_at_us": at_us})
            self._tell(EventName.ACCOUNTS_DISABLED, change)

    def enable(self, name: str) -> None:
        """Take an account back into service.

        Raises:
            NoAccountError: when there is no such account.
        """
        with self._changing(name) as change:
            _update(change, {"disabled_at_us": None})
            self._tell(EventName.ACCOUNTS_ENABLED, change)

    def amend(self, name: str, amend: Callable[[Account], Account]) -> Account:
        """Change what an account may do; its id, name, kind and keys stay.

        Args:
            name: the account.
            amend: makes the new account of the old one.

        Raises:
            AccountError: when there is no such account, or none may be like the new one.
        """
        with self._changing(name) as change:
            before, after = change.account, amend(change.account)
            check_rules(after)
            _update(change, account_row(after))
            was, now = said_of(before), said_of(after)
            details: Said = {key: value for key, value in now.items() if was.get(key) != value}
            if removed := sorted(was.keys() - now.keys()):
                details["removed"] = ", ".join(removed)
            self._tell(EventName.ACCOUNTS_CHANGED, change, details)
        return after

    def rotate(self, name: str, overlap_seconds: int, at_us: int) -> str:
        """Give an account a new key; its other keys end after the overlap, or earlier where they would anyway.

        Raises:
            NoAccountError: when there is no such account.
        """
        # The old keys end in the transaction that makes the new one: a failure must not leave an account without any.
        key = new_key()
        ends_at_us = at_us + overlap_seconds * _MICROSECONDS
        keys = ACCOUNT_KEYS.c
        with self._changing(name) as change:
            # A rotation may shorten a key's life and never lengthen it.
            ends_later = or_(keys.expires_at_us.is_(None), keys.expires_at_us > ends_at_us)
            mine = keys.account_id == change.account.id
            change.connection.execute(update(ACCOUNT_KEYS).where(mine, ends_later).values(expires_at_us=ends_at_us))
            _insert_key(change.connection, change.account.id, key, at_us)
            self._tell(EventName.ACCOUNTS_ROTATED, change, {"others_end_at_us": ends_at_us})
        return key

    def bind(self, name: str, drafts: Sequence[BindingDraft], at_us: int) -> list[Binding]:
        """Judge end users of an account as another kind; a binding that is there already is replaced.

        Raises:
            AccountError: when there is no such account, its requests are not believed, or there would be too many.
        """
        bindings = [
            Binding(each.pseudonym, each.kind, at_us, each.expires_at_us, each.allow_from, each.note)
            for each in drafts
        ]
        with self._changing(name) as change:
            _check_may_bind(change.account, bindings)
            for binding in bindings:
                _delete_binding(change, binding.pseudonym)
                change.connection.execute(insert(ACCOUNT_BINDINGS).values(binding_row(change.account.id, binding)))
            self._tell_all(
                EventName.ACCOUNTS_BOUND, change, [{"user": each.pseudonym} | said_of(each) for each in bindings]
            )
        return bindings

    def unbind(self, name: str, pseudonym: str) -> None:
        """End a binding: the end user is judged as the account is.

        Raises:
            NoAccountError: when there is no such account or binding.
        """
        with self._changing(name) as change:
            if not _delete_binding(change, pseudonym):
                raise NoAccountError(
                    f"The account {change.account.name!r} binds no end user of this pseudonym. "
                    "'sluice accounts bindings' shows whom it binds."
                )
            self._tell(EventName.ACCOUNTS_UNBOUND, change, {"user": pseudonym})

    def prune(self, before_us: int) -> Pruned:
        """Clear away keys and bindings that ended before a moment; accounts stay.

        Args:
            before_us: microseconds of Unix time.
        """
        keys, bound = ACCOUNT_KEYS.c, ACCOUNT_BINDINGS.c
        with writing(self._engine) as connection:
            revision = _raise_revision(connection)
            pruned = Pruned(
                connection.execute(delete(ACCOUNT_KEYS).where(keys.expires_at_us < before_us)).rowcount,
                connection.execute(delete(ACCOUNT_BINDINGS).where(bound.expires_at_us < before_us)).rowcount,
            )
            details = {"revision": revision, "before_us": before_us, **pruned._asdict()}
            self._record([AccountChange(EventName.ACCOUNTS_PRUNED, "", details)])
        return pruned

    def revision(self) -> int:
        """Return the counter of changes; equal numbers mean that nothing changed."""
        with reading(self._engine) as connection:
            query = select(REVISIONS.c.number).where(REVISIONS.c.name == REVISION)
            return int(connection.execute(query).scalar_one())

    def changed_since(self, revision: int) -> frozenset[str] | None:
        """Return the ids of accounts that changed after the counter had a number; None for too many to tell."""
        query = select(ACCOUNTS.c.id).where(ACCOUNTS.c.changed_in > revision).limit(CHANGES_TOLD + 1)
        with reading(self._engine) as connection:
            changed = frozenset(connection.execute(query).scalars())
        return changed if len(changed) <= CHANGES_TOLD else None

    @contextmanager
    def _changing(self, name: str) -> Iterator[_Change]:
        """Open the transaction of a change of one account."""
        with writing(self._engine) as connection:
            revision = _raise_revision(connection)
            change = _Change(connection, revision, _get(connection, name))
            _update(change, {"changed_in": revision})
            yield change

    def _tell(self, name: EventName, change: _Change, details: Mapping[str, str | int] | None = None) -> None:
        self._tell_all(name, change, [details or {}])

    def _tell_all(self, name: EventName, change: _Change, details: Sequence[Mapping[str, str | int]]) -> None:
        self._record(
            [AccountChange(name, change.account.id, {"revision": change.revision, **each}) for each in details]
        )


def _raise_revision(connection: Connection) -> int:
    # First in every change: the row's lock puts changes of all processes in order, so what a change reads holds.
    raised = update(REVISIONS).where(REVISIONS.c.name == REVISION).values(number=REVISIONS.c.number + 1)
    return int(connection.execute(raised.returning(REVISIONS.c.number)).scalar_one())


def _find_row(connection: Connection, name: str) -> Mapping[Any, Any] | None:
    column = ACCOUNTS.c.id if ACCOUNT_ID.fullmatch(name) else ACCOUNTS.c.name
    return connection.execute(select(ACCOUNTS).where(column == name)).mappings().first()


def _get(connection: Connection, name: str) -> Account:
    row = _find_row(connection, name)
    if row is None:
        raise NoAccountError(f"There is no account {name!r}. 'sluice accounts list' shows them all.")
    query = select(ACCOUNT_BINDINGS).where(ACCOUNT_BINDINGS.c.account_id == row["id"])
    return parse_account(row, map(parse_binding, connection.execute(query).mappings()))


def _update(change: _Change, values: Mapping[str, Any]) -> None:
    change.connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == change.account.id).values(values))


def _insert_key(connection: Connection, account_id: str, key: str, at_us: int) -> None:
    # Who reads the store, or a backup of it, must not be able to ask in anybody's name.
    row = {"digest": key_digest(key), "account_id": account_id, "created_at_us": at_us, "expires_at_us": None}
    connection.execute(insert(ACCOUNT_KEYS).values(row))


def _delete_binding(change: _Change, pseudonym: str) -> bool:
    bound = ACCOUNT_BINDINGS.c
    mine = (bound.account_id == change.account.id, bound.pseudonym == pseudonym)
    return change.connection.execute(delete(ACCOUNT_BINDINGS).where(*mine)).rowcount > 0


def _check_may_bind(account: Account, bindings: Sequence[Binding]) -> None:
    if account.kind is not AccountKind.USER:
        raise AccountError(
            f"The account {account.name!r} is of kind {account.kind} as a whole. Bind end users of a user account."
        )
    # Else the binding would say nothing, and nobody would see why.
    if not account.trusts_end_user:
        raise AccountError(
            f"Requests of the account {account.name!r} are not believed when they name an end user. "
            "If its platform vouches for them, say so first: 'sluice accounts change --trusts-end-user'."
        )
    if len(account.bindings.keys() | {each.pseudonym for each in bindings}) > MOST_BINDINGS:
        raise AccountError(
            f"An account binds at most {MOST_BINDINGS} end users. 'sluice accounts prune' clears old ones."
        )


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
        tenant=draft.tenant,
        models=draft.models,
        trusts_end_user=draft.trusts_end_user,
    )
