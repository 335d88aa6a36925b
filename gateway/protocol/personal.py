"""The stage `personal_data`: which exchanges it reads, and how.

Rules: where every action is off, nothing is read. Where findings are only flagged, replies are read some hundred
characters at a time and nothing of a stream is held back. Where something may be masked or blocked, what may still
become a finding waits. Identifiers of the wire format are nobody's data and are not read: a masked one would be
another identifier.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from filters.findings import Action, Finding, Findings, Phase, Stage
from filters.personal.detector import personal_data
from filters.personal.kinds import personal, secret
from filters.ruleset import Ruleset
from gateway.protocol.context import ExchangeContext
from gateway.protocol.gate import StreamStage
from gateway.protocol.nested import scan_nested
from gateway.protocol.policy import Policy

IDENTIFIERS = frozenset({"id", "call_id", "tool_call_id", "item_id", "model", "object", "system_fingerprint"})
"""Members that name a thing of the wire format."""

# One of each risk: a policy's action depends on stage, risk and the term's own action, which all kinds share.
_SAMPLES = tuple(Finding(Stage.PERSONAL_DATA, term.risk, 0, 0, term) for term in (personal(""), secret("")))


def reads_personal_data(policy: Policy, phase: Phase) -> bool:
    """Tell whether a policy wants to know of personal data in this half of an exchange."""
    return _actions(policy, phase) != {Action.OFF}


def acts_on_personal_data(policy: Policy, phase: Phase) -> bool:
    """Tell whether a policy does more about personal data in this half of an exchange than to note it."""
    return not _actions(policy, phase) <= {Action.OFF, Action.FLAG}


class Following(NamedTuple):
    """How personal data is followed through a stream.

    Attributes:
        stages: gives the stages of one running text, besides the keywords'.
        holds: True where text waits until it is known to be no personal data.
    """

    stages: Callable[[], tuple[StreamStage, ...]] = tuple
    holds: bool = False


UNFOLLOWED = Following()


def following(context: ExchangeContext) -> Following:
    """Say how a policy wants personal data in a streamed reply followed."""
    # What is only observed is never masked or blocked, so nothing of it need wait.
    if acts_on_personal_data(context.standing.policy, Phase.RESPONSE) and not context.standing.observe:
        return Following(lambda: (personal_data().stream(),), holds=True)
    if reads_personal_data(context.standing.policy, Phase.RESPONSE):
        return Following(lambda: (personal_data().unhurried(),))
    return UNFOLLOWED


def _actions(policy: Policy, phase: Phase) -> set[Action]:
    return {policy.action_for(phase, sample) for sample in _SAMPLES}


def scan_texts(ruleset: Ruleset, phase: Phase, texts: Sequence[str], *, personal: bool) -> Findings:
    """Scan the texts of a document with every stage.

    Args:
        ruleset: what keywords are matched with.
        phase: half of the exchange.
        texts: texts as received.
        personal: whether personal data is looked for.
    """
    findings = scan_nested(ruleset.matcher(phase), texts)
    if not personal:
        return findings
    more = personal_data().scan_all(texts)
    return tuple(own + other for own, other in zip(findings, more, strict=True)) if any(more) else findings
