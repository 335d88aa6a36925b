"""The settings of policies take the closed sets of the core and nothing else."""

from typing import Any

import pytest
from pydantic import ValidationError

from filters.findings import Action
from gateway.protocol.policy import FailMode, RefusalStyle
from gateway.settings.policy_models import PolicySettings


def test_a_policy_without_words_leaves_actions_to_the_terms_and_fails_closed() -> None:
    """Silence never means that something passes."""
    policy = PolicySettings()
    assert policy.refusal is RefusalStyle.ANSWER
    assert policy.request.keywords is policy.response.keywords is None
    assert policy.request.fail_mode.keywords is policy.response.fail_mode.keywords is FailMode.CLOSED


def test_words_become_the_values_of_the_core() -> None:
    """What the file says is what the core acts on."""
    policy = PolicySettings.model_validate(
        {"refusal": "error", "response": {"keywords": "mask", "fail_mode": {"keywords": "open"}}}
    )
    assert policy.refusal is RefusalStyle.ERROR
    assert policy.response.keywords is Action.MASK
    assert policy.response.fail_mode.keywords is FailMode.OPEN


@pytest.mark.parametrize(
    "given",
    [
        {"refusal": "silence"},
        {"request": {"keywords": "drop"}},
        {"request": {"fail_mode": {"keywords": "maybe"}}},
        {"request": {"fail_mode": {"classifier": "maybe"}}},
        {"risks": {"terror": {"action": "block"}}},
        {"risks": {"A.1.f": {"action": "drop"}}},
        {"risks": {"A.1.f": {"answer": {"fr": "non"}}}},
        {"risks": {"A.1.f": {"answer": {"zh": ""}}}},
    ],
)
def test_anything_else_is_refused(given: dict[str, Any]) -> None:
    """A word the core does not know is an error."""
    with pytest.raises(ValidationError):
        PolicySettings.model_validate(given)
