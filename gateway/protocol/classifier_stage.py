"""The stage `classifier` on running texts: passages are scored as they come, and the whole once more at the end.

Rules: what is asked depends on the text alone, never on how it was cut or when answers come; answers count in the
order of the questions; a passage needs a higher score than a window of the whole, whose verdict falls at the end;
what may leave before its score is a fixed number of characters, so a leak is bounded also when no answer comes. What
says nothing (`gateway.protocol.prose`) counts as scored.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from filters.classifier.scores import Score
from filters.classifier.windows import (
    CONTEXT_CHARACTERS,
    WINDOW_BYTES,
    cut_passages,
    cut_windows,
    may_end_passage,
    width,
)
from filters.findings import MOST_FINDINGS, Finding, Known
from gateway.protocol.bars import Bars
from gateway.protocol.policy import StreamMode
from gateway.protocol.prose import readable, says_something

_WHOLE = False  # what is asked is no passage
_UNASKED = 0  # ticket of what says nothing


class Lead(NamedTuple):
    """What may leave before its score is known.

    Attributes:
        mode: as the policy says.
        characters: how many characters beyond what was scored; None where nothing waits for a score.
    """

    mode: StreamMode
    characters: int | None


class _Asked(NamedTuple):
    ticket: int
    start: int
    end: int
    passage: bool


class ClassifierStage:
    """The scores of one running text.

    Args:
        ask: asks for the score of a stretch of text, which is a passage or not; returns the ticket of the question.
        bars: what scores are measured against.
        lead: what may leave before its score is known.
    """

    __slots__ = (
        *("_answers", "_ask", "_asked", "_bars", "_cleared", "_context", "_ended", "_lead", "_passage"),
        *("_size", "_whole", "_width", "_window"),
    )

    def __init__(self, ask: Callable[[str, bool], int], bars: Bars, lead: Lead) -> None:
        self._ask = ask
        self._bars = bars
        self._lead = lead
        self._asked: deque[_Asked] = deque()
        self._answers: dict[int, Score | None] = {}
        self._whole: list[Finding] = []  # of windows; judged when the text has ended
        self._context = ""  # in front of the passage
        self._passage = ""  # behind the last passage that was asked about
        self._window = ""  # the window that is not full yet
        self._width = 0  # of that window, in bytes
        self._size = 0
        self._cleared = 0
        self._ended = False

    @property
    def frontier(self) -> int:
        """Offset up to which the text may leave."""
        mode, characters = self._lead
        if characters is None:
            return self._size
        # Also when all has been scored: the verdict on the whole falls with `finish`, and what waits waits for that.
        return 0 if mode is StreamMode.FULL else min(self._size, self._cleared + characters)

    @property
    def settled(self) -> bool:
        """True while nothing that was asked is unanswered."""
        return not self._asked

    def feed(self, text: str) -> list[Known]:
        """Take the next piece; what is to be known of it comes with `take`."""
        self._size += len(text)
        self._passage += text
        self._window += text
        self._width += width(text)
        asks: list[tuple[str, _Asked]] = []
        # Each frame of a stream comes by here, and few of them end anything.
        if self._lead.mode is not StreamMode.FULL and may_end_passage(self._passage, len(self._passage) - len(text)):
            asks = self._passages()
        if self._width > WINDOW_BYTES:
            asks += self._windows()
            # By their ends: one piece or many, the questions come in one order.
            asks.sort(key=lambda ask: (ask[1].end, not ask[1].passage))
        for text_asked, asked in asks:
            self._put(text_asked, asked)
        # Nothing is known of it yet, but what says nothing need not be waited for.
        return self._advance()

    def end(self) -> None:
        """The text is complete: ask about what is left of it."""
        if not self._ended:
            self._ended = True
            if self._window:
                start = self._size - len(self._window)
                self._put(self._window, _Asked(_UNASKED, start, self._size, passage=_WHOLE))
                self._advance()

    def take(self, ticket: int, score: Score | None) -> list[Known]:
        """Take an answer; return what became certain with it.

        Args:
            ticket: of the question.
            score: the answer; None where there is none, and the stretch passes so.
        """
        self._answers[ticket] = score
        return self._advance()

    def _put(self, text: str, asked: _Asked) -> None:
        ticket = self._ask(readable(text), asked.passage) if says_something(text) else _UNASKED
        self._asked.append(asked._replace(ticket=ticket))

    def _advance(self) -> list[Known]:
        found: list[Known] = []
        # The first harm in the text stops it, whichever answer came first.
        while self._asked and (self._asked[0].ticket == _UNASKED or self._asked[0].ticket in self._answers):
            asked = self._asked.popleft()
            answer = self._answers.pop(asked.ticket, None)
            if answer is not None:
                found += self._judged(asked, answer)
            if asked.passage:
                self._cleared = asked.end
        return found

    def finish(self) -> list[Known]:
        """Return what the windows of the whole said."""
        found, self._whole = self._whole, []
        return [Known(self._size, finding) for finding in found]

    def clear_before(self, at: int) -> int:
        """Return the frontier as it was when the text ended at ``at``, inside the last piece."""
        return min(at, self.frontier)

    def _judged(self, asked: _Asked, score: Score) -> list[Known]:
        early = self._bars.finding(score, asked.start, asked.end, early=True)
        if early is not None:
            return [Known(asked.end, early)]
        if not asked.passage and len(self._whole) < MOST_FINDINGS:
            finding = self._bars.finding(score, asked.start, asked.end)
            self._whole += [finding] if finding else []
        return []

    def _passages(self) -> list[tuple[str, _Asked]]:
        first, asks, start = self._size - len(self._passage), [], 0
        for end in cut_passages(self._passage):
            passage = self._passage[start:end]
            asks.append((self._context + passage, _Asked(_UNASKED, first + start, first + end, passage=True)))
            self._context = (self._context + passage)[-CONTEXT_CHARACTERS:]
            start = end
        self._passage = self._passage[start:]
        return asks

    def _windows(self) -> list[tuple[str, _Asked]]:
        first = self._size - len(self._window)
        *full, rest = cut_windows(self._window)
        asks = [
            (
                self._window[each.start : each.end],
                _Asked(_UNASKED, first + each.start, first + each.end, passage=False),
            )
            for each in full
        ]
        self._window = self._window[rest.start :]
        self._width = width(self._window)
        return asks
