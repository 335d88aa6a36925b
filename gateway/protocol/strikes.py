"""What of a blocked prompt counts against the person who sent it, and what they are told of it.

The rule it serves: whoever enters unlawful or harmful content three times in a row, or five times in one day, is
subject to measures such as suspension (TC260-003, chapter 7). Rules: only what a keyword or classifier stage blocks
is such content; a phone number or a key of one's own is not. Clients send the whole conversation with every turn, so
what stands before the present turn is told apart: it counts once, however often it comes again.
"""

from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

from filters.findings import Action, Finding, Findings, Phase, Severity, Stage
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import Document
from gateway.protocol.evidence import encode_text
from gateway.protocol.policy import Policy
from gateway.protocol.texts import TextGroup, find_texts

MOST_TEXTS = 16
"""Texts of one strike whose digests are kept; a prompt with more of them is counted like any other."""

# Members that hold a conversation, and words by which an item of it is the model's.
_CONVERSATIONS = ("messages", "input")
_COUNTED_KIND = "user"
_MODEL_TYPES = frozenset({"function_call", "custom_tool_call", "reasoning"})


class Measure(StrEnum):
    """What a strike led to, mildest first."""

    NONE = "none"  # it was not counted
    COUNTED = "counted"
    WARNED = "warned"  # one more may suspend
    SUSPENDED = "suspended"
    REFUSED = "refused"  # the person was suspended already, while this prompt was under way


class StrikeOutcome(NamedTuple):
    """What became of a strike that was noted.

    Attributes:
        measure: what it led to.
        until_us: end of the suspension, in microseconds of Unix time; 0 where there is none.
    """

    measure: Measure = Measure.NONE
    until_us: int = 0


class Strike(NamedTuple):
    """What a blocked prompt counts as.

    Attributes:
        severity: of the gravest term that blocked it.
        fresh: True when the present turn brought it, and not what the conversation said before.
        digests: SHA-256 of each text that was blocked, at most `MOST_TEXTS`.
    """

    severity: Severity
    fresh: bool
    digests: tuple[bytes, ...]


def present_texts(document: Document) -> frozenset[str] | None:
    """Return the texts of the present turn of a conversation: what follows the model's last words.

    Args:
        document: the request, before anything was masked in it.

    Returns:
        The texts; None where the request is no conversation, and so all of it is the turn.
    """
    for name in _CONVERSATIONS:
        items = document.get(name)
        if isinstance(items, list):
            said = [number for number, item in enumerate(items) if _is_models(item)]
            turn = items[said[-1] + 1 :] if said else items
            return frozenset(group.text for group in find_texts({name: turn}))
    return None


def strike_of(
    groups: Iterable[TextGroup], findings: Findings, context: ExchangeContext, present: frozenset[str] | None
) -> Strike | None:
    """Return what a blocked prompt counts as, or None where it does not count.

    It counts where it asks for generated content in the name of a `user` account, and something in it is unlawful or
    harmful content. A count of tokens or a vector is asked of the same words once more; a regulator's test account
    sends such words on purpose.

    Args:
        groups: its texts.
        findings: what was found in each.
        context: who asks, in which format, by which rules.
        present: texts of the present turn; None for all.
    """
    if context.standing.account_kind != _COUNTED_KIND or not context.dialect.generates:
        return None
    severities: list[Severity] = []
    texts: list[str] = []
    for group, found in zip(groups, findings, strict=True):
        grave = [each.term.severity for each in found if _blocks(context.standing.policy, group, each)]
        if grave:
            severities += grave
            texts.append(group.text)
    if not severities:
        return None
    fresh = present is None or not present.isdisjoint(texts) or len(texts) > MOST_TEXTS
    return Strike(max(severities), fresh, tuple(sha256(encode_text(text)).digest() for text in texts[:MOST_TEXTS]))


def warning_member(outcome: StrikeOutcome) -> dict[str, object]:
    """Return the members that a refusal's ``sluice`` has besides, where a measure was taken."""
    if outcome.measure is Measure.WARNED:
        return {"warning": "suspension"}
    if outcome.measure is Measure.SUSPENDED:
        return {"suspended_until": outcome.until_us // 1_000_000}
    return {}


def warning_header(outcome: StrikeOutcome) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header ``x-sluice-warning`` where a measure was taken."""
    if outcome.measure in (Measure.WARNED, Measure.SUSPENDED):
        return ((b"x-sluice-warning", b"suspension" if outcome.measure is Measure.WARNED else b"suspended"),)
    return ()


def warning_text(outcome: StrikeOutcome, language: str) -> str:
    """Return the sentence that a refusal says besides, with a blank before it where its language has one.

    Args:
        outcome: what became of the strike.
        language: ``zh`` or ``en``.
    """
    return _SENTENCES.get((outcome.measure, language), "")


_SENTENCES = {
    (Measure.WARNED, "zh"): "请注意：如再次提交此类内容，您的使用将被暂停。",
    (Measure.WARNED, "en"): " Please note: if such content is sent again, your use of this service is suspended.",
    (Measure.SUSPENDED, "zh"): "由于多次提交此类内容，您的使用已被暂停，可以申诉。",
    (Measure.SUSPENDED, "en"): " Because such content was sent repeatedly, your use of this service is now suspended;"
    " you may appeal.",
}


def _is_models(item: Any) -> bool:  # noqa: ANN401 any JSON
    return isinstance(item, dict) and (item.get("role") == "assistant" or item.get("type") in _MODEL_TYPES)


def _blocks(policy: Policy, group: TextGroup, finding: Finding) -> bool:
    # What is personal is no unlawful content, whatever the policy does about it; what is in shadow acts on nothing.
    if finding.stage is Stage.PERSONAL_DATA or policy.shadows(Phase.REQUEST, finding.stage):
        return False
    action = policy.action_for(Phase.REQUEST, finding)
    return action is Action.BLOCK or (action in (Action.MASK, Action.RESTORE) and not group.parts)
