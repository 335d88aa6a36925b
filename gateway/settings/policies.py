"""From the settings of policies to the core's frozen values."""

from collections.abc import Collection, Iterator

from filters.findings import Phase, Stage
from gateway.protocol.policy import PhasePolicy, Policy, RefusalStyle, RiskPolicy
from gateway.protocol.policy_table import PolicyTable, SelectRule
from gateway.settings.lines import KeyPath
from gateway.settings.loader import Loaded
from gateway.settings.models import Settings
from gateway.settings.policy_layers import effective_policy
from gateway.settings.policy_models import PhaseSettings, PolicySettings, RiskSettings
from gateway.settings.policy_select import Select
from gateway.settings.problems import Problem, SettingsError, dotted
from gateway.settings.suggestions import nearest


def build_policies(settings: Settings) -> dict[str, Policy]:
    """Return the policies by name, with what they inherit; `default` and those that ship are always among them."""
    policies = settings.policies
    return {name: _policy(name, effective_policy(policies, name)) for name in policies.names}


def build_policy_table(settings: Settings) -> PolicyTable:
    """Return the policies with the rules of who gets which."""
    return PolicyTable(build_policies(settings), tuple(map(_rule, settings.policies.select)))


def risk_problems(loaded: Loaded, known_risks: Collection[str]) -> list[Problem]:
    """Return a problem for each policy rule that could not do what it says.

    One is about a risk the taxonomy does not have, another gives a fixed answer that no text was written for.

    Args:
        loaded: the settings with their origins.
        known_risks: risk ids of the taxonomy.
    """
    return [*_unknown_risks(loaded, known_risks), *_wordless_answers(loaded)]


def _unknown_risks(loaded: Loaded, known_risks: Collection[str]) -> list[Problem]:
    return [
        # Checked here and not in the models, since the taxonomy is data and no part of the settings.
        _unknown_risk(loaded, ("policies", name, "risks", risk), known_risks)
        for name, policy in loaded.settings.policies.named.items()
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


def _wordless_answers(loaded: Loaded) -> Iterator[Problem]:
    policies = loaded.settings.policies
    for name in policies.names:
        policy = effective_policy(policies, name)
        # With texts of the policy's own, every risk has one.
        if policy.answer:
            continue
        styles: dict[KeyPath, RefusalStyle | None] = {("refusal",): policy.refusal}
        styles |= {("risks", risk, "refusal"): rule.refusal for risk, rule in policy.risks.items() if not rule.answer}
        for key, style in styles.items():
            if style is RefusalStyle.FIXED_ANSWER:
                yield _wordless_answer(loaded, ("policies", name, *key))


def _wordless_answer(loaded: Loaded, path: tuple[str, ...]) -> Problem:
    table = dotted(path[:-1])
    return Problem(
        place=loaded.origins.place(path),
        key=dotted(path),
        value=f'"{RefusalStyle.FIXED_ANSWER}"',
        wrong="has no text to answer with",
        remedy=f"Write one for each language, such as {table}.answer.zh, or give [policies.{path[1]}] an answer",
    )


def _unknown_risk(loaded: Loaded, path: tuple[str, ...], known_risks: Collection[str]) -> Problem:
    return Problem(
        place=loaded.origins.place(path),
        key=dotted(path),
        value=None,
        wrong="is not a risk of the taxonomy",
        remedy=nearest(path[-1], known_risks) or "See the taxonomy for the risk ids",
    )


def _rule(given: Select) -> SelectRule:
    return SelectRule(**given.model_dump())


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
        languages=given.languages,
        answers=given.answer,
        shadow=given.shadow,
        file_labels=given.file_labels,
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
        shadow=frozenset(given.shadow),
    )


def _risk(given: RiskSettings) -> RiskPolicy:
    actions = {Phase.REQUEST: given.action_request, Phase.RESPONSE: given.action_response}
    return RiskPolicy(
        action=given.action,
        answers=given.answer,
        phase_actions={phase: action for phase, action in actions.items() if action is not None},
        refusal=given.refusal,
        threshold_request=given.threshold_request,
        threshold_response=given.threshold_response,
    )
