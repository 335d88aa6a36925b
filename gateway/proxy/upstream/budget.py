"""How many requests may be tried again: a share of all, so that retries cannot multiply the load of an outage."""


class RetryBudget:
    """Earned by requests, spent by retries.

    Args:
        share: retries earned by one request.
        reserve: most retries saved up, and what there is at the start: enough for a quiet gateway to fail over.
    """

    __slots__ = ("_reserve", "_saved", "_share")

    def __init__(self, share: float = 0.2, reserve: float = 10.0) -> None:
        self._share = share
        self._reserve = self._saved = reserve

    def earn(self) -> None:
        """Count a request."""
        self._saved = min(self._reserve, self._saved + self._share)

    def spend(self) -> bool:
        """Take one retry; False when there is none left."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
