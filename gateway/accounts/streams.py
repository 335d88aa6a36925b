"""How many streams each account and each end user has open, in this process."""

from collections import Counter


class OpenStreams:
    """Counts what is open; whoever has nothing open is not remembered."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, key: str, most: int) -> bool:
        """Open one more, unless so many are open; False when they are."""
        if self._open[key] >= most:
            return False
        self._open[key] += 1
        return True

    def leave(self, key: str) -> None:
        """Close one."""
        self._open[key] -= 1
        # Else everybody who ever streamed would stay in memory.
        if self._open[key] <= 0:
            del self._open[key]
