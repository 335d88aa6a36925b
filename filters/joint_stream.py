"""Several scans of one text that arrives in pieces, as one."""

from collections.abc import Sequence
from typing import Protocol

from filters.findings import Known


class Stream(Protocol):
    """A scan of a text that arrives in pieces (`filters.keyword_stream`, `filters.patterns`)."""

    @property
    def frontier(self) -> int:
        """Offset up to which no unknown finding can begin."""
        ...

    def feed(self, text: str) -> list[Known]:
        """Take the next piece; return what became certain with it."""
        ...

    def finish(self) -> list[Known]:
        """End the text; return what only its end makes certain."""
        ...

    def clear_before(self, at: int) -> int:
        """Return the frontier as it was when the text ended at ``at``, inside the last piece."""
        ...


class JointStream:
    """Scans that read the same text; what one of them holds is held.

    Args:
        streams: the scans.
    """

    __slots__ = ("_size", "_streams")

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._streams = tuple(streams)
        self._size = 0

    @property
    def frontier(self) -> int:
        """Offset up to which no unknown finding can begin."""
        return min(stream.frontier for stream in self._streams)

    @property
    def pending(self) -> int:
        """Characters behind the frontier: they may be the beginning of a finding."""
        return self._size - self.frontier

    def feed(self, text: str) -> list[Known]:
        """Take the next piece; return what became certain with it, in that order."""
        self._size += len(text)
        return _in_order([known for stream in self._streams for known in stream.feed(text)])

    def finish(self) -> list[Known]:
        """End the text; return what only its end makes certain. It may be fed further."""
        return _in_order([known for stream in self._streams for known in stream.finish()])

    def clear_before(self, at: int) -> int:
        """Return the frontier as it was when the text ended at ``at``, inside the last piece."""
        return min(stream.clear_before(at) for stream in self._streams)


def _in_order(found: list[Known]) -> list[Known]:
    return sorted(found, key=lambda known: (known.at, known.finding.end, known.finding.start))
