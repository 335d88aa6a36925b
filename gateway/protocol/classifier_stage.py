"""The stage `classifier` on running texts: passages are scored as they come, and the whole once more at the end.

Rules: what is asked depends on the text alone, never on how it was cut or when answers come; answers count in the
order of the questions; a passage needs a higher score than a window of the whole, whose verdict falls at the end;
what may leave before its score is a fixed number of characters, so a leak is bounded also when no answer comes.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from filters.classifier.scores import Score, Side, Window
from filters.classifier.windows import CONTEXT_CHARACTERS, cut_passages, cut_windows, window_is_full
from filters.findings import MOST_FINDINGS, Finding, Known, Phase
from gateway.protocol.bars import Bars, acts_on_scores, bars_of, classifies
from gateway.protocol.commands import ScoreTexts
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import ChannelKey
from gateway.protocol.policy import StreamMode


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
        ask: asks for the score of a stretch of text; returns the ticket of the question.
        bars: what scores are measured against.
        lead: what may leave before its score is known.
    """

    __slots__ = (
        *("_answers", "_ask", "_asked", "_bars", "_cleared", "_context", "_ended", "_lead", "_passage"),
        *("_size", "_whole", "_window"),
    )

    def __init__(self, ask: Callable[[str], int], bars: Bars, lead: Lead) -> None:
        self._ask = ask
        self._bars = bars
        self._lead = lead
        self._asked: deque[_Asked] = deque()
        self._answers: dict[int, Score | None] = {}
        self._whole: list[Finding] = []  # of windows; judged when the text has ended
        self._context = ""  # in front of the passage
        self._passage = ""  # behind the last passage that was asked about
        self._window = ""  # the window that is not full yet
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
        asks = [] if self._lead.mode is StreamMode.FULL else self._passages()
        if window_is_full(self._window):
            asks += self._windows()
            # By their ends: one piece or many, the questions come in one order.
            asks.sort(key=lambda ask: (ask[1].end, not ask[1].passage))
        for text_asked, asked in asks:
            self._asked.append(asked._replace(ticket=self._ask(text_asked)))
        return []

    def end(self) -> None:
        """The text is complete: ask about what is left of it."""
        if not self._ended:
            self._ended = True
            if self._window:
                start = self._size - len(self._window)
                self._asked.append(_Asked(self._ask(self._window), start, self._size, passage=False))

    def take(self, ticket: int, score: Score | None) -> list[Known]:
        """Take an answer; return what became certain with it.

        Args:
            ticket: of the question.
            score: the answer; None where there is none, and the stretch passes so.
        """
        self._answers[ticket] = score
        found: list[Known] = []
        # The first harm in the text stops it, whichever answer came first.
        while self._asked and self._asked[0].ticket in self._answers:
            asked = self._asked.popleft()
            answer = self._answers.pop(asked.ticket)
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
            asks.append((self._context + passage, _Asked(0, first + start, first + end, passage=True)))
            self._context = (self._context + passage)[-CONTEXT_CHARACTERS:]
            start = end
        self._passage = self._passage[start:]
        return asks

    def _windows(self) -> list[tuple[str, _Asked]]:
        first = self._size - len(self._window)
        *full, rest = cut_windows(self._window)
        asks = [
            (self._window[each.start : each.end], _Asked(0, first + each.start, first + each.end, passage=False))
            for each in full
        ]
        self._window = self._window[rest.start :]
        return asks


class StreamScoring:
    """The questions and answers of one stream.

    Args:
        bars: what scores are measured against.
        lead: what may leave before its score is known.
    """

    def __init__(self, bars: Bars, lead: Lead) -> None:
        self._bars = bars
        self._lead = lead
        self._wishes: list[ScoreTexts] = []
        self._owners: dict[int, ChannelKey] = {}
        self._stages: dict[ChannelKey, ClassifierStage] = {}
        self._ended: set[ChannelKey] = set()
        self._tickets = 0

    def open_stage(self, key: ChannelKey) -> ClassifierStage:
        """Begin the scores of a running text."""
        stage = self._stages[key] = ClassifierStage(lambda text: self._ask(key, text), self._bars, self._lead)
        return stage

    def end(self, path: ChannelKey) -> None:
        """The texts below a path are complete."""
        for key, stage in self._stages.items():
            if key[: len(path)] == path and key not in self._ended:
                self._ended.add(key)
                stage.end()

    @property
    def settled(self) -> bool:
        """True while every text that has ended has all its scores."""
        return all(self._stages[key].settled for key in self._ended)

    def take(self, ticket: int, score: Score | None) -> tuple[ChannelKey, list[Known]]:
        """Take an answer; return whose it is, and what became certain with it."""
        key = self._owners.pop(ticket)
        return key, self._stages[key].take(ticket, score)

    def take_wishes(self) -> list[ScoreTexts]:
        """Return what is to be asked, once."""
        wishes, self._wishes = self._wishes, []
        return wishes

    def _ask(self, key: ChannelKey, text: str) -> int:
        self._tickets += 1
        self._owners[self._tickets] = key
        self._wishes.append(ScoreTexts(self._tickets, (Window(text, Side.OUTPUT),)))
        return self._tickets


def scoring_of(context: ExchangeContext) -> StreamScoring | None:
    """Return how a policy wants a streamed reply scored; None where it does not."""
    classification, policy = context.classification, context.standing.policy
    if classification is None or not classifies(policy, Phase.RESPONSE):
        return None
    # What is only noted never stops a stream, so nothing of it need wait.
    if context.standing.observe or not acts_on_scores(policy, Phase.RESPONSE):
        lead = Lead(StreamMode.TRAIL, None)
    else:
        lead = Lead(policy.stream, policy.trail_characters if policy.stream is StreamMode.TRAIL else 0)
    return StreamScoring(bars_of(classification, policy, Side.OUTPUT), lead)
