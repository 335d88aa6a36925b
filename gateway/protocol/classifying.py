"""The stage `classifier` on whole documents: which of their texts are scored, and what is said of them.

Rules: asked only where keywords have not decided; names and ids of the wire format are not prose and not scored; what
the model said earlier in a conversation is measured as a reply, wherever it stands.
"""

from collections.abc import Sequence
from typing import NamedTuple

from filters.classifier.scores import Score, Side
from filters.findings import Finding, Findings, Phase
from gateway.protocol.bars import SIDE_OF, classifies
from gateway.protocol.buffered import Texts
from gateway.protocol.commands import ScoreTexts
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import Document
from gateway.protocol.judge import Judge
from gateway.protocol.policy import FailMode
from gateway.protocol.prose import is_prose
from gateway.protocol.questions import Question, missed, question_of, too_long
from gateway.protocol.texts import TextGroup

DOCUMENT_TICKET = 0
"""Ticket of a question about a whole document; those of streams are above it."""

_ROLE_OF_MODEL = "assistant"
_FROM = ("messages", "input")


class _Asked(NamedTuple):
    """What was asked about the texts of one side.

    Attributes:
        places: their numbers among the texts of the document.
        question: what was asked.
    """

    places: list[int]
    question: Question


class Classifying:
    """The scores of one exchange's documents, one document after the other.

    Args:
        context: what it is judged by.

    Attributes:
        overrun: True when the document has more windows than are scored.
    """

    __slots__ = ("_asked", "_context", "_count", "_phase", "overrun")

    def __init__(self, context: ExchangeContext) -> None:
        self.overrun = False
        self._context = context
        self._phase = Phase.REQUEST
        self._asked: list[_Asked] = []
        self._count = 0

    def begin(self, phase: Phase, texts: Texts, document: Document) -> ScoreTexts | None:
        """Return the wish for the scores of a document; None where nothing of it is scored.

        Args:
            phase: half of the exchange.
            texts: its texts.
            document: where they stand; tells who said them.
        """
        classification, policy = self._context.classification, self._context.standing.policy
        self._phase, self._count, self._asked = phase, len(texts.groups), []
        if classification is None or not classifies(policy, phase):
            return None
        spoken = _places_of_model(document) if phase is Phase.REQUEST else frozenset()
        for side in Side:
            places = [
                place
                for place, group in enumerate(texts.groups)
                if _side(phase, group, spoken) is side and is_prose(group)
            ]
            if places:
                plain = [texts.groups[place].text for place in places]
                self._asked.append(_Asked(places, question_of(classification, self._context, side, plain)))
        windows = tuple(window for asked in self._asked for window in asked.question.windows)
        self.overrun = too_long(windows)
        return ScoreTexts(DOCUMENT_TICKET, windows) if windows else None

    def missed(self, judge: Judge, reason: str) -> FailMode:
        """Say what becomes of a document that was not scored; what passes so is recorded as such."""
        return missed(judge, self._context, self._phase, reason)

    def settle(self, scores: Sequence[Score]) -> Findings:
        """Return the findings of every text of the document.

        Args:
            scores: the answer; one for each window that was asked about.

        Raises:
            ValueError: they are not as many: one more would pass unread.
        """
        left = iter(scores)
        findings: list[tuple[Finding, ...]] = [()] * self._count
        if len(scores) != sum(len(spans) for asked in self._asked for spans in asked.question.spans):
            raise ValueError("an answer must have a score for each window")
        for places, question in self._asked:
            for place, found in zip(places, question.settle(left, self._context.memory), strict=True):
                findings[place] = found
        return tuple(findings)


def _side(phase: Phase, group: TextGroup, spoken: frozenset[int]) -> Side:
    if phase is Phase.REQUEST and any(id(part.container) in spoken for part in group.parts):
        return Side.OUTPUT
    return SIDE_OF[phase]


def _places_of_model(document: Document) -> frozenset[int]:
    """Return which objects of a request say what the model said earlier, by identity."""
    spoken = set()
    for name in _FROM:
        messages = document.get(name)
        for message in messages if isinstance(messages, list) else ():
            if isinstance(message, dict) and message.get("role") == _ROLE_OF_MODEL:
                spoken.add(id(message))
                content = message.get("content")
                if isinstance(content, list):
                    spoken |= {id(part) for part in content}
    return frozenset(spoken)
