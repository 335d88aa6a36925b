"""What the classifier is asked about texts that are complete, and what its answer says of each of them.

Rules: a text known to be clean by the same model and the same bars is not scored again; more windows than the bound
are a decision of the fail mode, taken before any of them is scored.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from filters.classifier.scores import Score, Side, Window
from filters.classifier.windows import WINDOW_BYTES, Span, cut_windows, width
from filters.findings import Finding, Findings, Phase, Stage
from gateway.protocol.bars import Bars, Classification, acts_on_scores, bars_of
from gateway.protocol.context import ExchangeContext
from gateway.protocol.judge import Judge
from gateway.protocol.policy import FailMode
from gateway.protocol.prose import readable
from gateway.protocol.verdicts import Unread, VerdictMemory

MOST_WINDOWS = 1024
"""Most full windows of one document: 170,000 Chinese characters, half a million Latin ones, three seconds of work."""
MOST_SHORT_WINDOWS = 4096
"""Most windows of any length; a transcript has one for each line of it, and a short one costs a fraction."""
TOO_LONG = "classifier_text_too_long"


class Question(NamedTuple):
    """Texts that are measured by the same bars.

    Attributes:
        side: whose words they are.
        unread: which of them are scored.
        spans: the windows of each of these.
        bars: what they are measured against.
    """

    side: Side
    unread: Unread
    spans: list[list[Span]]
    bars: Bars

    @property
    def windows(self) -> tuple[Window, ...]:
        """What is scored."""
        return tuple(
            Window(readable(text[span.start : span.end]), self.side)
            for text, spans in zip(self.unread.texts, self.spans, strict=True)
            for span in spans
        )

    def settle(self, scores: Iterator[Score], memory: VerdictMemory) -> Findings:
        """Return the findings of each text, and remember which have none.

        Args:
            scores: the answer; those of this question come next.
            memory: where it was looked up what is known.
        """
        return memory.settle(self.unread, tuple(_findings(spans, scores, self.bars) for spans in self.spans))


def question_of(
    classification: Classification, context: ExchangeContext, side: Side, texts: Sequence[str]
) -> Question:
    """Return what is to be asked about texts of one side.

    Args:
        classification: what the classifier's scores mean.
        context: what the exchange is judged by.
        side: whose words they are.
        texts: the texts as received.
    """
    bars = bars_of(classification, context.standing.policy, side)
    scope = f"classifier {side} {classification.digest} {bars.name}"
    # A look-up costs a thousandth of a score, so short texts are remembered too.
    unread = context.memory.unread(scope, texts, shortest=1)
    return Question(side, unread, [cut_windows(text) for text in unread.texts], bars)


def too_long(windows: Sequence[Window]) -> bool:
    """Tell whether windows are more than are scored for one document."""
    if len(windows) <= MOST_WINDOWS:
        return False
    return (
        len(windows) > MOST_SHORT_WINDOWS or sum(width(each.text) for each in windows) > MOST_WINDOWS * WINDOW_BYTES
    )


def missed(judge: Judge, context: ExchangeContext, phase: Phase, reason: str) -> FailMode:
    """Say what becomes of a text that was not scored; what passes so is recorded as such."""
    # Where findings would only have been noted, nothing may close on their absence.
    if not acts_on_scores(context.standing.policy, phase):
        judge.left_unread(phase, Stage.CLASSIFIER, reason)
        return FailMode.OPEN
    return judge.unscanned(phase, Stage.CLASSIFIER, reason)


def _findings(spans: list[Span], left: Iterator[Score], bars: Bars) -> tuple[Finding, ...]:
    found = [bars.finding(next(left), span.start, span.end) for span in spans]
    return tuple(finding for finding in found if finding is not None)
