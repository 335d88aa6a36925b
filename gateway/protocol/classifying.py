"""The stage `classifier` on whole documents: which of their texts are scored, and what is said of them.

Rules: asked only where keywords have not decided; names and ids of the wire format are not prose and not scored; what
the model said earlier in a conversation is measured as a reply, wherever it stands; a text known to be clean by the
same model and the same bars is not scored again; a document of more windows than the bound is a decision of the fail
mode, taken before any of it is scored.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from filters.classifier.scores import Score, Side, Window
from filters.classifier.windows import Span, cut_windows
from filters.findings import Finding, Findings, Phase, Stage
from gateway.protocol.bars import SIDE_OF, Bars, acts_on_scores, bars_of, classifies
from gateway.protocol.buffered import Texts
from gateway.protocol.commands import ScoreTexts
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import Document
from gateway.protocol.judge import Judge
from gateway.protocol.personal import IDENTIFIERS
from gateway.protocol.policy import FailMode
from gateway.protocol.texts import TextGroup
from gateway.protocol.verdicts import Unread

DOCUMENT_TICKET = 0
"""Ticket of a question about a whole document; those of streams are above it."""
MOST_WINDOWS = 1024
"""Most windows of one document: 170,000 Chinese characters, half a million Latin ones, or three seconds of work."""
TOO_LONG = "classifier_text_too_long"

# Strings under these names name things; a score of "gpt-4o" or of an address says nothing.
NAMES = IDENTIFIERS | {
    *("detail", "effort", "encoding_format", "end_user", "finish_reason", "format", "image_url", "media_type"),
    *("mime_type", "name", "prompt_cache_key", "role", "safety_identifier", "service_tier", "signature", "status"),
    *("stop_reason", "tool_choice", "tool_use_id", "type", "url", "user", "user_id", "voice"),
}
# A member name of somebody's own is one word; longer ones may be prose.
_MOST_OF_A_NAME = 40
_ROLE_OF_MODEL = "assistant"
_FROM = ("messages", "input")


class _Asked(NamedTuple):
    """What was asked about the texts of one side.

    Attributes:
        side: whose words they are.
        places: their numbers among the texts of the document.
        unread: which of them are scored.
        spans: the windows of each of these.
        bars: what they are measured against.
    """

    side: Side
    places: list[int]
    unread: Unread
    spans: list[list[Span]]
    bars: Bars


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
            if not places:
                continue
            bars = bars_of(classification, policy, side)
            scope = f"classifier {side} {classification.digest} {bars.name}"
            plain = [texts.groups[place].text for place in places]
            # A look-up costs a thousandth of a score, so short texts are remembered too.
            unread = self._context.memory.unread(scope, plain, shortest=1)
            self._asked.append(_Asked(side, places, unread, [cut_windows(text) for text in unread.texts], bars))
        windows = tuple(
            Window(text[span.start : span.end], asked.side)
            for asked in self._asked
            for text, spans in zip(asked.unread.texts, asked.spans, strict=True)
            for span in spans
        )
        self.overrun = len(windows) > MOST_WINDOWS
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
        if len(scores) != sum(len(spans) for asked in self._asked for spans in asked.spans):
            raise ValueError("an answer must have a score for each window")
        for asked in self._asked:
            found = tuple(_findings(spans, left, asked.bars) for spans in asked.spans)
            for place, each in zip(asked.places, self._context.memory.settle(asked.unread, found), strict=True):
                findings[place] = each
        return tuple(findings)


def missed(judge: Judge, context: ExchangeContext, phase: Phase, reason: str) -> FailMode:
    """Say what becomes of a text that was not scored; what passes so is recorded as such."""
    # Where findings would only have been noted, nothing may close on their absence.
    if not acts_on_scores(context.standing.policy, phase):
        judge.left_unread(phase, Stage.CLASSIFIER, reason)
        return FailMode.OPEN
    return judge.unscanned(phase, Stage.CLASSIFIER, reason)


def is_prose(group: TextGroup) -> bool:
    """Tell whether a text may say something: names, ids and numbers do not."""
    if len(group.parts) == 1 and group.parts[0].key in NAMES:
        return False
    text = group.text
    # What stands nowhere is a file, an input, or a member name: of these only names are one word.
    return not (not group.parts and len(text) <= _MOST_OF_A_NAME and text.isascii() and text.isidentifier())


def _findings(spans: list[Span], left: Iterator[Score], bars: Bars) -> tuple[Finding, ...]:
    found = [bars.finding(next(left), span.start, span.end) for span in spans]
    return tuple(finding for finding in found if finding is not None)


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
