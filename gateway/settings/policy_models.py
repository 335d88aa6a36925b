"""The settings of policies; `policies` builds the core's frozen values from them."""

from typing import Annotated

from pydantic import Field

from filters.findings import Action
from gateway.protocol.policy import FailMode, RefusalStyle
from gateway.settings.base import Section

# A risk id of the taxonomy (`A.1.f`, `A.1`, `X.secret`); whether it exists is asked of the taxonomy itself.
RISK_ID = r"^[A-Z](\.[0-9a-z_]+){1,3}$"


class FailModes(Section):
    """What happens to a text that a stage could not scan."""

    keywords: FailMode = Field(
        FailMode.CLOSED,
        description="`closed`: the text does not pass; `open`: it passes as `unscanned`, counted and recorded.",
    )


class PhaseSettings(Section):
    """Actions for one half of an exchange."""

    keywords: Action | None = Field(
        None,
        description="Action for every keyword finding; absent leaves it to the term's own.",
    )
    fail_mode: FailModes = FailModes()


class RefusalAnswers(Section):
    """Refusal text per language."""

    zh: str | None = Field(
        None,
        min_length=1,
        max_length=2000,
        description="Refusal in Chinese; absent uses the shipped one.",
    )
    en: str | None = Field(
        None,
        min_length=1,
        max_length=2000,
        description="Refusal in English; absent uses the shipped one.",
    )


class RiskSettings(Section):
    """What one risk class gets instead of the defaults."""

    action: Action | None = Field(
        None,
        description="Action for the risk; wins over the stage and the term, except that `off` anywhere wins.",
    )
    answer: RefusalAnswers = RefusalAnswers()


class PolicySettings(Section):
    """What accounts with this policy are judged by."""

    refusal: RefusalStyle = Field(
        RefusalStyle.ANSWER,
        description="How a blocked request is answered: as a reply chat clients show, or as status 400.",
    )
    request: PhaseSettings = PhaseSettings()
    response: PhaseSettings = PhaseSettings()
    risks: dict[Annotated[str, Field(pattern=RISK_ID)], RiskSettings] = Field(
        default_factory=dict,
        max_length=256,
        json_schema_extra={
            "remedy": 'Use a risk id of the taxonomy in quotes, such as [policies.default.risks."A.1.f"]'
        },
    )
