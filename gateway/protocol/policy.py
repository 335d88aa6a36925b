"""What is done about findings: policies, as frozen values built from the settings.

Which action wins: the policy's action for the risk, else its action for the stage, else the term's own. ``off`` at
any level switches that stage off for that risk.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from filters.findings import Action, Finding, Phase, Stage


class FailMode(StrEnum):
    """What happens to a text that a stage could not scan."""

    CLOSED = "closed"  # it does not pass
    OPEN = "open"  # it passes as "unscanned", counted and recorded


class StreamMode(StrEnum):
    """What of a stream may leave before the classifier has scored it."""

    TRAIL = "trail"  # a stated number of characters beyond what was scored
    HOLD = "hold"  # what was scored
    FULL = "full"  # nothing before the whole reply was scored


class RefusalStyle(StrEnum):
    """How a blocked request is answered."""

    ANSWER = "answer"  # an ordinary reply with the policy's text, so that chat clients show it
    ERROR = "error"  # status 400 with code content_filter
    FIXED_ANSWER = "fixed_answer"  # the policy's text as a complete answer, which nothing marks as a stop (代答)


@dataclass(frozen=True, slots=True)
class PhasePolicy:
    """Actions and fail modes for one half of an exchange.

    Attributes:
        actions: action per stage; a stage that is absent leaves it to the term.
        fail_modes: fail mode per stage; a stage that is absent is closed.
        shadow: stages whose findings are judged and recorded, and not acted on.
    """

    actions: Mapping[Stage, Action] = field(default_factory=dict)
    fail_modes: Mapping[Stage, FailMode] = field(default_factory=dict)
    shadow: frozenset[Stage] = frozenset()

    def fail_mode(self, stage: Stage) -> FailMode:
        """What to do when a stage could not scan: closed unless the operator said open."""
        return self.fail_modes.get(stage, FailMode.CLOSED)


@dataclass(frozen=True, slots=True)
class RiskPolicy:
    """What one risk class gets instead of the defaults.

    Attributes:
        action: overrides stage and term; None leaves it to them.
        answers: what a blocked client reads, by language tag.
        phase_actions: the same as ``action`` for one half of an exchange, where it stands in its place.
        refusal: how a block for this risk is answered; None leaves it to the policy.
        threshold_request: score from which the classifier's findings in prompts count; None takes the model's own.
        threshold_response: the same for replies.
    """

    action: Action | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    phase_actions: Mapping[Phase, Action] = field(default_factory=dict)
    refusal: RefusalStyle | None = None
    threshold_request: float | None = None
    threshold_response: float | None = None

    def action_in(self, phase: Phase) -> Action | None:
        """Return what is done about the risk in one half of an exchange; None leaves it to stage and term."""
        return self.phase_actions.get(phase, self.action)


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything an account's exchanges are judged by.

    Attributes:
        name: the key under ``[policies]``.
        refusal: how a blocked request is answered.
        request: rules for prompts.
        response: rules for replies.
        risks: overrides per risk id.
        scan_tool_definitions: False when the descriptions of tools in a request pass unread.
        stream: what of a stream may leave before the classifier has scored it.
        trail_characters: how many characters may, where ``stream`` is ``trail``.
        languages: in which clients are answered, the preferred first; at least one.
        answers: what a blocked client reads where its risk has no text, by language tag.
        shadow: True when everything is judged and recorded, and nothing acted on.
        file_labels: what becomes of a picture or a sound that does not take all of its label.
    """

    name: str = "default"
    refusal: RefusalStyle = RefusalStyle.ANSWER
    request: PhasePolicy = field(default_factory=PhasePolicy)
    response: PhasePolicy = field(default_factory=PhasePolicy)
    risks: Mapping[str, RiskPolicy] = field(default_factory=dict)
    scan_tool_definitions: bool = True
    stream: StreamMode = StreamMode.TRAIL
    trail_characters: int = 80
    languages: tuple[str, ...] = ("zh", "en")
    answers: Mapping[str, str] = field(default_factory=dict)
    shadow: bool = False
    file_labels: FailMode = FailMode.CLOSED

    def phase(self, phase: Phase) -> PhasePolicy:
        """Return the rules for one half of an exchange."""
        return self.request if phase is Phase.REQUEST else self.response

    def shadows(self, phase: Phase, stage: Stage) -> bool:
        """Tell whether what a stage finds in one half of an exchange is judged and recorded only."""
        return self.shadow or stage in self.phase(phase).shadow

    def action_for(self, phase: Phase, finding: Finding) -> Action:
        """Return what is done about a finding: risk before stage before term; ``off`` anywhere wins."""
        risk = self.risks.get(finding.risk)
        levels = (
            risk.action_in(phase) if risk else None,
            self.phase(phase).actions.get(finding.stage),
            finding.term.action,
        )
        if Action.OFF in levels:
            return Action.OFF
        # A term always has an action, so one level is always there.
        action = next(level for level in levels if level is not None)
        # A score is of a stretch of text: there is no word in it that could be masked.
        masks = finding.stage is Stage.CLASSIFIER and action in (Action.MASK, Action.RESTORE)
        return Action.BLOCK if masks else action
