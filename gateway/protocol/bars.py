"""What a score is measured against: the model's own thresholds, and what a policy puts in their place.

Rules: the two halves of an exchange are measured apart; a passage of a text that is still coming needs more than a
whole one, since replies that begin like harm often turn out to be none; a score below every bar leaves no trace.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from filters.classifier.scores import SAFE, Score, Side
from filters.findings import Action, Finding, Phase, Stage, Term
from gateway.protocol.policy import Policy

PHASE_OF = {Side.INPUT: Phase.REQUEST, Side.OUTPUT: Phase.RESPONSE}
SIDE_OF = {phase: side for side, phase in PHASE_OF.items()}


class Bar(NamedTuple):
    """From which score on a text of one side counts as harmful.

    Attributes:
        unsafe: for a whole text, or a window of one.
        early: for a passage of a text that is still coming.
        categories: in place of ``unsafe``, by category.
    """

    unsafe: float
    early: float
    categories: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Classification:
    """What the core knows of the classifier.

    Attributes:
        digest: names the model, or the models and how they are combined: what a score depends on besides the text.
        bars: the model's own thresholds.
    """

    digest: str
    bars: Mapping[Side, Bar]


class Bars(NamedTuple):
    """The bars of one policy for one side.

    Attributes:
        common: the model's own.
        own: the policy's, by risk id.
    """

    common: Bar
    own: Mapping[str, float]

    @property
    def name(self) -> str:
        """What a verdict by these bars depends on besides the model, which has its own in its digest."""
        return str(sorted(self.own.items()))

    def finding(self, score: Score, start: int, end: int, *, early: bool = False) -> Finding | None:
        """Return what a score says of a stretch of text; None where that is nothing.

        Args:
            score: the classifier's.
            start: offset of the stretch in the text as received.
            end: offset behind it.
            early: True for a passage of a text that is still coming.
        """
        common = self.common
        bar = self.own.get(score.risk, common.categories.get(score.category, common.unsafe))
        if early:
            bar = max(bar, common.early)
        if score.category == SAFE or score.unsafe < bar:
            return None
        term = Term(score.category, score.risk)
        return Finding(Stage.CLASSIFIER, score.risk, start, end, term, score=round(score.unsafe * 1000))


def bars_of(classification: Classification, policy: Policy, side: Side) -> Bars:
    """Return what a policy measures the scores of one side against."""
    request = side is Side.INPUT
    given = {
        risk: rule.threshold_request if request else rule.threshold_response for risk, rule in policy.risks.items()
    }
    own = {risk: threshold for risk, threshold in given.items() if threshold is not None}
    return Bars(classification.bars[side], own)


def classifies(policy: Policy, phase: Phase) -> bool:
    """Tell whether a policy wants to know what the classifier says of this half of an exchange."""
    return policy.phase(phase).actions.get(Stage.CLASSIFIER) is not Action.OFF


def acts_on_scores(policy: Policy, phase: Phase) -> bool:
    """Tell whether a policy does more about the classifier's findings in this half than to note them."""
    # A risk's action wins over the stage's, so any of them may stop a text.
    rules = {rule.action for rule in policy.risks.values()} - {None, Action.OFF, Action.FLAG}
    stage = policy.phase(phase).actions.get(Stage.CLASSIFIER)
    return stage not in (Action.OFF, Action.FLAG) or (stage is Action.FLAG and bool(rules))
