"""Admission: may whoever asks go on, and by which rules? Asked once an exchange's request is read.

An account is known before the body; who the end user is, and which model is asked, stand in it. Rules: what is in
memory is answered without waiting; an answer that has to be waited for is awaited by the exchange alone; what was
taken (a place among those who may ask at once) is given back at the exchange's end, however it ends.
"""

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.accounts.account import Account, AccountKind
from gateway.errors import ErrorCode
from gateway.protocol import commands as wish
from gateway.protocol import events as fact
from gateway.protocol.commands import Headers
from gateway.protocol.policy_table import PolicyQuery, PolicyTable
from gateway.protocol.record import ExchangeRecord
from gateway.protocol.standing import Standing
from gateway.proxy.limiting import Limiter
from gateway.rulesets.rollout import Rollout


class Asker(NamedTuple):
    """Who asks, as far as the head of a request tells.

    Attributes:
        account: whose key was sent; None when it was not found.
        address: the client's IP address, where known.
        profile: profile of the end user, where the account is believed about it; else empty.
    """

    account: Account | None
    address: str | None
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
    """

    event: fact.Admitted | fact.RequestRefused
    headers: Headers = ()
    release: Callable[[], None] | None = None


class Admission:
    """Settles who may ask, and by which rules.

    Args:
        limiter: how much they may ask for.
        policies: who is judged by which policy.
        rollout: knows which ruleset is tried out.
        pseudonym: what stands for an end user of an account.
    """

    def __init__(
        self, limiter: Limiter, policies: PolicyTable, rollout: Rollout, pseudonym: Callable[[str, str], str]
    ) -> None:
        self._limiter = limiter
        self._policies = policies
        self._rollout = rollout
        self._pseudonym = pseudonym

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
        policy = self._policies.select(_query(asker, account, provisional, ask.model))
        if policy is None:
            return Verdict(fact.RequestRefused(ErrorCode.POLICY_UNKNOWN))
        standing = provisional._replace(policy=policy, end_user=ask.end_user)
        # Limits and trials are not for test accounts: regulators see what is in force, whenever they ask.
        if standing.account_kind != AccountKind.USER:
            return Verdict(fact.Admitted(standing))
        standing = self._tried_out(standing, account, ask.end_user)
        grant = self._limiter.admit(account, ask.end_user, time.time_ns() // 1000, streamed=ask.streamed)
        return Verdict(grant.refusal or fact.Admitted(standing), grant.headers, grant.release)

    def _tried_out(self, standing: Standing, account: Account, end_user: str) -> Standing:
        """Take the ruleset that is tried out, where it is this person's; the one in force then says besides."""
        trial, ruleset = self._rollout.trial, standing.ruleset
        if trial is None or trial.ruleset.digest == ruleset.digest:
            return standing
        if not trial.takes(self._pseudonym(account.id, end_user)):
            return standing
        return standing._replace(ruleset=trial.ruleset, other=ruleset)

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


def _query(asker: Asker, account: Account, standing: Standing, model: str) -> PolicyQuery:
    own = account.policy or ""
    return PolicyQuery(own, account.tenant, account.name, standing.account_kind, model, asker.profile)
