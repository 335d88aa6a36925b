"""Which model server is asked: weights, health and back-off as a pure object; it reads no clock and draws no chance.

Rules: among the servers that have the model and speak the wire format, requests are shared out by weight, evenly
interleaved. A server that fails several times running is left out for a while that doubles with each relapse; then
one request is let through to it, and the others follow when that one was answered. Health is what real requests met:
nothing is sent only to find out.

A request never goes without a server because of all this: when every server that has its model is left out, they are
all asked as if none were, since an answer that may come beats an error that is sure.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

# Far beyond the longest back-off: a shift by more would only make a large number that is cut down again.
_MOST_DOUBLINGS = 16


class Outcome(Enum):
    """What became of a request to a server."""

    ANSWERED = "answered"  # the head of its reply came, and said something else than that it is unavailable
    COMPLETED = "completed"  # after that, the reply came to its end
    FAILED = "failed"
    ABANDONED = "abandoned"  # given up for reasons that are none of the server's


class Change(Enum):
    """What an outcome changed about a server."""

    EJECTED = "ejected"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Upstream:
    """A model server, as far as choosing needs to know it.

    Attributes:
        name: unique among the servers.
        weight: its share of the requests, in proportion to the others'.
        models: by the name clients ask for, the name it has there; empty means every model, by the same name.
        dialects: wire formats it speaks, or their families (``openai`` for ``openai.chat``); empty means all.
    """

    name: str
    weight: int = 1
    models: Mapping[str, str] = field(default_factory=dict)
    dialects: tuple[str, ...] = ()

    def serves(self, model: str, dialect: str) -> bool:
        """Tell whether a request is for it; a request that names no model is for any."""
        if self.models and model and model not in self.models:
            return False
        return not self.dialects or dialect in self.dialects or dialect.partition(".")[0] in self.dialects


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A server given to a request; compared by identity, so that the outcome of a probe is known as such.

    Attributes:
        upstream: the server.
    """

    upstream: Upstream


@dataclass(frozen=True, slots=True)
class HealthRules:
    """When a server is left out, and for how long.

    Attributes:
        failures: so many in a row leave it out.
        first_seconds: the first back-off; each relapse doubles it.
        most_seconds: the longest.
    """

    failures: int = 3
    first_seconds: float = 2.0
    most_seconds: float = 60.0


@dataclass(slots=True)
class _State:
    upstream: Upstream
    choice: Choice  # given out for every request that is no probe: nothing needs to tell these apart
    credit: int = 0
    failures: int = 0  # in a row
    relapses: int = 0
    left_out: bool = False
    until: float = 0.0
    probe: Choice | None = None


class Selector:
    """Chooses servers, and learns from what became of the requests.

    Args:
        upstreams: the servers; at least one.
        chance: draws from 0 up to 1, so that many gateways do not come back to a server in the same moment.
        rules: when a server is left out.
    """

    def __init__(
        self, upstreams: Sequence[Upstream], chance: Callable[[], float], rules: HealthRules | None = None
    ) -> None:
        self._states = {upstream.name: _State(upstream, Choice(upstream)) for upstream in upstreams}
        self._chance = chance
        self._rules = rules or HealthRules()

    def choose(self, model: str, dialect: str, now: float) -> Choice | None:
        """Choose a server for a request; None when none has the model in this wire format.

        Args:
            model: the name the client asks for; empty when it names none.
            dialect: wire format.
            now: seconds of a clock that never goes back.
        """
        serving = self._serving(model, dialect)
        healthy = [state for state in serving if not state.left_out]
        if len(healthy) < len(serving):
            due = self._due(serving, now)
            if due is not None:
                due.probe = Choice(due.upstream)
                return due.probe
        return _rotate(healthy or serving)

    def choose_other(self, model: str, dialect: str, tried: Collection[str]) -> Choice | None:
        """Choose a healthy server for a request that others could not serve; None when there is none left.

        Args:
            model: the name the client asks for.
            dialect: wire format.
            tried: names of the servers it was given to.
        """
        # No probes: a request that failed once should not fail twice for the sake of finding something out.
        serving = self._serving(model, dialect)
        return _rotate([each for each in serving if not each.left_out and each.upstream.name not in tried])

    def report(self, choice: Choice, outcome: Outcome, now: float) -> Change | None:
        """Learn what became of a request; return what that changed about its server.

        Args:
            choice: the request.
            outcome: what became of it; ``ANSWERED`` may be followed by one more.
            now: as in `choose`.
        """
        state = self._states[choice.upstream.name]
        probed = state.probe is choice
        if probed:
            state.probe = None
        if outcome is Outcome.FAILED:
            # Requests given to it before it was left out fail late: they are no news, and must not double its time.
            return self._failed(state, now) if probed or not state.left_out else None
        if outcome is Outcome.ANSWERED and state.left_out:
            state.left_out = False
            # On trial: a server that answers and then breaks each reply off is left out again at the next break.
            state.failures = self._rules.failures - 1
            return Change.RECOVERED
        if outcome is Outcome.COMPLETED and not state.left_out:
            state.failures = state.relapses = 0
        return None

    def _serving(self, model: str, dialect: str) -> list[_State]:
        return [state for state in self._states.values() if state.upstream.serves(model, dialect)]

    @staticmethod
    def _due(serving: list[_State], now: float) -> _State | None:
        for state in serving:
            if state.left_out and state.probe is None and now >= state.until:
                return state
        return None

    def _failed(self, state: _State, now: float) -> Change | None:
        state.failures += 1
        if state.failures < self._rules.failures and not state.left_out:
            return None
        seconds = self._rules.first_seconds * 2 ** min(state.relapses, _MOST_DOUBLINGS)
        # Between half and the whole of it.
        state.until = now + min(seconds, self._rules.most_seconds) * (1 - self._chance() / 2)
        state.relapses += 1
        news = None if state.left_out else Change.EJECTED
        state.left_out = True
        return news


def _rotate(states: list[_State]) -> Choice | None:
    """Choose by weight: each gains its weight, the richest is chosen and pays for all.

    Smooth weighted round robin, as in nginx: exact shares over each full turn, and never a burst to the heaviest.
    """
    if len(states) <= 1:
        return states[0].choice if states else None
    for state in states:
        state.credit += state.upstream.weight
    chosen = max(states, key=lambda state: state.credit)
    chosen.credit -= sum([state.upstream.weight for state in states])
    return chosen.choice
