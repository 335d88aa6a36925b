"""A running text that goes on where another one ended.

An answer may come in several blocks or parts, each a running text of its own to the wire format; the reader joins
them. So the check of a later one has read the end of the one before. What was shown of that stays shown; a term that
goes on behind it is found, and its rest is not shown.
"""

from filters.findings import Known
from gateway.protocol.gate import StreamStage


class ContinuedStage:
    """A check of a running text that knows what stood before it.

    Args:
        stage: a check that has read nothing yet.
        before: end of the text before; offsets begin behind it.
    """

    __slots__ = ("_before", "_stage")

    def __init__(self, stage: StreamStage, before: str) -> None:
        self._stage = stage
        self._before = len(before)
        # What is found there was said of the text it stands in.
        stage.feed(before)

    @property
    def frontier(self) -> int:
        """Offset up to which the check has cleared the text."""
        return max(0, self._stage.frontier - self._before)

    def feed(self, text: str) -> list[Known]:
        """Take the next piece; return what became certain with it, in that order."""
        return self._own(self._stage.feed(text))

    def finish(self) -> list[Known]:
        """End the text; return what only its end makes certain."""
        return self._own(self._stage.finish())

    def clear_before(self, at: int) -> int:
        """Return the frontier as it was when the text ended at ``at``, inside the last piece."""
        return max(0, self._stage.clear_before(at + self._before) - self._before)

    def _own(self, found: list[Known]) -> list[Known]:
        """Return what reaches into the text itself, from its beginning on."""
        before = self._before
        return [
            Known(known.at - before, finding._replace(start=max(0, finding.start - before), end=finding.end - before))
            for known in found
            if (finding := known.finding).end > before
        ]
