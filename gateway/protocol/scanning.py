"""Scanning, as an exchange needs it: what of a document has to be scanned, where, and what the rest is known to be.

Rules: the texts of a prompt that are known to be clean are not scanned again; a long scan leaves the event loop; a
scan answers for every text it was asked about, or it is none.
"""

from filters.findings import Findings, Phase, Stage
from gateway.protocol.buffered import Texts
from gateway.protocol.commands import ScanText
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import Document
from gateway.protocol.judge import Judge
from gateway.protocol.personal import acts_on_personal_data, reads_personal_data, scan_texts
from gateway.protocol.texts import TOOL_DEFINITIONS
from gateway.protocol.verdicts import all_unread


class Scanning:
    """The scans of one exchange, one after the other.

    Args:
        context: what it is scanned with.

    Attributes:
        lookups: texts of the prompt that were known to be clean, and texts that were looked up in vain.
    """

    __slots__ = ("_context", "_unread", "lookups")

    def __init__(self, context: ExchangeContext) -> None:
        self._context = context
        self._unread = all_unread(())
        self.lookups = (0, 0)

    def begin(self, phase: Phase, texts: Texts) -> Findings | ScanText:
        """Scan the texts of a document; return what was found, or the wish for a scan where it is long."""
        context, plain = self._context, [group.text for group in texts.groups]
        personal = reads_personal_data(context.standing.policy, phase)
        # A reply is seen once; when it comes back it is part of a prompt, and judged as one.
        if phase is Phase.RESPONSE:
            self._unread = all_unread(plain)
        else:
            # What was not read for personal data is not known to be free of it.
            self._unread = context.memory.unread(f"{phase} {context.standing.ruleset.digest} {personal}", plain)
            self.lookups = (self._unread.hits, self._unread.misses)
        # A hop to the pool costs more than a short scan; a long scan on the loop delays every other stream.
        if self._unread.characters > context.bounds.inline_scan_characters:
            return ScanText(phase, self._unread.texts, personal)
        return self.settle(scan_texts(context.standing.ruleset, phase, self._unread.texts, personal=personal))

    def settle(self, findings: Findings) -> Findings:
        """Return the findings of every text of the document.

        Args:
            findings: those of the texts that were scanned.

        Raises:
            ValueError: they are not as many as the texts: one more would pass unread.
        """
        if len(findings) != len(self._unread.texts):
            raise ValueError("a scan must answer for each text")
        return self._context.memory.settle(self._unread, findings)

    def missed_stages(self, phase: Phase) -> list[Stage]:
        """Return the stages a failed scan misses: one scan serves all, but none that would only have noted."""
        noted = not acts_on_personal_data(self._context.standing.policy, phase)
        return [Stage.KEYWORDS] if noted else [Stage.KEYWORDS, Stage.PERSONAL_DATA]


def left_out(context: ExchangeContext, document: Document, judge: Judge) -> frozenset[str]:
    """Return which members of a request the policy leaves unread; what passes so is recorded."""
    if context.standing.policy.scan_tool_definitions or not any(document.get(name) for name in TOOL_DEFINITIONS):
        return frozenset()
    judge.left_unread(Phase.REQUEST, Stage.KEYWORDS, "tool_definitions")
    return TOOL_DEFINITIONS
