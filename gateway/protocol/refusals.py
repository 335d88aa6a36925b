"""What a client reads when an exchange was stopped, unless the policy has an answer of its own.

The matched term is for operators: none of these texts, nor the member ``sluice``, ever names it.
"""

from gateway.protocol.judge import Decision, Judge

# (risk or "", text), most special first.
REFUSALS: dict[str, tuple[tuple[str, str], ...]] = {
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
NOTICES: dict[str, tuple[tuple[str, str], ...]] = {
    "zh": (("", "［回答已停止：后续内容不适宜展示。］"),),
    "en": (("", "[The answer was stopped: what followed cannot be shown.]"),),
}


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
