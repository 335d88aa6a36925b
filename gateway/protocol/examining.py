"""What becomes of a prompt, or of a reply that is read whole: read by all stages, one behind the other, and judged.

Rules: what one stage blocks the next is not asked about; a stage that could not read is a decision of its fail mode;
a document that only gets a verdict (`/v1/moderations`) is read by all stages, and nothing acts on it here.
"""

import operator
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, ClassVar

from filters.findings import Action, Findings, Phase
from gateway.protocol.buffered import Texts, judge_texts
from gateway.protocol.classifying import Classifying
from gateway.protocol.commands import ScanText, ScoreTexts
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import ParsedRequest
from gateway.protocol.events import Event, ScanCompleted, ScanFailed, ScoringFailed, TextsScored
from gateway.protocol.judge import Judge
from gateway.protocol.placeholders import Vault
from gateway.protocol.policy import FailMode
from gateway.protocol.questions import TOO_LONG
from gateway.protocol.recording import Recording
from gateway.protocol.scanning import Scanning
from gateway.protocol.second import look_again
from gateway.protocol.strikes import Strike, present_texts, strike_of
from gateway.protocol.whole import WholeReply


class Examined(Enum):
    """How the examination of a document ends."""

    PASSED = auto()
    BLOCKED = auto()
    UNREAD = auto()  # a stage could not read it, and the policy lets nothing pass so


Step = ScanText | ScoreTexts | Examined
"""What comes next: a wish, whose answer goes on with the examination, or its end."""


class Examination:
    """The examinations of one exchange, of its prompt and of its whole reply.

    Args:
        context: what it is judged by.
        judge: keeps the tally.
        vault: keeps the values that are to be restored.
        recording: is told what was found.

    Attributes:
        phase: which half is examined.
        texts: the texts of that half.
        findings: what was found in each of them so far.
        action: what was done about the reply: ``mask`` when it was changed.
    """

    def __init__(self, context: ExchangeContext, judge: Judge, vault: Vault, recording: Recording) -> None:
        self._context = context
        self._present: frozenset[str] | None = None
        self._read = False  # whether reading found anything
        self._judge = judge
        self._vault = vault
        self._recording = recording
        self._scanning = Scanning(context)
        self._classifying = Classifying(context)
        self._request: ParsedRequest | None = None
        self._whole: WholeReply | None = None
        self.phase = Phase.REQUEST
        self.texts = Texts((), 0)
        self.findings: Findings = ()
        self.action = Action.OFF

    @property
    def lookups(self) -> tuple[int, int]:
        """Texts of the prompt that were known to be clean, and texts that were looked up in vain."""
        return self._scanning.lookups

    def begin_request(self, texts: Texts, request: ParsedRequest) -> Step:
        """Examine a prompt."""
        self.phase, self.texts, self._request = Phase.REQUEST, texts, request
        return self._begin()

    def begin_reply(self, texts: Texts, whole: WholeReply) -> Step:
        """Examine a reply."""
        self.phase, self.texts, self._whole = Phase.RESPONSE, texts, whole
        return self._begin()

    @property
    def strike(self) -> Strike | None:
        """What a blocked prompt counts as; None for one that does not count, and for a reply."""
        if self.phase is Phase.RESPONSE:
            return None
        # What nothing was found in by reading has no masks: there its texts stand as they came.
        document = self._request.document if self._request else {}
        present = self._present if self._read else present_texts(document)
        return strike_of(self.texts.groups, self.findings, self._context, present)

    def receive(self, event: Event) -> Step:
        """Go on with the answer to a wish.

        Raises:
            ValueError: it is not the answer to what was asked.
        """
        return self._ANSWERS[type(event)](self, event)

    def scanned(self, event: ScanCompleted) -> Step:
        """Go on with what a scan found.

        Raises:
            ValueError: it is not the scan that was asked for.
        """
        self._check(event)
        return self._found(self._scanning.settle(event.findings, event.other))

    def scan_failed(self, event: ScanFailed) -> Step:
        """Go on without a scan, where the policy lets that be.

        Raises:
            ValueError: it is not the scan that was asked for.
        """
        self._check(event)
        missed = self._scanning.missed_stages(event.phase)
        # All of them, so that the record names each; any may close.
        if FailMode.CLOSED in [self._judge.unscanned(event.phase, stage, event.reason) for stage in missed]:
            return Examined.UNREAD
        # Open: as if nothing was found; the tally already says `unscanned`, so it cannot be recorded as allowed.
        return self._found(tuple(() for _ in self.texts.groups))

    def scored(self, event: TextsScored) -> Step:
        """Go on with the classifier's scores.

        Raises:
            ValueError: they are not as many as were asked for.
        """
        found = self._classifying.settle(event.scores)
        self._recording.take_findings(self.phase, self.texts, found)
        self.findings = tuple(map(operator.add, self.findings, found))
        blocks = not self._asked_for_verdict and self._judge_texts(found) is Action.BLOCK
        return Examined.BLOCKED if blocks else Examined.PASSED

    def unscored(self, reason: str) -> Step:
        """Go on without scores, where the policy lets that be."""
        closed = self._classifying.missed(self._judge, reason) is FailMode.CLOSED
        return Examined.UNREAD if closed else Examined.PASSED

    def scoring_failed(self, event: ScoringFailed) -> Step:
        """The same, told by the shell."""
        return self.unscored(event.reason)

    @property
    def _asked_for_verdict(self) -> bool:
        return self.phase is Phase.REQUEST and self._request is not None and self._request.inputs is not None

    def _begin(self) -> Step:
        self._recording.take_texts(self.phase, self.texts)
        found = self._scanning.begin(self.phase, self.texts)
        return found if isinstance(found, ScanText) else self._found(found)

    def _check(self, event: ScanCompleted | ScanFailed) -> None:
        """A scan of the prompt says nothing about the reply."""
        if event.phase is not self.phase:
            raise ValueError(f"a scan of the {event.phase}, where one of the {self.phase} was asked for")

    def _found(self, findings: Findings) -> Step:
        """Act on what was found by reading; have scored what that did not decide."""
        look_again(self.phase, self.texts, self._scanning.other, self._judge.second)
        self._recording.take_findings(self.phase, self.texts, findings)
        self.findings = findings
        self._read = any(findings)
        if self._read and self._whole is None and self._request is not None:
            # Before it is judged, which writes masks into it.
            self._present = present_texts(self._request.document)
        if not self._asked_for_verdict and self._act(findings) is Action.BLOCK:
            return Examined.BLOCKED
        document = self._request.document if self._request and self.phase is Phase.REQUEST else {}
        asked = self._classifying.begin(self.phase, self.texts, document)
        if asked is None:
            return Examined.PASSED
        return self.unscored(TOO_LONG) if self._classifying.overrun else asked

    def _act(self, findings: Findings) -> Action:
        if self._whole is None:
            return self._judge_texts(findings)
        self.action = self._whole.judge(findings, self._judge, self._vault)
        return self.action

    def _judge_texts(self, findings: Findings) -> Action:
        return judge_texts(self.phase, self.texts, findings, self._judge, self._vault)

    _ANSWERS: ClassVar[dict[type, Callable[[Any, Any], Step]]] = {
        ScanCompleted: scanned,
        ScanFailed: scan_failed,
        TextsScored: scored,
        ScoringFailed: scoring_failed,
    }
