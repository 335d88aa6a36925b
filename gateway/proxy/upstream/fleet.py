"""The model servers together: who is asked, who is asked next when that fails, and under which name for the model.

A request goes to a second server only where it cannot have been served by the first. Nothing was sent to one that
could not be connected to; one that answers 502, 503 or 504 says itself that it did not serve. A request that was sent
and not answered is never sent again: the server may be generating, and the second generation would be paid for as
well. The first failure stands when no other healthy server has the model, or when retries have used up their share.

No reply is taken back: whatever happens behind the head of a reply that was passed on, happens to that reply.
"""

import time
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import orjson
import structlog

from gateway import metrics
from gateway.errors import ErrorCode, RequestError, UpstreamError
from gateway.proxy.upstream.budget import RetryBudget
from gateway.proxy.upstream.decoded import Reply, decoded
from gateway.proxy.upstream.pool import NotSentError, PoolFullError, UpstreamPool
from gateway.proxy.upstream.request import Headers
from gateway.proxy.upstream.selection import Change, Choice, Outcome, Selector, Upstream

_LOG = structlog.get_logger("sluice")

# What servers, and the balancers in front of them, say when they did not take a request up.
_UNAVAILABLE: Final = frozenset({502, 503, 504})
_MOST_ATTEMPTS: Final = 3


class Ask(NamedTuple):
    """A request, to whichever server serves it.

    Attributes:
        method: see ``request.METHODS``.
        path: beginning with a slash, without the base URL's prefix.
        headers: the caller's.
        body: the whole content.
        model: the name the client asks for; empty when it names none.
        dialect: wire format.
    """

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""
    model: str = ""
    dialect: str = ""


class Opened(NamedTuple):
    """A reply that has begun.

    Attributes:
        reply: the reply; it reads plain.
        upstream: name of the server it is from.
    """

    reply: Reply
    upstream: str


class Fleet:
    """Sends requests to the model servers of one worker.

    Args:
        servers: each server with its connections.
        selector: chooses among these servers.
        budget: of retries.
    """

    def __init__(
        self,
        servers: Sequence[tuple[Upstream, UpstreamPool]],
        selector: Selector,
        budget: RetryBudget | None = None,
    ) -> None:
        self._pools = {upstream.name: pool for upstream, pool in servers}
        self._selector = selector
        self._budget = budget or RetryBudget()
        # Resolved once, so that every server is shown from the start and no request pays for the look-up.
        self._counters = {
            (name, outcome): metrics.UPSTREAM_REQUESTS.labels(name, outcome.value)
            for name in self._pools
            for outcome in (Outcome.ANSWERED, Outcome.FAILED, Outcome.ABANDONED)
        }
        self._ejected = {name: metrics.UPSTREAM_EJECTED.labels(name) for name in self._pools}
        for gauge in self._ejected.values():
            gauge.set(0)

    async def open(self, ask: Ask) -> Opened:
        """Send a request and wait for the head of its reply.

        Raises:
            RequestError: no server has the model in this wire format.
            UpstreamError: the server could not be reached, broke off, was too slow or not understood.
            ValueError: the request cannot be put on the wire safely.
        """
        choice = self._selector.choose(ask.model, ask.dialect, time.monotonic())
        if choice is None:
            raise RequestError("", ErrorCode.MODEL_NOT_FOUND)
        self._budget.earn()
        tried: list[str] = []
        while True:
            name = choice.upstream.name
            tried.append(name)
            try:
                reply = await self._attempt(choice, ask)
            except NotSentError:
                other = self._other(ask, tried)
                if other is None:
                    raise
            else:
                other = self._other(ask, tried) if reply.status in _UNAVAILABLE else None
                if other is None:
                    return Opened(decoded(reply), name)
                reply.close()
            choice = other

    def close(self) -> None:
        """Close every connection. Replies under way break off."""
        for pool in self._pools.values():
            pool.close()

    async def _attempt(self, choice: Choice, ask: Ask) -> Reply:
        name = choice.upstream.name
        body, models = ask.body, choice.upstream.models
        if models:
            body = renamed(body, ask.model, models.get(ask.model, ask.model))
        outcome, why = Outcome.ABANDONED, ""
        try:
            reply = await self._pools[name].open(ask.method, ask.path, ask.headers, body)
            outcome = Outcome.ANSWERED
            if reply.status in _UNAVAILABLE:
                outcome, why = Outcome.FAILED, f"It answers with status {reply.status}."
        except UpstreamError as exc:
            # Places are our own limit: a server that is busy serving us is in good health.
            outcome = Outcome.ABANDONED if isinstance(exc, PoolFullError) else Outcome.FAILED
            why = str(exc)
            raise
        finally:
            self._counters[name, outcome].inc()
            self._report(choice, outcome, why)
        if outcome is Outcome.ANSWERED:
            reply.on_end = partial(self._ended, choice)
        return reply

    def _ended(self, choice: Choice, whole: bool) -> None:  # noqa: FBT001 called by position
        self._report(choice, Outcome.COMPLETED if whole else Outcome.FAILED, "It breaks replies off.")

    def _other(self, ask: Ask, tried: list[str]) -> Choice | None:
        """Choose where a request that was not served goes next; None when it goes nowhere."""
        if len(tried) >= _MOST_ATTEMPTS:
            return None
        choice = self._selector.choose_other(ask.model, ask.dialect, tried)
        # In this order: a retry that has nowhere to go costs nothing.
        if choice is None or not self._budget.spend():
            return None
        metrics.UPSTREAM_RETRIES.inc()
        return choice

    def _report(self, choice: Choice, outcome: Outcome, why: str) -> None:
        name = choice.upstream.name
        change = self._selector.report(choice, outcome, time.monotonic())
        if change is Change.EJECTED:
            self._ejected[name].set(1)
            # Our own words about addresses and system errors; nothing in them is from a reply.
            _LOG.warning("upstream_ejected", upstream=name, why=why)
        elif change is Change.RECOVERED:
            self._ejected[name].set(0)
            _LOG.info("upstream_recovered", upstream=name)


def renamed(body: bytes, model: str, name: str) -> bytes:
    """Return a JSON request with the server's own name for the model.

    Args:
        body: compact JSON, as the core writes it; an upload is left as it is.
        model: the name in it.
        name: the name to put there.
    """
    if name == model or not body.startswith(b"{"):
        return body
    member, own = b'"model":' + orjson.dumps(model), b'"model":' + orjson.dumps(name)
    # Found once, it is the member itself, since that is there. More often, a text or a schema spells it too.
    if body.count(member) == 1:
        return body.replace(member, own)
    document = orjson.loads(body)
    return orjson.dumps(document | {"model": name})
