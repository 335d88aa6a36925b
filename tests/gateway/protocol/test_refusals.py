"""Built-in refusals and the member ``sluice``."""

import pytest

from filters.findings import Action, Finding, Phase, Stage
from gateway.protocol.judge import Judge
from gateway.protocol.policy import Policy, RefusalStyle, RiskPolicy
from gateway.protocol.refusals import NOTICES, REFUSALS, outcome_member, refusal_for, refusal_style
from tests.gateway.protocol.playbook import term


@pytest.mark.parametrize("texts", [REFUSALS, NOTICES])
def test_every_language_ends_with_a_general_answer(texts: dict[str, tuple[tuple[str, str], ...]]) -> None:
    """Whatever the risk, there is an answer in either language."""
    assert set(texts) == {"zh", "en"}
    assert all(rows[-1][0] == "" and all(text.strip() == text for _, text in rows) for rows in texts.values())


def test_the_member_names_the_risk_and_never_the_term() -> None:
    """What a client reads of a decision."""
    judge = Judge(Policy(), observe=False)
    before = outcome_member(judge, "r", 0, retract=False)
    assert (before["decision"], before["phase"], before["risks"]) == ("allow", None, [])
    judge.act(Phase.RESPONSE, Finding(Stage.KEYWORDS, "A.1.a", 0, 1, term("secret", Action.BLOCK)))
    assert outcome_member(judge, "r", 5, retract=True) == {
        "request_id": "r",
        "decision": "block",
        "phase": "response",
        "risks": ["A.1.a"],
        "retract": True,
        "released_characters": 5,
    }


SHIPPED = {"zh": (("A.4.a", "特殊"), ("", "一般")), "en": (("A.4.a", "special"), ("", "general"))}
ANSWER, ERROR, FIXED = RefusalStyle


@pytest.mark.parametrize(
    ("risks", "prompt", "text"),
    [
        (["A.1.a"], "hi", "general"),
        (["A.1.a"], "你好", "一般"),
        (["A.1.a", "A.4.a"], "hi", "special"),
        (["A.1.a", "A.1.f"], "hi", "Ask elsewhere."),
        (["A.1.f"], "你好", "一般"),
        (["A.1.f"], "привет", "Нет."),
        (["A.1.a"], "привет", "Нельзя."),
        ([], "привет", "Нельзя."),
    ],
)
def test_the_text_is_of_the_risk_then_of_the_policy_then_shipped(risks: list[str], prompt: str, text: str) -> None:
    """In the language of the prompt, which is one of the policy's."""
    own = {"A.1.f": RiskPolicy(answers={"en": "Ask elsewhere.", "ru": "Нет."}), "A.1.a": RiskPolicy()}
    policy = Policy(risks=own, languages=("zh", "en", "ru"), answers={"ru": "Нельзя."})
    assert refusal_for(policy, risks, prompt, SHIPPED) == (ANSWER, text)


def test_where_no_text_is_in_the_language_another_language_is_taken() -> None:
    """In the policy's order, and the shipped English last."""
    policy = Policy(languages=("th", "de", "zh"), answers={"de": "Nein."})
    assert refusal_for(policy, [], "สวัสดี", SHIPPED).text == "Nein."
    assert refusal_for(Policy(languages=("th", "zh")), [], "สวัสดี", SHIPPED).text == "一般"
    assert refusal_for(Policy(languages=("th",)), [], "สวัสดี", SHIPPED).text == "general"


def test_a_fixed_answer_is_in_the_operators_words() -> None:
    """In another language rather than in ours; ours only where there are none at all."""
    fixed = RiskPolicy(answers={"zh": "打电话"}, refusal=FIXED)
    policy = Policy(risks={"A.4.a": fixed, "A.1.f": RiskPolicy(refusal=FIXED)})
    assert refusal_for(policy, ["A.4.a"], "hi", SHIPPED) == (FIXED, "打电话")
    assert refusal_for(policy, ["A.4.a"], "你好", SHIPPED) == (FIXED, "打电话")
    assert refusal_for(policy, ["A.1.f"], "hi", SHIPPED) == (FIXED, "general")


@pytest.mark.parametrize(
    ("general", "own", "expected"),
    [
        (ANSWER, [], ANSWER),
        (ERROR, [], ERROR),
        (FIXED, [], FIXED),
        (ERROR, [FIXED], FIXED),
        (ANSWER, [FIXED, FIXED], FIXED),
        (ANSWER, [FIXED, None], ANSWER),
        (FIXED, [None, ERROR], ERROR),
        (ANSWER, [ERROR, FIXED], ERROR),
    ],
)
def test_of_several_risks_the_strictest_way_counts(
    general: RefusalStyle, own: list[RefusalStyle | None], expected: RefusalStyle
) -> None:
    """A risk's own way stands in the place of the policy's; an answer is given only where all risks allow one."""
    rules = {f"A.2.{place}": RiskPolicy(refusal=style) for place, style in enumerate(own) if style}
    policy = Policy(risks=rules, refusal=general)
    assert refusal_style(policy, [f"A.2.{place}" for place in range(len(own))]) is expected
