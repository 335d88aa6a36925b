"""Admission: may whoever asks go on, and by which rules? Asked once an exchange's request is read.

An account is known before the body; who the end user is, and which model is asked, stand in it. Rules: what is in
memory is answered without waiting; an answer that has to be waited for is awaited by the exchange alone; what was
taken (a place among those who may ask at once) is given back at the exchange's end, however it ends.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.accounts.account import Account, AccountKind
from gateway.errors import ErrorCode, ResourceError
from gateway.protocol import commands as wish
from gateway.protocol import events as fact
from gateway.protocol.commands import Headers
from gateway.protocol.record import ExchangeRecord
from gateway.protocol.standing import Standing
from gateway.protocol.strikes import Strike, StrikeOutcome
from gateway.strikes.person import Person
from gateway.strikes.service import Strikes


class Asker(NamedTuple):
    """Who asks, as far as the head of a request tells.

    Attributes:
        account: whose key was sent; None when it was not found.
        address: the client's IP address, where known.
    """

    account: Account | None
    address: str | None

    def __repr__(self) -> str:
        """Say nothing: this must not get into a log."""
        return "Asker(…)"


NOBODY = Asker(None, None)


def _nothing() -> None:
    """Give nothing back: nothing was taken."""


class Verdict(NamedTuple):
    """What was settled.

    Attributes:
        event: what the exchange is told.
        headers: what the client is told besides, such as what is left of its limits.
        release: gives back what was taken; called once, at the exchange's end.
        suspect: whose row of strikes ends when this prompt is not blocked; None where there is none.
    """

    event: fact.Admitted | fact.RequestRefused
    headers: Headers = ()
    release: Callable[[], None] = _nothing
    suspect: Person | None = None


class Admission:
    """Settles who may ask, and by which rules.

    Args:
        strikes: what is held against whom; None where strikes are not counted.

    Attributes:
        strikes: the same.
    """

    def __init__(self, strikes: Strikes | None = None) -> None:
        self.strikes = strikes

    def admit(self, asker: Asker, provisional: Standing, ask: wish.Admit) -> Verdict | Awaitable[Verdict]:
        """Settle one request.

        Args:
            asker: who asks, as far as the head of the request tells.
            provisional: the rules of the account.
            ask: what its body tells.

        Returns:
            The verdict, or what to wait for where memory does not know it.
        """
        standing = provisional
        if asker.account is not None and ask.end_user:
            standing = provisional._replace(end_user=ask.end_user)
        if self.strikes is not None and (account := _counted(asker)):
            suspect = self.strikes.suspect(account.id, standing.end_user)
            if suspect is not None:
                return _settle(self.strikes, suspect, standing)
        return Verdict(fact.Admitted(standing))

    async def note(
        self, asker: Asker, standing: Standing, strike: Strike, request_id: str
    ) -> fact.StrikeNoted | fact.RequestRefused:
        """Count a blocked prompt; nothing of a refusal may leave before.

        Args:
            asker: who asked.
            standing: by which rules it was judged.
            strike: what it counts as.
            request_id: id of the exchange.

        Returns:
            What became of it, or why it could not be counted.
        """
        if self.strikes is None or (account := _counted(asker)) is None:
            return fact.StrikeNoted(StrikeOutcome())
        try:
            outcome = await self.strikes.note(account.id, standing.end_user, strike, request_id)
        except ResourceError as exc:
            return fact.RequestRefused(exc.code)
        refused = self.strikes.late_refusal(account.id, standing.end_user, outcome, request_id)
        return refused or fact.StrikeNoted(outcome)

    async def end_row(self, suspect: Person) -> ErrorCode | None:
        """Put down that a suspect's prompt was not blocked, before it goes on.

        Args:
            suspect: of the verdict.

        Returns:
            Why it could not be put down, or None.
        """
        if self.strikes is not None:
            try:
                await self.strikes.end_row(suspect)
            except ResourceError as exc:
                return exc.code
        return None

    def conclude(self, asker: Asker, standing: Standing, record: ExchangeRecord) -> Awaitable[None] | None:
        """Take note of what an exchange came to, before its record is written and anything of it leaves.

        Args:
            asker: who asked.
            standing: by which rules it was judged.
            record: what is recorded of it.

        Returns:
            What to wait for before a refusal may leave; None for nothing.
        """


def _counted(asker: Asker) -> Account | None:
    """Return the account whose strikes are counted; a regulator's test account sends such prompts on purpose."""
    account = asker.account
    return account if account is not None and account.kind is AccountKind.USER else None


async def _settle(strikes: Strikes, suspect: Person, standing: Standing) -> Verdict:
    try:
        held = await strikes.held(suspect)
    except ResourceError as exc:
        # Closed: somebody who is suspended would otherwise wait for the store to fail.
        return Verdict(fact.RequestRefused(exc.code))
    if held is None:
        return Verdict(fact.Admitted(standing))
    refused = strikes.refusal(held)
    return Verdict(refused) if refused is not None else Verdict(fact.Admitted(standing), suspect=suspect)
