"""Built-in refusals and the member ``sluice``."""

import pytest

from filters.findings import Action, Finding, Phase, Stage
from gateway.protocol.judge import Judge
from gateway.protocol.policy import Policy
from gateway.protocol.refusals import NOTICES, REFUSALS, outcome_member
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
