"""What a classifier in shadow would have decided otherwise, as entries of the audit trail.

Rules: an entry names the request and holds no text of it; so many are written in a minute and no more, since a
classifier that differs on everything must not fill the trail; how many were left out is said by the next one.
"""

import time
from collections.abc import Callable

from gateway.audit.event_forms import EventName
from gateway.audit.events import SYSTEM, Details, Event, now_us
from gateway.proxy.classifier_panel import Difference

MOST_A_MINUTE = 60
"""Most entries a minute and process: a tenth of what ten exchanges a second make."""


class Differences:
    """Writes what differs.

    Args:
        record: puts an event into the trail.
        clock: gives the time in seconds.
    """

    def __init__(self, record: Callable[[Event], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._record = record
        self._clock = clock
        self._minute = 0
        self._written = 0
        self._left_out = 0

    def report(self, difference: Difference) -> None:
        """Write one, or count it where there were too many."""
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute, self._written = minute, 0
        if self._written >= MOST_A_MINUTE:
            self._left_out += 1
            return
        self._written += 1
        left_out, self._left_out = self._left_out, 0
        details = {**_details(difference), **({"unreported": left_out} if left_out else {})}
        self._record(Event(EventName.CLASSIFIER_DIFFERED, SYSTEM, now_us(), difference.request_id, details))


def _details(difference: Difference) -> Details:
    # The gravest by whoever takes the text for harmful: that is what the verdict hangs on.
    only = difference.shadow_only
    window, decided, shadow = max(difference.windows, key=lambda each: (each[2] if only else each[1]).unsafe)
    return {
        "classifier": difference.classifier,
        "side": window.side.value,
        "outcome": "shadow_only" if difference.shadow_only else "decided_only",
        "windows": len(difference.windows),
        "decided": decided.category,
        "decided_score": round(decided.unsafe * 1000),
        "shadow": shadow.category,
        "shadow_score": round(shadow.unsafe * 1000),
    }
