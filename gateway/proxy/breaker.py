"""A circuit breaker: who keeps failing is asked no more for a while, then once, and then again if that went well.

Without one, each exchange would wait its whole budget for an answer that does not come.
"""

_FAILURES = 5
_REST_SECONDS = 5.0


class Breaker:
    """The breaker of one classifier; times are on any clock that does not go back.

    Args:
        failures: how many in a row open it.
        rest_seconds: how long it stays open until somebody may try again.
    """

    __slots__ = ("_count", "_failures", "_rest_seconds", "_until")

    def __init__(self, failures: int = _FAILURES, rest_seconds: float = _REST_SECONDS) -> None:
        self._failures = failures
        self._rest_seconds = rest_seconds
        self._count = 0
        self._until = 0.0

    @property
    def open(self) -> bool:
        """Whether it keeps failing."""
        return self._count >= self._failures

    def allows(self, now: float) -> bool:
        """Tell whether to ask now; while it is open, one in each rest may."""
        if not self.open:
            return True
        if now < self._until:
            return False
        # Who asks now tries for all: the others wait for what comes of it.
        self._until = now + self._rest_seconds
        return True

    def succeeded(self) -> None:
        """An answer came."""
        self._count = 0

    def failed(self, now: float) -> None:
        """No answer came, or none that is one."""
        self._count += 1
        if self._count == self._failures:
            self._until = now + self._rest_seconds
