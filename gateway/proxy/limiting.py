"""Limits: how much an account and each of its end users may ask for, asked at every request.

Rules: only accounts of kind `user` are limited, since a reviewer's test account has to work at any time; what is
refused costs nothing; tokens are charged when an exchange is over, since nobody knows them before, so whoever has
none left is refused from then on; who nothing is said about is not counted at all.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from gateway.accounts.account import Account, AccountKind
from gateway.accounts.rates import Rate, RateTable, Use
from gateway.accounts.streams import OpenStreams
from gateway.errors import ErrorCode
from gateway.protocol.commands import Headers
from gateway.protocol.events import RequestRefused
from gateway.protocol.record import ExchangeRecord
from gateway.settings.limits import Allowance, Limits

_SECOND_US = 1_000_000
# Nobody can say when a stream will end; a second keeps programs that try again from doing so at once.
_STREAM_RETRY_SECONDS = 1


class Grant(NamedTuple):
    """What became of a request under the limits.

    Attributes:
        refusal: what the exchange is told; None where it may go on.
        headers: what is left, in the names clients of OpenAI read.
        release: gives back what is held while the exchange lasts.
    """

    refusal: RequestRefused | None
    headers: Headers = ()
    release: Callable[[], None] | None = None


class _Counted(NamedTuple):
    key: str
    who: str
    allowance: Allowance


class Limiter:
    """Counts what was asked for.

    Args:
        limits: the settings.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._rates = RateTable()
        self._streams = OpenStreams()

    def enter(self, account: Account, now_us: int) -> Grant | None:
        """Count a request of an account, before its body is read; return what refuses it, or None.

        Args:
            account: whose key was sent.
            now_us: the time, in microseconds of Unix time.
        """
        # Whether a reviewer is asking who is bound to another kind is known when the body was read: counted there.
        if account.kind is not AccountKind.USER or account.bindings:
            return None
        per_minute = self._account(account).allowance.requests_per_minute
        if per_minute is None:
            return None
        used = self._rates.use(f"r:{account.id}", Rate(per_minute), now_us)
        if used.allowed:
            return None
        return Grant(_too_many("requests of this account", used), _told([(b"requests", per_minute, used)]))

    def admit(self, account: Account, person: str, now_us: int, *, streamed: bool) -> Grant:
        """Count a request of an end user, and of an account that binds reviewers; ask for what the exchange will use.

        Args:
            account: whose key was sent; of kind `user`.
            person: the end user as believed, or empty; kept in memory alone.
            now_us: the time, in microseconds of Unix time.
            streamed: whether a stream was asked for.
        """
        counted = self._counted(account, person)
        uses: list[tuple[bytes, int, Use]] = []
        for each in counted:
            late = bool(account.bindings) if each is counted[0] else bool(person)
            refused = self._ask(each, now_us, uses, requests=late)
            if refused is not None:
                return Grant(refused, _told(uses))
        if streamed:
            return self._open(counted, _told(uses))
        return Grant(None, _told(uses))

    def conclude(self, account: Account, person: str, record: ExchangeRecord) -> None:
        """Charge the tokens of an exchange.

        Args:
            account: whose key was sent; of kind `user`.
            person: the end user as believed, or empty; kept in memory alone.
            record: tells how much was read of prompt and reply.
        """
        characters = record.prompt_characters + record.reply_characters
        tokens = math.ceil(characters / self._limits.characters_per_token)
        for each in self._counted(account, person):
            if each.allowance.tokens_per_minute is not None:
                rate = Rate(each.allowance.tokens_per_minute)
                self._rates.charge(f"t:{each.key}", rate, record.ended_at_us, tokens)

    def _ask(
        self, counted: _Counted, now_us: int, uses: list[tuple[bytes, int, Use]], *, requests: bool
    ) -> RequestRefused | None:
        allowance = counted.allowance
        if allowance.requests_per_minute is not None:
            # Most accounts' was counted before the body was read; here it is only told what is left.
            rate = Rate(allowance.requests_per_minute)
            used = self._rates.use(f"r:{counted.key}", rate, now_us, int(requests))
            uses.append((b"requests", rate.per_minute, used))
            if requests and not used.allowed:
                return _too_many(f"requests of this {counted.who}", used)
        if allowance.tokens_per_minute is not None:
            rate = Rate(allowance.tokens_per_minute)
            used = self._rates.use(f"t:{counted.key}", rate, now_us, 0)
            uses.append((b"tokens", rate.per_minute, used))
            if not used.allowed:
                return _too_many(f"tokens of this {counted.who}", used)
        return None

    def _open(self, counted: list[_Counted], headers: Headers) -> Grant:
        held: list[str] = []

        def release() -> None:
            for key in held:
                self._streams.leave(key)

        for each in counted:
            most = each.allowance.concurrent_streams
            if most is None:
                continue
            if not self._streams.enter(each.key, most):
                release()
                return Grant(_refused(f"streams of this {each.who}", _STREAM_RETRY_SECONDS), headers)
            held.append(each.key)
        return Grant(None, headers, release if held else None)

    def _counted(self, account: Account, person: str) -> list[_Counted]:
        own = self._account(account)
        return [own, _Counted(f"{account.id} {person}", "end user", self._limits.end_user)] if person else [own]

    def _account(self, account: Account) -> _Counted:
        return _Counted(account.id, "account", self._limits.accounts.get(account.name, self._limits))


def _too_many(what: str, used: Use) -> RequestRefused:
    # Rounded up: whoever comes back a moment too early is refused once more.
    return _refused(what, max(1, math.ceil(used.retry_us / _SECOND_US)))


def _refused(what: str, seconds: int) -> RequestRefused:
    return RequestRefused(ErrorCode.RATE_LIMITED, f"The limit is on {what}.", seconds)


def _told(uses: list[tuple[bytes, int, Use]]) -> Headers:
    """Return the headers of OpenAI's names: of each kind, whatever leaves least."""
    tightest: dict[bytes, tuple[int, Use]] = {}
    for kind, most, used in uses:
        if kind not in tightest or used.remaining < tightest[kind][1].remaining:
            tightest[kind] = (most, used)
    return tuple(
        (b"x-ratelimit-" + name + b"-" + kind, value)
        for kind, (most, used) in tightest.items()
        for name, value in (
            (b"limit", b"%d" % most),
            (b"remaining", b"%d" % used.remaining),
            (b"reset", b"%dms" % (used.reset_us // 1000)),
        )
    )
