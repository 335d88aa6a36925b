"""Admission: may whoever asks go on, and by which rules? Asked once an exchange's request is read.

An account is known before the body; who the end user is, and which model is asked, stand in it. Rules: what is in
memory is answered without waiting; an answer that has to be waited for is awaited by the exchange alone; what was
taken (a place among those who may ask at once) is given back at the exchange's end, however it ends.
"""

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway import metrics
from gateway.accounts.account import Account, AccountKind
from gateway.accounts.agreed import Agreed
from gateway.accounts.identity import Caller, Named, Pseudonym, identify
from gateway.errors import ErrorCode, RequestError, ResourceError
from gateway.protocol import commands as wish
from gateway.protocol import events as fact
from gateway.protocol.commands import Headers
from gateway.protocol.record import ExchangeRecord
from gateway.protocol.standing import Standing
from gateway.protocol.strikes import Strike, StrikeOutcome
from gateway.proxy.limiting import Grant, Limiter
from gateway.proxy.rules import Rules
from gateway.settings.reviews import Review, within_reviews
from gateway.strikes.person import Person
from gateway.strikes.service import Strikes


class Asker(NamedTuple):
    """Who asks, as far as the head of a request tells.

    Attributes:
        account: whose key was sent; None when it was not found.
        address: the client's IP address, where known.
        named: end user that the trusted header names, or empty.
        peer_trusted: whether a trusted proxy sent the request.
        profile: profile of the end user, where the account is believed about it; else empty.
    """

    account: Account | None
    address: str | None
    named: str = ""
    peer_trusted: bool = False
    profile: str = ""

    def __repr__(self) -> str:
        """Say nothing: this must not get into a log."""
        return "Asker(…)"


NOBODY = Asker(None, None)


class Verdict(NamedTuple):
    """What was settled.

    Attributes:
        event: what the exchange is told.
        headers: what the client is told besides, such as what is left of its limits.
        release: gives back what was taken, once, at the exchange's end; None where nothing was.
        suspect: whose row of strikes ends when this prompt is not blocked; None where there is none.
    """

    event: fact.Admitted | fact.RequestRefused
    headers: Headers = ()
    release: Callable[[], None] | None = None
    suspect: Person | None = None


class _Request(NamedTuple):
    account: Account
    caller: Caller
    standing: Standing
    streamed: bool


class Admission:
    """Settles who may ask, and by which rules.

    Args:
        limiter: how much they may ask for.
        agreed: who gets replies without the visible label.
        pseudonym: makes pseudonyms of end users.
        strikes: what is held against whom; None where strikes are not counted.
        reviews: when unfiltered test accounts are expected to be used.
        rules: by what they are judged; None keeps the rules of the account.

    Attributes:
        strikes: the same.
    """

    def __init__(
        self,
        limiter: Limiter,
        agreed: Agreed,
        pseudonym: Pseudonym,
        strikes: Strikes | None = None,
        reviews: tuple[Review, ...] = (),
        rules: Rules | None = None,
    ) -> None:
        self._limiter = limiter
        self._reviews = reviews
        self._rules = rules
        self._agreed = agreed
        self._pseudonym = pseudonym
        self.strikes = strikes

    def enter(self, account: Account, at_us: int) -> Grant | None:
        """Return what refuses a request of an account before its body is read, or None.

        Args:
            account: whose key was sent.
            at_us: time of the request, in microseconds of Unix time.
        """
        return self._limiter.enter(account, at_us)

    def admit(self, asker: Asker, provisional: Standing, ask: wish.Admit) -> Verdict | Awaitable[Verdict]:
        """Settle one request.

        Args:
            asker: who asks, as far as the head of the request tells.
            provisional: the rules of the account.
            ask: what its body tells.

        Returns:
            The verdict, or what to wait for where memory does not know it.
        """
        account = asker.account
        if account is None:
            return Verdict(fact.Admitted(provisional))
        named = Named(asker.named, ask.end_user, asker.peer_trusted)
        try:
            caller = identify(account, named, asker.address, time.time_ns() // 1000, self._pseudonym)
        except RequestError as exc:
            return Verdict(fact.RequestRefused(exc.code, str(exc)))
        standing = self._standing(account, caller, provisional)
        settled = self._rules.settle(standing, account, caller, ask.model, asker.profile) if self._rules else standing
        may_ask = not account.models or not ask.model or ask.model in account.models
        if settled is None or not may_ask:
            code = ErrorCode.POLICY_UNKNOWN if may_ask else ErrorCode.MODEL_NOT_ALLOWED
            return _refuse(fact.RequestRefused(code), settled or standing)
        request = _Request(account, caller, settled, ask.streamed)
        # A regulator's test account sends on purpose what is counted elsewhere, and is never limited.
        if caller.kind is not AccountKind.USER:
            return Verdict(fact.Admitted(request.standing))
        if self.strikes is not None:
            suspect = self.strikes.suspect(account.id, caller.end_user)
            if suspect is not None:
                return self._settle(self.strikes, suspect, request)
        return self._limit(request)

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
        if self.strikes is None or asker.account is None:
            return fact.StrikeNoted(StrikeOutcome())
        account = asker.account.id
        try:
            outcome = await self.strikes.note(account, standing.end_user, strike, request_id)
        except ResourceError as exc:
            return fact.RequestRefused(exc.code)
        refused = self.strikes.late_refusal(account, standing.end_user, outcome, request_id)
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

    def conclude(self, asker: Asker, standing: Standing, record: ExchangeRecord) -> None:
        """Take note of what an exchange came to.

        Args:
            asker: who asked.
            standing: by which rules it was judged.
            record: what is recorded of it.
        """
        if standing.account_kind == AccountKind.UNFILTERED:
            announced = within_reviews(self._reviews, record.started_at_us)
            metrics.count_unfiltered(announced=announced)
        elif asker.account is not None and standing.account_kind == AccountKind.USER:
            self._limiter.conclude(asker.account, standing.end_user, record)

    def _standing(self, account: Account, caller: Caller, provisional: Standing) -> Standing:
        # An unfiltered answer always says what it is.
        unfiltered = caller.kind is AccountKind.UNFILTERED
        agreement = "" if unfiltered else self._agreed.of(account.id, caller.pseudonym)
        # Nearly always nobody is named and nothing agreed: the exchange then keeps what it made already.
        if not agreement and not caller.end_user:
            return provisional
        labelling = provisional.labelling.waived(agreement) if agreement else provisional.labelling
        return provisional._replace(
            labelling=labelling,
            account_kind=caller.kind.value,
            observe=unfiltered,
            end_user=caller.end_user,
        )

    async def _settle(self, strikes: Strikes, suspect: Person, request: _Request) -> Verdict:
        """Settle a request of somebody who may have something open."""
        try:
            held = await strikes.held(suspect)
        except ResourceError as exc:
            # Closed: somebody who is suspended would otherwise wait for the store to fail.
            return _refuse(fact.RequestRefused(exc.code), request.standing)
        if held is None:
            return self._limit(request)
        refused = strikes.refusal(held)
        # Before the limits: a suspended person takes nothing of what others may use.
        return _refuse(refused, request.standing) if refused else self._limit(request)._replace(suspect=suspect)

    def _limit(self, request: _Request) -> Verdict:
        at_us = time.time_ns() // 1000
        grant = self._limiter.admit(request.account, request.caller.end_user, at_us, streamed=request.streamed)
        if grant.refusal is not None:
            return _refuse(grant.refusal, request.standing)._replace(headers=grant.headers)
        return Verdict(fact.Admitted(request.standing), grant.headers, grant.release)


def _refuse(refused: fact.RequestRefused, standing: Standing) -> Verdict:
    """Turn somebody away whom it is known to be: the record names them by pseudonym."""
    return Verdict(refused._replace(standing=standing))
