"""Admission: may whoever asks go on, and by which rules? Asked once an exchange's request is read.

An account is known before the body; who the end user is, and which model is asked, stand in it. Rules: what is in
memory is answered without waiting; an answer that has to be waited for is awaited by the exchange alone; what was
taken (a place among those who may ask at once) is given back at the exchange's end, however it ends.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.accounts.account import Account
from gateway.protocol import commands as wish
from gateway.protocol import events as fact
from gateway.protocol.commands import Headers
from gateway.protocol.record import ExchangeRecord
from gateway.protocol.standing import Standing


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
    """

    event: fact.Admitted | fact.RequestRefused
    headers: Headers = ()
    release: Callable[[], None] = _nothing


class Admission:
    """Settles who may ask, and by which rules."""

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
        return Verdict(fact.Admitted(standing))

    def conclude(self, asker: Asker, standing: Standing, record: ExchangeRecord) -> Awaitable[None] | None:
        """Take note of what an exchange came to, before its record is written and anything of it leaves.

        Args:
            asker: who asked.
            standing: by which rules it was judged.
            record: what is recorded of it.

        Returns:
            What to wait for before a refusal may leave; None for nothing.
        """
