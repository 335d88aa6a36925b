"""The stream gate: what of a reply may leave while it is still coming.

Each text of a stream that continues from frame to frame (a choice's content, its reasoning, the arguments of one tool
call) is a channel. Every stage reports how far it has cleared the channel; only the minimum, the release frontier,
goes out. What is held back leaves with the channel's next frame, so a channel never delays another one.

Rules: released text is final (a later match cannot begin before the frontier); what leaves before a block depends on
the text up to the blocking match only, never on how the text was cut; lengths never change, so offsets stay true.
"""

from typing import NamedTuple, Protocol

from filters.findings import MOST_FINDINGS, Action, Known, Phase
from gateway.protocol.evidence import ContentScope
from gateway.protocol.judge import Judge
from gateway.protocol.texts import mask_text
from gateway.protocol.transcript import Transcript


class StreamStage(Protocol):
    """A check that follows one channel; offsets are in the channel's text as received."""

    @property
    def frontier(self) -> int:
        """Offset up to which this stage has cleared the text."""
        ...

    def feed(self, text: str) -> list[Known]:
        """Take the next piece; return what became certain with it, in that order."""
        ...

    def finish(self) -> list[Known]:
        """End the text; return what only its end makes certain. A name may be said again: it may be fed further."""
        ...

    def clear_before(self, at: int) -> int:
        """Return the frontier as it was when the text ended at ``at``, inside the last piece."""
        ...


class Released(NamedTuple):
    """What a channel lets go.

    Attributes:
        text: characters that may leave now, masks applied.
        blocked: True when a finding stops the reply; nothing more will be let go.
    """

    text: str
    blocked: bool = False


class Channel:
    """One running text of a stream.

    Args:
        stages: the checks that must clear it.
        transcript: what is remembered of it.

    Attributes:
        released: characters let go so far.
        held: text received and not yet let go.
    """

    __slots__ = ("_judged", "_masks", "_stages", "_transcript", "held", "released")

    def __init__(self, stages: tuple[StreamStage, ...], transcript: Transcript | None = None) -> None:
        self._stages = stages
        self._transcript = transcript or Transcript(ContentScope.NONE)
        self._masks: list[tuple[int, int]] = []
        self._judged = 0
        self.released = 0
        self.held = ""

    def feed(self, text: str, judge: Judge) -> Released:
        """Take the next piece of the text.

        Args:
            text: what follows.
            judge: says what is done about findings.
        """
        self.held += text
        # All stages before any judging: one that missed a piece would give wrong offsets ever after.
        found = [known for stage in self._stages for known in stage.feed(text)]
        stop = self._judge(found, judge) if found else None
        # Behind the findings: it then knows what of a long piece to keep.
        self._transcript.add(text)
        if stop is not None:
            return self._stop(stop)
        return Released(self._release(min([stage.frontier for stage in self._stages])))

    def learn(self, found: list[Known], judge: Judge) -> Released:
        """Take what a stage came to know between two pieces; return what may leave now."""
        stop = self._judge(found, judge) if found else None
        cleared = min([stage.frontier for stage in self._stages])
        if stop is None:
            return Released(self._release(cleared))
        text = self._release(min(cleared, stop.finding.start))
        self.held = ""
        return Released(text, blocked=True)

    def finish(self, judge: Judge) -> Released:
        """End the text: nothing can grow any more, so what is still held leaves, unless its end makes it a block."""
        found = [known for stage in self._stages for known in stage.finish()]
        if found and (stop := self._judge(found, judge)):
            return self._stop(stop)
        return Released(self._release(self.released + len(self.held)))

    def _judge(self, found: list[Known], judge: Judge) -> Known | None:
        """Judge what was found and note the masks; return the finding that stops the text, if one does."""
        # In the order in which they became certain: what is judged, and where a block falls, must not depend on how
        # the text was cut.
        found.sort(key=lambda known: (known.at, known.finding.end, known.finding.start))
        stop: Known | None = None
        for known in found:
            # Whether this is certain yet depends on the cutting, so it is never judged.
            if stop is not None and known.at > stop.at:
                break
            finding = known.finding
            self._judged += 1
            # Counted over the whole text: the bound must not be avoided by sending it in small pieces.
            if self._judged > MOST_FINDINGS:
                action = judge.overrun(Phase.RESPONSE)
            else:
                action = judge.act(Phase.RESPONSE, finding)
            if action is not Action.OFF:
                self._transcript.note(finding)
            if action is Action.MASK:
                self._masks.append((finding.start, finding.end))
            elif action is Action.BLOCK:
                # What becomes certain at the same place is judged as well, so that the record names every risk.
                stop = min(stop or known, known, key=lambda each: each.finding.start)
        return stop

    def _stop(self, known: Known) -> Released:
        cleared = min(stage.clear_before(known.at) for stage in self._stages)
        # A match at its end is no beginning any more and would count as cleared; none of it may leave.
        text = self._release(min(cleared, known.finding.start))
        # Forgotten at once, so that no later end can send it.
        self.held = ""
        return Released(text, blocked=True)

    def _release(self, frontier: int) -> str:
        count = frontier - self.released
        if count <= 0:
            return ""
        text, self.held = self.held[:count], self.held[count:]
        if self._masks:
            text = mask_text(text, [(start - self.released, end - self.released) for start, end in self._masks])
            # A mask may reach over the frontier: the rest of it falls on what leaves next.
            self._masks = [span for span in self._masks if span[1] > frontier]
        self.released = frontier
        return text
