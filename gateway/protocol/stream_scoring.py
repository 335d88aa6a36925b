"""The stage `classifier` on one stream: the questions about its texts, and whose the answers are.

Rules: a text that goes on from frame to frame is followed by a stage of its own; one that is complete in its frame is
scored like a text of a document, and its frame waits for that; a stream asks so many questions at once and no more,
so that a long piece of text outruns neither the classifier's time nor its queue: what comes behind waits its turn.
"""

from collections import deque
from collections.abc import Iterable
from functools import partial

from filters.classifier.scores import Score, Side, Window
from filters.findings import Finding, Known, Phase
from gateway.protocol.bars import Classification, acts_on_scores, bars_of, classifies
from gateway.protocol.classifier_stage import ClassifierStage, Lead
from gateway.protocol.commands import ScoreTexts
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import ChannelKey
from gateway.protocol.policy import StreamMode
from gateway.protocol.questions import Question, question_of, too_long

MOST_ASKED = 16
"""Most questions of one stream that are unanswered: two batches of the classifier."""

Answered = tuple[ChannelKey, list[Known]] | list[tuple[str, tuple[Finding, ...]]]
"""What became certain with an answer: of a running text, or the findings in texts that are complete."""


class TooLongError(ValueError):
    """The complete texts of a frame have more windows than are scored."""


class StreamScoring:
    """The questions and answers of one stream.

    Args:
        classification: what the classifier's scores mean.
        context: what the exchange is judged by.
        lead: what may leave before its score is known.
    """

    def __init__(self, classification: Classification, context: ExchangeContext, lead: Lead) -> None:
        self._classification = classification
        self._context = context
        self._bars = bars_of(classification, context.standing.policy, Side.OUTPUT)
        self._lead = lead
        self._wishes: deque[ScoreTexts] = deque()
        self._unanswered = 0  # of those that were asked
        self._owners: dict[int, ChannelKey] = {}
        self._stages: dict[ChannelKey, ClassifierStage] = {}
        self._complete: dict[int, Question] = {}
        self._ended: set[ChannelKey] = set()
        self._tickets = 0

    @property
    def holds(self) -> bool:
        """True where text waits for its score."""
        return self._lead.characters is not None

    def open_stage(self, key: ChannelKey) -> ClassifierStage:
        """Begin the scores of a running text."""
        stage = self._stages[key] = ClassifierStage(partial(self._ask, key), self._bars, self._lead)
        return stage

    def ask_about(self, texts: Iterable[str]) -> bool:
        """Ask about texts that are complete in their frame; tell whether there is anything to wait for.

        Raises:
            TooLongError: they are too long to be scored.
        """
        plain = list(texts)
        question = question_of(self._classification, self._context, Side.OUTPUT, plain) if plain else None
        if question is None or not question.unread.texts:
            return False
        windows = question.windows
        if too_long(windows):
            raise TooLongError
        self._tickets += 1
        self._complete[self._tickets] = question
        self._wishes.append(ScoreTexts(self._tickets, windows))
        return self.holds

    def end(self, path: ChannelKey) -> None:
        """The texts below a path are complete."""
        for key, stage in self._stages.items():
            if key[: len(path)] == path and key not in self._ended:
                self._ended.add(key)
                stage.end()

    @property
    def settled(self) -> bool:
        """True while every text that is complete has all its scores."""
        return not self._complete and all(self._stages[key].settled for key in self._ended)

    @property
    def behind(self) -> bool:
        """True while there is more to ask than is asked at once."""
        return len(self._wishes) + self._unanswered > MOST_ASKED

    def take(self, ticket: int, scores: tuple[Score, ...] | None) -> Answered:
        """Take an answer; return what became certain with it.

        Args:
            ticket: of the question.
            scores: the answer; None where there is none, and the text passes so.
        """
        self._unanswered -= 1
        question = self._complete.pop(ticket, None)
        if question is None:
            key = self._owners.pop(ticket)
            return key, self._stages[key].take(ticket, scores[0] if scores else None)
        if scores is None:
            return []
        found = question.settle(iter(scores), self._context.memory)
        # Behind those that were known to be clean: what they have are no findings.
        return [
            (text, found[place]) for text, place in zip(question.unread.texts, question.unread.places, strict=True)
        ]

    def take_wishes(self) -> list[ScoreTexts]:
        """Return what is to be asked now, once."""
        wishes = []
        while self._wishes and self._unanswered < MOST_ASKED:
            self._unanswered += 1
            wishes.append(self._wishes.popleft())
        return wishes

    def _ask(self, key: ChannelKey, text: str, early: bool) -> int:  # noqa: FBT001 called by position
        self._tickets += 1
        self._owners[self._tickets] = key
        self._wishes.append(ScoreTexts(self._tickets, (Window(text, Side.OUTPUT, early),)))
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
    return StreamScoring(classification, context, lead)
