"""Agreements: end users who take over the duty to label, and so get replies without the visible label.

Labelling Measures, article 9: at a user's request content may be given without an explicit label, once the user
agreement has fixed the user's own labelling duty and responsibility; who got such content is kept for six months and
longer. Rules: an agreement names its version and when it was accepted; it is ended and never changed or deleted;
every step is in the audit trail, and so is each reply given under it; the members for programs stay in every reply.
"""

import secrets
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection, Engine, and_, insert, or_, select, update

from gateway.accounts.drafts import AccountError, NoAccountError
from gateway.audit.event_forms import EventName
from gateway.audit.events import Details
from gateway.moments import show_moment
from gateway.storage.schema import ACCOUNTS, LABEL_AGREEMENTS, REVISIONS
from gateway.storage.transactions import reading, writing

REVISION = "label_agreements"
"""Name of the counter that goes up with every change here."""

VERSION_CHARACTERS = 64
_ROWS = LABEL_AGREEMENTS.c


class Agreement(NamedTuple):
    """One agreement.

    Attributes:
        id: names it in audit entries.
        account: id of the account whose end user it is.
        end_user: pseudonym of the end user; empty for the account itself.
        version: which wording of the user agreement was accepted.
        accepted_at_us: when, in microseconds of Unix time.
        ended_at_us: when it ended; None while it holds.
    """

    id: str
    account: str
    end_user: str
    version: str
    accepted_at_us: int
    ended_at_us: int | None = None


def describe_agreement(agreement: Agreement) -> dict[str, str | None]:
    """Return an agreement as people and programs read it."""
    return {
        "id": agreement.id,
        "account": agreement.account,
        "end_user": agreement.end_user or None,
        "version": agreement.version,
        "accepted_at": show_moment(agreement.accepted_at_us),
        "ended_at": show_moment(agreement.ended_at_us),
    }


Record = Callable[[EventName, str, Details], None]
"""Makes an event durable in the audit trail; called before the commit, and undoes the change by raising."""


class AgreementStore:
    """The agreements of one store; synchronous, safe to use from several threads.

    Args:
        engine: the store.
        record: records changes; who only reads needs none.
    """

    def __init__(self, engine: Engine, record: Record = lambda _name, _subject, _details: None) -> None:
        self._engine = engine
        self._record = record

    def accept(self, account: str, end_user: str, version: str, accepted_at_us: int, at_us: int) -> Agreement:
        """Note that an end user accepted; an agreement they had ends.

        Args:
            account: name or id of the account.
            end_user: pseudonym of its end user; empty for the account itself.
            version: which wording was accepted.
            accepted_at_us: when, in microseconds of Unix time.
            at_us: the time now, the same unit.

        Raises:
            AccountError: there is no such account, the version is no name, or the moment is to come.
        """
        if not (version.isprintable() and version.strip() == version and 0 < len(version) <= VERSION_CHARACTERS):
            raise AccountError(f"A version is 1 to {VERSION_CHARACTERS} printable characters, no space around.")
        if accepted_at_us > at_us:
            raise AccountError("The agreement is said to be accepted in the future. Give when it was accepted.")
        with writing(self._engine) as connection:
            revision = _raise_revision(connection)
            account_id = _account_id(connection, account)
            _end(connection, account_id, end_user, at_us)
            made = Agreement(f"agr-{secrets.token_hex(8)}", account_id, end_user, version, accepted_at_us)
            connection.execute(insert(LABEL_AGREEMENTS).values(**made._asdict()))
            details: Details = {"revision": revision, "account": account_id, "version": version}
            details = {**details, "accepted_at_us": accepted_at_us} | ({"user": end_user} if end_user else {})
            self._record(EventName.LABELS_WAIVED, made.id, details)
        return made

    def end(self, account: str, end_user: str, at_us: int) -> None:
        """End the agreement of an end user; arguments as for `accept`.

        Raises:
            AccountError: there is no such account, or no agreement that holds.
        """
        with writing(self._engine) as connection:
            revision = _raise_revision(connection)
            account_id = _account_id(connection, account)
            ended = _end(connection, account_id, end_user, at_us)
            if ended is None:
                raise AccountError("No agreement holds for this end user. 'sluice agreements list' shows them all.")
            self._record(EventName.LABELS_RESTORED, ended, {"revision": revision, "account": account_id})

    def list_all(self, account: str | None = None) -> list[Agreement]:
        """Return agreements, also those that have ended, the newest first; of one account where it is named."""
        query = select(LABEL_AGREEMENTS).order_by(_ROWS.accepted_at_us.desc(), _ROWS.id)
        with reading(self._engine) as connection:
            if account is not None:
                query = query.where(_ROWS.account == _account_id(connection, account))
            return [Agreement(*row) for row in connection.execute(query)]

    def holding(self) -> tuple[int, dict[tuple[str, str], str]]:
        """Return the counter of changes, and by account and end user the id of the agreement that holds."""
        query = select(_ROWS.account, _ROWS.end_user, _ROWS.id).where(_ROWS.ended_at_us.is_(None))
        with reading(self._engine) as connection:
            revision = _revision(connection)
            return revision, {
                (account, end_user): agreement for account, end_user, agreement in connection.execute(query)
            }

    def revision(self) -> int:
        """Return the counter of changes; equal numbers mean that nothing changed."""
        with reading(self._engine) as connection:
            return _revision(connection)


def _revision(connection: Connection) -> int:
    return int(connection.execute(select(REVISIONS.c.number).where(REVISIONS.c.name == REVISION)).scalar_one())


def _raise_revision(connection: Connection) -> int:
    # First in every change: the row's lock puts changes of all processes in order, so one agreement holds at most.
    raised = update(REVISIONS).where(REVISIONS.c.name == REVISION).values(number=REVISIONS.c.number + 1)
    return int(connection.execute(raised.returning(REVISIONS.c.number)).scalar_one())


def _account_id(connection: Connection, name: str) -> str:
    named = or_(ACCOUNTS.c.name == name, ACCOUNTS.c.id == name)
    found = connection.execute(select(ACCOUNTS.c.id).where(named)).scalar()
    if found is None:
        raise NoAccountError(f"There is no account {name!r}. 'sluice accounts list' shows them all.")
    return str(found)


def _end(connection: Connection, account_id: str, end_user: str, at_us: int) -> str | None:
    holds = and_(_ROWS.account == account_id, _ROWS.end_user == end_user, _ROWS.ended_at_us.is_(None))
    ended = update(LABEL_AGREEMENTS).where(holds).values(ended_at_us=at_us).returning(_ROWS.id)
    return connection.execute(ended).scalar()
