"""From the settings of policies to the core's frozen values."""

from collections.abc import Collection

from filters.findings import Stage
from gateway.protocol.policy import PhasePolicy, Policy, RiskPolicy
from gateway.settings.loader import Loaded
from gateway.settings.models import Settings
from gateway.settings.policy_models import PhaseSettings, PolicySettings, RiskSettings
from gateway.settings.problems import Problem, SettingsError, dotted
from gateway.settings.suggestions import nearest


def build_policies(settings: Settings) -> dict[str, Policy]:
    """Return the policies by name; `default` is always among them."""
    return {name: _policy(name, given) for name, given in settings.policies.items()}


def risk_problems(loaded: Loaded, known_risks: Collection[str]) -> list[Problem]:
    """Return a problem for each policy rule about a risk the taxonomy does not have.

    Args:
        loaded: the settings with their origins.
        known_risks: risk ids of the taxonomy.
    """
    return [
        # Checked here and not in the models, since the taxonomy is data and no part of the settings.
        _unknown_risk(loaded, ("policies", name, "risks", risk), known_risks)
        for name, policy in loaded.settings.policies.items()
        for risk in policy.risks
        if risk not in known_risks
    ]


def check_risks(loaded: Loaded, known_risks: Collection[str]) -> None:
    """Check that the taxonomy has every risk a policy speaks of.

    Raises:
        SettingsError: a rule for a mistyped risk would silently do nothing.
    """
    if problems := risk_problems(loaded, known_risks):
        raise SettingsError(problems)


def _unknown_risk(loaded: Loaded, path: tuple[str, ...], known_risks: Collection[str]) -> Problem:
    return Problem(
        place=loaded.origins.place(path),
        key=dotted(path),
        value=None,
        wrong="is not a risk of the taxonomy",
        remedy=nearest(path[-1], known_risks) or "See the taxonomy for the risk ids",
    )


def _policy(name: str, given: PolicySettings) -> Policy:
    return Policy(
        name=name,
        refusal=given.refusal,
        request=_phase(given.request),
        response=_phase(given.response),
        risks={risk: _risk(rule) for risk, rule in given.risks.items()},
        scan_tool_definitions=given.scan_tool_definitions,
        stream=given.stream,
        trail_characters=given.trail_characters,
    )


def _phase(given: PhaseSettings) -> PhasePolicy:
    actions = {
        Stage.KEYWORDS: given.keywords,
        Stage.PERSONAL_DATA: given.personal_data,
        Stage.CLASSIFIER: given.classifier,
    }
    return PhasePolicy(
        # Absent, so that the action of each term is asked; no action here could say that.
        actions={stage: action for stage, action in actions.items() if action is not None},
        fail_modes={
            Stage.KEYWORDS: given.fail_mode.keywords,
            Stage.PERSONAL_DATA: given.fail_mode.personal_data,
            Stage.CLASSIFIER: given.fail_mode.classifier,
        },
    )


def _risk(given: RiskSettings) -> RiskPolicy:
    # Languages without a text of their own are left out, and get the shipped one.
    return RiskPolicy(
        given.action,
        given.answer.model_dump(exclude_none=True),
        given.threshold_request,
        given.threshold_response,
    )
