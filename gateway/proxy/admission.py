"""Admission: may whoever asks go on, and by which rules? Asked once an exchange's request is read.

An account is known before the body; who the end user is, and which model is asked, stand in it. Rules: what is in
memory is answered without waiting; an answer that has to be waited for is awaited by the exchange alone; what was
taken (a place among those who may ask at once) is given back at the exchange's end, however it ends.
"""

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.accounts.account import Account, AccountKind
from gateway.accounts.agreed import Agreed
from gateway.protocol import commands as wish
from gateway.protocol import events as fact
from gateway.protocol.commands import Headers
from gateway.protocol.record import ExchangeRecord
from gateway.protocol.standing import Standing
from gateway.proxy.limiting import Limiter


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


class Verdict(NamedTuple):
    """What was settled.

    Attributes:
        event: what the exchange is told.
        headers: what the client is told besides, such as what is left of its limits.
        release: gives back what was taken, once, at the exchange's end; None where nothing was.
    """

    event: fact.Admitted | fact.RequestRefused
    headers: Headers = ()
    release: Callable[[], None] | None = None


class Admission:
    """Settles who may ask, and by which rules.

    Args:
        limiter: how much they may ask for.
        agreed: who gets replies without the visible label.
    """

    def __init__(self, limiter: Limiter, agreed: Agreed) -> None:
        self._limiter = limiter
        self._agreed = agreed

    def enter(self, account: Account, at_us: int) -> fact.RequestRefused | None:
        """Return why a request of an account is refused before its body is read, or None.

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
        standing = provisional._replace(end_user=ask.end_user) if ask.end_user else provisional
        agreement = self._agreed.of(account.id, ask.end_user)
        if agreement:
            standing = standing._replace(labelling=standing.labelling.waived(agreement))
        if standing.account_kind != AccountKind.USER:
            return Verdict(fact.Admitted(standing))
        grant = self._limiter.admit(account, ask.end_user, time.time_ns() // 1000, streamed=ask.streamed)
        return Verdict(grant.refusal or fact.Admitted(standing), grant.headers, grant.release)

    def conclude(self, asker: Asker, standing: Standing, record: ExchangeRecord) -> Awaitable[None] | None:
        """Take note of what an exchange came to, before its record is written and anything of it leaves.

        Args:
            asker: who asked.
            standing: by which rules it was judged.
            record: what is recorded of it.

        Returns:
            What to wait for before a refusal may leave; None for nothing.
        """
        if asker.account is not None and standing.account_kind == AccountKind.USER:
            self._limiter.conclude(asker.account, standing.end_user, record)
        return None
