"""What a client reads when an exchange was stopped, unless the policy has an answer of its own.

The matched term is for operators: none of these texts, nor the member ``sluice``, ever names it.

How a block is answered: by the strictest way that any risk behind it asks for. With what text: in the client's
language that of its risk, else the policy's, else the shipped one; where there is none, the same in the policy's
other languages. A fixed answer is always the operator's own words, in whatever language there are some.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from gateway.protocol.judge import Decision, Judge
from gateway.protocol.languages import language_among
from gateway.protocol.policy import Policy, RefusalStyle

Shipped = Mapping[str, tuple[tuple[str, str], ...]]
"""Texts by language: (risk or "", text), most special first; the last fits every risk."""

REFUSALS: Shipped = {
    "zh": (
        ("A.4.a", "我没法在这件事上提供帮助。如果你正感到难受，请联系身边信任的人，或拨打当地的心理援助热线。"),
        ("", "很抱歉，这个请求涉及不适宜的内容，我无法提供帮助。如认为有误，可凭请求编号反馈。"),
    ),
    "en": (
        ("A.4.a", "I cannot help with this. If you are struggling, talk to someone you trust or call a crisis line."),
        ("", "Sorry, I cannot help with this because of its content. If this is a mistake, report the request id."),
    ),
}
# In brackets: nobody should take it for the model's own words.
NOTICES: Shipped = {
    "zh": (("", "［回答已停止：后续内容不适宜展示。］"),),
    "en": (("", "[The answer was stopped: what followed cannot be shown.]"),),
}


_SHIPPED_LANGUAGE = "en"
# The strictest last.
_STYLES = (RefusalStyle.FIXED_ANSWER, RefusalStyle.ANSWER, RefusalStyle.ERROR)


class Refusal(NamedTuple):
    """How a block is answered.

    Attributes:
        style: as what.
        text: what the client reads; an error says something of its own.
    """

    style: RefusalStyle
    text: str


def refusal_style(policy: Policy, risks: Collection[str]) -> RefusalStyle:
    """Return how a block for these risks is answered."""
    # Where several risks meet, a client must not take what one of them forbids for an answer.
    own = [policy.risks[risk].refusal if risk in policy.risks else None for risk in risks]
    return max([style or policy.refusal for style in own or [None]], key=_STYLES.index)


def refusal_for(policy: Policy, risks: Collection[str], prompt: str, shipped: Shipped) -> Refusal:
    """Return how a block is answered.

    Args:
        policy: who says so.
        risks: risks behind the block, sorted.
        prompt: text by whose language the client is answered.
        shipped: texts for where the policy has none.
    """
    style = refusal_style(policy, risks)
    # Each once, and the one that always has a text last.
    languages = dict.fromkeys((language_among(prompt, policy.languages), *policy.languages, _SHIPPED_LANGUAGE))
    # A refusal in the shipped words would be no answer, so the operator's in another language goes before them.
    fallback: Shipped = {} if style is RefusalStyle.FIXED_ANSWER else shipped
    texts = [text for language in languages for text in _texts(policy, risks, language, fallback)]
    return Refusal(style, next(iter(texts), shipped[_SHIPPED_LANGUAGE][-1][1]))


def _texts(policy: Policy, risks: Collection[str], language: str, shipped: Shipped) -> Iterator[str]:
    """Yield the texts of one language, most special first."""
    tables = [policy.risks[risk].answers for risk in risks if risk in policy.risks]
    yield from (answers[language] for answers in (*tables, policy.answers) if language in answers)
    yield from (text for risk, text in shipped.get(language, ()) if not risk or risk in risks)


def outcome_member(judge: Judge, request_id: str, released_characters: int, *, retract: bool) -> dict[str, object]:
    """Return the member ``sluice`` of an answer that was acted on.

    Args:
        judge: what was decided.
        request_id: id of the exchange.
        released_characters: characters of the reply sent before a block.
        retract: True when the client should take back what was shown.
    """
    phase = judge.blocked_in
    return {
        "request_id": request_id,
        "decision": judge.decision.value,
        "phase": phase.value if phase else None,
        # The class and never the term: told the term, a client could try its way round the list word by word.
        "risks": [] if judge.decision is Decision.ALLOW else judge.risks,
        "retract": retract,
        "released_characters": released_characters,
    }
