"""Findings become actions by the policy, and actions become the decision on an exchange.

The decision is the gravest action of the exchange. An observed exchange (account kind ``unfiltered``) is judged like
any other and recorded so, but nothing acts on it.
"""

from collections.abc import Iterable
from enum import StrEnum

from filters.findings import Action, Finding, Phase, Stage
from gateway.protocol.policy import FailMode, Policy
from gateway.protocol.record import RecordedFinding, Unscanned

# Bounds one record; behind it, findings are still counted, by risk and without their term.
_RECORDED_TERMS = 64


class Decision(StrEnum):
    """What was decided on an exchange, mildest first; all but ``error`` are values of ``x-sluice-decision``."""

    ALLOW = "allow"
    FLAG = "flag"
    MASK = "mask"
    UNSCANNED = "unscanned"  # let through by an open fail mode: never "allow"
    BLOCK = "block"
    UNFILTERED = "unfiltered"
    ERROR = "error"  # the exchange failed without a block; recorded only


# By place, so that a new decision is given its rank where it is written.
_GRAVITY = {decision: rank for rank, decision in enumerate(Decision)}
_DECISION = {
    Action.FLAG: Decision.FLAG,
    Action.RESTORE: Decision.MASK,
    Action.MASK: Decision.MASK,
    Action.BLOCK: Decision.BLOCK,
}


class Judge:
    """Judges one exchange and keeps its tally.

    Args:
        policy: what is done about findings.
        observe: True when findings are recorded only.

    Attributes:
        decision: the gravest decision so far.
        blocked_in: half of the exchange in which a block fell, else None.
    """

    __slots__ = ("_counts", "_observe", "_policy", "_scores", "_unscanned", "blocked_in", "decision")

    def __init__(self, policy: Policy, *, observe: bool) -> None:
        self._policy = policy
        self._observe = observe
        self._counts: dict[tuple[Phase, Stage, str, Action, str], int] = {}
        self._scores: dict[tuple[Phase, Stage, str, Action, str], int] = {}
        # A dict and not a set: a record lists them in the order in which they came.
        self._unscanned: dict[Unscanned, None] = {}
        self.blocked_in: Phase | None = None
        self.decision = Decision.UNFILTERED if observe else Decision.ALLOW

    def act(self, phase: Phase, finding: Finding, *, maskable: bool = True) -> Action:
        """Record a finding and say what is to be done about it.

        Args:
            phase: half of the exchange.
            finding: what was found.
            maskable: False for a text that cannot be rewritten: what would be masked there is blocked.

        Returns:
            The action; under observation never more than ``flag``.
        """
        action = self._policy.action_for(phase, finding)
        # Not counted either: what the operator switched off should not fill the record.
        if action is Action.OFF:
            return action
        # What a model said is nobody's prompt: there is nothing to restore it from.
        if action is Action.RESTORE and phase is Phase.RESPONSE:
            action = Action.MASK
        if action in (Action.MASK, Action.RESTORE) and not maskable:
            action = Action.BLOCK
        self._count(phase, finding, action)
        # Behind the count: the record shows what the policy would have done.
        if self._observe:
            return Action.FLAG
        self._raise_to(_DECISION[action])
        if action is Action.BLOCK:
            self.blocked_in = phase
        return action

    def overrun(self, phase: Phase) -> Action:
        """Decide on a text with more findings than are judged one by one: it is blocked, whatever they are."""
        if self._observe:
            return Action.FLAG
        self._raise_to(Decision.BLOCK)
        self.blocked_in = phase
        return Action.BLOCK

    def acts(self, phase: Phase, finding: Finding) -> bool:
        """Tell whether a finding would change or stop the text, without recording it."""
        # Counted where the text itself is read; the same words would count twice.
        return not self._observe and self._policy.action_for(phase, finding) not in (Action.OFF, Action.FLAG)

    def heeded(self, phase: Phase, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings the policy does not pass over."""
        return [finding for finding in findings if self._policy.action_for(phase, finding) is not Action.OFF]

    def unscanned(self, phase: Phase, stage: Stage, reason: str) -> FailMode:
        """Say what a stage's fail mode makes of a text it did not scan; what passes so is recorded as such."""
        # Nothing acts on an observed exchange, so nothing may close on it; the record still names it.
        mode = FailMode.OPEN if self._observe else self._policy.phase(phase).fail_mode(stage)
        if mode is FailMode.OPEN:
            self.left_unread(phase, stage, reason)
        return mode

    def left_unread(self, phase: Phase, stage: Stage, reason: str) -> None:
        """Record a text that passes although a stage has not read it."""
        self._unscanned[Unscanned(phase, stage, reason)] = None
        self._raise_to(Decision.UNSCANNED)

    @property
    def risks(self) -> list[str]:
        """Risk ids behind the decision, sorted."""
        # A risk that was only flagged is not the reason of a block, and must not be told as one.
        return sorted({key[2] for key in self._counts if self._observe or _DECISION[key[3]] is self.decision})

    @property
    def recorded(self) -> tuple[RecordedFinding, ...]:
        """The findings, counted by term."""
        return tuple([RecordedFinding(*key, count, self._scores.get(key)) for key, count in self._counts.items()])

    @property
    def not_scanned(self) -> tuple[Unscanned, ...]:
        """What was not scanned, and why."""
        return tuple(self._unscanned)

    def answer(self, language: str, defaults: Iterable[tuple[str, str]]) -> str:
        """Return the policy's refusal for the first risk that has one in this language.

        Args:
            language: ``zh`` or ``en``.
            defaults: built-in answers as (risk or empty, text), most special first.
        """
        risks = self.risks
        for risk in risks:
            own = self._policy.risks.get(risk)
            if own and language in own.answers:
                return own.answers[language]
        # The last default fits every risk, so there always is one.
        return next(text for risk, text in defaults if not risk or risk in risks)

    def _count(self, phase: Phase, finding: Finding, action: Action) -> None:
        key = (phase, finding.stage, finding.risk, action, finding.term.text)
        if key not in self._counts and len(self._counts) >= _RECORDED_TERMS:
            key = (*key[:4], "")
        self._counts[key] = self._counts.get(key, 0) + 1
        if finding.score is not None:
            self._scores[key] = max(finding.score, self._scores.get(key, 0))

    def _raise_to(self, decision: Decision) -> None:
        if _GRAVITY[decision] > _GRAVITY[self.decision]:
            self.decision = decision
