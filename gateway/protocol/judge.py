"""Findings become actions by the policy, and actions become the decision on an exchange.

The decision is the gravest action of the exchange. An observed exchange (account kind ``unfiltered``) is judged like
any other and recorded so, but nothing acts on it. The same goes for what a policy has in shadow mode: it is flagged,
and the record says besides what would have been decided.
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
        second: judges the same exchange by other lists, and acts on nothing; it is told here of whatever does not
            depend on them.

    Attributes:
        decision: the gravest decision so far.
        blocked_in: half of the exchange in which a block fell, else None.
    """

    __slots__ = (
        *("_acted", "_counts", "_observe", "_policy", "_scores", "_shadow", "_unscanned"),
        *("blocked_in", "decision", "second"),
    )

    def __init__(self, policy: Policy, *, observe: bool, second: "Judge | None" = None) -> None:
        self._policy = policy
        self.second = second
        self._observe = observe
        self._counts: dict[tuple[Phase, Stage, str, Action, str], int] = {}
        self._scores: dict[tuple[Phase, Stage, str, Action, str], int] = {}
        # A dict and not a set: a record lists them in the order in which they came.
        self._unscanned: dict[Unscanned, None] = {}
        self._acted: set[tuple[Decision, str]] = set()
        self._shadow = Decision.ALLOW  # the gravest there would have been
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
        if self.second is not None and finding.stage is not Stage.KEYWORDS:
            self.second.act(phase, finding, maskable=maskable)
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
            self._acted.add((Decision.UNFILTERED, finding.risk))
            return Action.FLAG
        if self._policy.shadows(phase, finding.stage):
            self._shadow = max(self._shadow, _DECISION[action], key=_GRAVITY.__getitem__)
            action = Action.FLAG
        self._acted.add((_DECISION[action], finding.risk))
        self._raise_to(_DECISION[action])
        if action is Action.BLOCK:
            self.blocked_in = phase
        return action

    def overrun(self, phase: Phase) -> Action:
        """Decide on a text with more findings than are judged one by one: it is blocked, whatever they are."""
        if self._observe:
            return Action.FLAG
        # Keywords are what a text can hold so many of; the rest of them was not judged, and is not looked at.
        if self._policy.shadows(phase, Stage.KEYWORDS):
            self._shadow = Decision.BLOCK
            self._raise_to(Decision.FLAG)
            return Action.FLAG
        self._raise_to(Decision.BLOCK)
        self.blocked_in = phase
        return Action.BLOCK

    def acts(self, phase: Phase, finding: Finding) -> bool:
        """Tell whether a finding would change or stop the text, without recording it."""
        # Counted where the text itself is read; the same words would count twice.
        if self._observe or self._policy.shadows(phase, finding.stage):
            return False
        return self._policy.action_for(phase, finding) not in (Action.OFF, Action.FLAG)

    def heeded(self, phase: Phase, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings the policy does not pass over."""
        return [finding for finding in findings if self._policy.action_for(phase, finding) is not Action.OFF]

    def unscanned(self, phase: Phase, stage: Stage, reason: str) -> FailMode:
        """Say what a stage's fail mode makes of a text it did not scan; what passes so is recorded as such."""
        # Where nothing acts, nothing may close either; the record still names it.
        idle = self._observe or self._policy.shadows(phase, stage)
        mode = FailMode.OPEN if idle else self._policy.phase(phase).fail_mode(stage)
        if mode is FailMode.OPEN:
            self.left_unread(phase, stage, reason)
        return mode

    def left_unread(self, phase: Phase, stage: Stage, reason: str) -> None:
        """Record a text that passes although a stage has not read it."""
        if self.second is not None:
            self.second.left_unread(phase, stage, reason)
        self._unscanned[Unscanned(phase, stage, reason)] = None
        self._raise_to(Decision.UNSCANNED)

    @property
    def risks(self) -> list[str]:
        """Risk ids behind the decision, sorted."""
        # A risk that was only flagged is not the reason of a block, and must not be told as one.
        return sorted({risk for decision, risk in self._acted if decision is self.decision})

    @property
    def policy(self) -> Policy:
        """What is done about findings."""
        return self._policy

    @property
    def shadow(self) -> Decision | None:
        """What would have been decided without shadow mode, where that is graver than the decision."""
        return self._shadow if _GRAVITY[self._shadow] > _GRAVITY[self.decision] else None

    @property
    def recorded(self) -> tuple[RecordedFinding, ...]:
        """The findings, counted by term."""
        return tuple([RecordedFinding(*key, count, self._scores.get(key)) for key, count in self._counts.items()])

    @property
    def not_scanned(self) -> tuple[Unscanned, ...]:
        """What was not scanned, and why."""
        return tuple(self._unscanned)

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
