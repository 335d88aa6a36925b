"""Detection of personal data and secrets, for whole texts and for texts that arrive in pieces.

Rules: a stream finds exactly what a scan of the whole text finds. Two ways to follow a stream: `stream` holds back
what may still become a finding, for policies that mask or block; `unhurried` holds nothing back and reads the text
some hundred characters at a time, for policies that only want to know.
"""

import re
from collections.abc import Sequence
from functools import cache

from filters.findings import MOST_FINDINGS, Finding, Known, Stage
from filters.patterns import PatternSet
from filters.personal.addresses import ADDRESSES
from filters.personal.numbers import NUMBERS, PLATE_PROVINCES
from filters.personal.running import HEADS, RUNNING, RunningStream
from filters.personal.secrets import SECRETS

BATCH = 512
"""Characters that are read at once where nothing waits for the answer."""
_SLICE_CHARACTERS = 4_096
# What is looked for begins with one of these; the last two are letters s and k to whom case does not matter.
_FIRST = re.compile(rf"[0-9a-z.%+_\-{PLATE_PROVINCES}\u017f\u212a]")


class PersonalData:
    """Everything that is looked for; immutable, one for the whole process (`personal_data`)."""

    def __init__(self) -> None:
        self._patterns = PatternSet((*NUMBERS, *ADDRESSES, *SECRETS, *HEADS), Stage.PERSONAL_DATA, _FIRST)

    def scan(self, text: str) -> list[Finding]:
        """Find personal data and secrets in a whole text.

        Args:
            text: text as received.

        Returns:
            Findings in order of their end, then their start. More than `MOST_FINDINGS` of them mean that the text was
            not read to its end.
        """
        if not self._patterns.may_match([text]):
            return []
        stream, found = RunningStream(self._patterns.stream(RUNNING)), list[Known]()
        for start in range(0, len(text), _SLICE_CHARACTERS):
            found += stream.feed(text[start : start + _SLICE_CHARACTERS])
            # A text written to be full of them would be paid for in memory.
            if len(found) > MOST_FINDINGS:
                break
        else:
            found += stream.finish()
        return sorted((known.finding for known in found), key=lambda finding: (finding.end, finding.start))

    def scan_all(self, texts: Sequence[str]) -> tuple[tuple[Finding, ...], ...]:
        """Find personal data and secrets in each of several texts.

        Returns:
            The findings of each text, as `scan` gives them. More than `MOST_FINDINGS` together mean that what follows
            was not read.
        """
        if not self._patterns.may_match(texts):
            return ((),) * len(texts)
        findings: list[tuple[Finding, ...]] = []
        room = MOST_FINDINGS
        for text in texts:
            findings.append(tuple(self.scan(text)) if room >= 0 else ())
            room -= len(findings[-1])
        return tuple(findings)

    def stream(self) -> RunningStream:
        """Return a scan of a text that arrives in pieces, which holds back what may become a finding."""
        return RunningStream(self._patterns.stream())

    def unhurried(self) -> "Unhurried":
        """Return a scan of a text that arrives in pieces and is never held back."""
        return Unhurried(RunningStream(self._patterns.stream(RUNNING)))


@cache
def personal_data() -> PersonalData:
    """Return the one detector of this process; building it takes some hundred milliseconds."""
    return PersonalData()


class Unhurried:
    """A scan that follows a text without holding it back.

    It reads whenever a multiple of `BATCH` characters is complete, counted from the text's beginning; that is the
    moment its findings are certain, so they do not depend on how the text was cut.

    Args:
        stream: the scan.

    Attributes:
        frontier: always the length of the text so far.
    """

    __slots__ = ("_pending", "_read", "_stream", "frontier")

    def __init__(self, stream: RunningStream) -> None:
        self._stream = stream
        self._pending: list[str] = []
        self._read = 0
        self.frontier = 0

    def feed(self, text: str) -> list[Known]:
        """Take the next piece; return what became certain with it, in that order."""
        self.frontier += len(text)
        self._pending.append(text)
        if self.frontier - self._read < BATCH:
            return []
        waiting, found = "".join(self._pending), list[Known]()
        whole = len(waiting) - len(waiting) % BATCH
        for start in range(0, whole, BATCH):
            self._read += BATCH
            found += self._at(self._read, self._stream.feed(waiting[start : start + BATCH]))
        self._pending = [waiting[whole:]]
        return found

    def finish(self) -> list[Known]:
        """End the text; return what only its end makes certain."""
        waiting, self._pending = "".join(self._pending), []
        self._read += len(waiting)
        return self._at(self._read, [*self._stream.feed(waiting), *self._stream.finish()])

    def clear_before(self, at: int) -> int:
        """Return the frontier as it was when the text ended at ``at``."""
        return at

    @staticmethod
    def _at(length: int, found: list[Known]) -> list[Known]:
        found.sort(key=lambda known: (known.finding.end, known.finding.start))
        return [known._replace(at=length) for known in found]
