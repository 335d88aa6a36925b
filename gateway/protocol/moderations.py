"""The answer to a question for a verdict: what would be found in a text, in the shape of OpenAI's moderations.

Rules: risk, place and action are told, never the matched term; what was not read is said not to have been, and a text
with too much in it to be read to its end counts as flagged; a category of OpenAI's is told only where its definition
covers our risk class.
"""

from collections.abc import Sequence

from filters.findings import Action, Finding, Phase
from filters.keywords import MOST_FINDINGS
from gateway.protocol.buffered import Findings, Texts
from gateway.protocol.dialects.base import Document, Identity, Input
from gateway.protocol.judge import Judge
from gateway.protocol.texts import TextGroup

# Said of every answer: which lists they were is in the header ``x-sluice-ruleset``.
_MODEL = "sluice"
# https://platform.openai.com/docs/guides/moderation; clients read all of them by name.
CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
# By OpenAI's definitions hate is aimed at race, gender, ethnicity, religion, nationality or disability, and the same
# aimed at another group is harassment. Our other classes are wider than any category, or put two into one (A.1.f:
# violence and pornography), so that a category would say more than is known.
CATEGORY_OF_RISK = {
    "A.1.e": "hate",  # ethnic hatred
    "A.2.a": "hate",  # ethnic
    "A.2.b": "hate",  # belief
    "A.2.c": "hate",  # nationality
    "A.2.d": "harassment",  # region
    "A.2.e": "hate",  # gender
    "A.2.f": "harassment",  # age
    "A.2.g": "harassment",  # occupation
    "A.2.h": "harassment",  # health, which is wider than disability
    "A.2.i": "harassment",  # other
}
_APPLICABLE = frozenset(CATEGORY_OF_RISK.values())
_TEXT = "text"


def input_texts(inputs: Sequence[Input]) -> Texts:
    """Return the inputs as the texts of a document; nothing is masked in them, so they stand nowhere."""
    return Texts(tuple(TextGroup(each.text, ()) for each in inputs), sum(len(each.text) for each in inputs))


def moderate(inputs: Sequence[Input], findings: Findings, identity: Identity, judge: Judge) -> Document:
    """Judge the inputs, and build the answer.

    Args:
        inputs: what was asked about.
        findings: what was found in each.
        identity: names the answer.
        judge: keeps the tally.
    """
    results, room = [], MOST_FINDINGS
    unread = bool(judge.not_scanned)
    for given, found in zip(inputs, findings, strict=True):
        kept = _judged(found[: max(0, room)], judge)
        room -= len(found)
        # From here on the scan read nothing more.
        if room < 0:
            judge.overrun(Phase.REQUEST)
        results.append(_result(given, kept, unread=unread or room < 0, flagged=room < 0))
    return {"id": f"modr-{identity.request_id}", "model": _MODEL, "results": results}


def _judged(found: Sequence[Finding], judge: Judge) -> list[tuple[Finding, Action]]:
    # What the operator switched off is no finding here either.
    judged = [(finding, judge.act(Phase.REQUEST, finding)) for finding in found]
    return [(finding, action) for finding, action in judged if action is not Action.OFF]


def _result(given: Input, found: list[tuple[Finding, Action]], *, unread: bool, flagged: bool) -> Document:
    hit = {CATEGORY_OF_RISK.get(finding.risk) for finding, _ in found}
    # An image alone has no text that anything could be said of.
    applied = [] if unread or (given.unscanned and not given.text) else [_TEXT]
    return {
        "flagged": flagged or bool(found),
        "categories": {name: name in hit for name in CATEGORIES},
        # A term is there or is not: there is no probability of it.
        "category_scores": {name: float(name in hit) for name in CATEGORIES},
        "category_applied_input_types": {name: applied if name in _APPLICABLE else [] for name in CATEGORIES},
        "sluice": {
            "findings": [_described(finding, action) for finding, action in found],
            "unscanned": [*([_TEXT] if unread else []), *given.unscanned],
        },
    }


def _described(finding: Finding, action: Action) -> Document:
    return {
        "stage": finding.stage.value,
        "risk": finding.risk,
        "action": action.value,
        "start": finding.start,
        "end": finding.end,
        "via": [step.value for step in finding.via],
    }
