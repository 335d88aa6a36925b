"""The settings of policies; `policies` builds the core's frozen values from them."""

from typing import Annotated

from pydantic import Field

from filters.findings import Action, Stage
from gateway.protocol.policy import FailMode, RefusalStyle, StreamMode
from gateway.settings.base import Section

# A risk id of the taxonomy (`A.1.f`, `A.1`, `X.secret`); whether it exists is asked of the taxonomy itself.
RISK_ID = r"^[A-Z](\.[0-9a-z_]+){1,3}$"

# Of BCP 47 what tells languages apart: `zh`, `en`, `zh-Hant`.
LANGUAGE_TAG = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"


class FailModes(Section):
    """What happens to a text that a stage could not scan."""

    keywords: FailMode = Field(
        # A text nobody has looked at is not let through unless the operator says so.
        FailMode.CLOSED,
        description="`closed`: the text does not pass; `open`: it passes as `unscanned`, counted and recorded.",
    )
    personal_data: FailMode = Field(
        FailMode.CLOSED,
        description="The same for personal data; without effect where it is only flagged.",
    )
    classifier: FailMode = Field(
        FailMode.CLOSED,
        description="The same for the classifier. `closed`: 503, or the end of a stream; `open`: the text passes as"
        " `unscanned`.",
    )


class PhaseSettings(Section):
    """Actions for one half of an exchange."""

    keywords: Action | None = Field(
        None,
        description="Action for every keyword finding; absent leaves it to the term's own.",
    )
    # Absent is a flag, as their terms say: whether a number is a leak or the question, only the operator knows.
    personal_data: Action | None = Field(
        None,
        description="Action for personal data and secrets; absent flags them. `restore` gives the model a "
        "placeholder and the reply the value again; in replies it is the same as `mask`.",
    )
    classifier: Action | None = Field(
        None,
        description="Action for what the classifier finds; absent blocks it. `mask` and `restore` are the same as"
        " `block`, since a score is of a whole passage.",
    )
    shadow: tuple[Stage, ...] = Field(
        (),
        max_length=16,
        description="Checks whose findings are judged and recorded, and not acted on.",
        json_schema_extra={"remedy": f"Write a list of checks, of: {', '.join(Stage)}"},
    )
    fail_mode: FailModes = FailModes()


Answers = Annotated[
    dict[
        Annotated[str, Field(pattern=LANGUAGE_TAG)],
        Annotated[str, Field(min_length=1, max_length=2000)],
    ],
    Field(
        max_length=64,
        json_schema_extra={
            "kind": "table",
            "default": {},
            "remedy": 'Write texts by language, such as answer = { zh = "…", en = "…" }, of at most 2000 characters',
        },
    ),
]


class RiskSettings(Section):
    """What one risk class gets instead of the defaults."""

    # `off` wins from any level, or a term that was switched off for its false blocks would come back by its class.
    action: Action | None = Field(
        None,
        description="Action for the risk; wins over the stage and the term, except that `off` anywhere wins.",
    )
    action_request: Action | None = Field(
        None,
        description="The same for prompts alone, in the place of `action`.",
    )
    action_response: Action | None = Field(
        None,
        description="The same for replies alone, in the place of `action`.",
    )
    threshold_request: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Score from which the classifier's findings of this risk in prompts count; absent takes the"
        " model's own threshold.",
    )
    threshold_response: float | None = Field(None, ge=0, le=1, description="The same for replies.")
    refusal: RefusalStyle | None = Field(
        None,
        description="How a block for this risk is answered; absent leaves it to the policy. Of several risks behind"
        " one block the strictest counts: `error` before `answer` before `fixed_answer`.",
    )
    answer: Answers = Field(
        default_factory=dict,
        description="What a blocked client reads, by language; absent takes the policy's, else the shipped text.",
    )


class PolicySettings(Section):
    """What accounts with this policy are judged by."""

    base: str | None = Field(
        None,
        max_length=64,
        description="Policy whose values count where this one gives none, before those of `default`; it has no base"
        " of its own.",
    )
    refusal: RefusalStyle = Field(
        # Most chat clients show an error as a fault of the service, and users try the same prompt again.
        RefusalStyle.ANSWER,
        description="How a blocked request is answered: by a reply that says it is a refusal, by status 400, or by a"
        " fixed answer that nothing but the member `sluice` tells from the model's.",
    )
    scan_tool_definitions: bool = Field(
        # A term there is seldom meant, but whoever may write one could hide a prompt in it.
        True,  # noqa: FBT003 the field's default
        description="Whether `tools` and `functions` of a request are read. Their texts are long and give false "
        "blocks; left unread, they are a way round the filter, and such a request is recorded as `unscanned`.",
    )
    stream: StreamMode = Field(
        StreamMode.TRAIL,
        description="What of a stream may leave before the classifier has scored it: `trail_characters` more than was"
        " scored (`trail`), nothing (`hold`), or nothing before the whole reply was (`full`).",
    )
    trail_characters: int = Field(
        # Two long sentences of Chinese: what is on its way while a score is.
        80,
        ge=0,
        le=10_000,
        description="Most characters of a stream that are ahead of the classifier where `stream` is `trail`.",
    )
    languages: tuple[Annotated[str, Field(pattern=LANGUAGE_TAG)], ...] = Field(
        ("zh", "en"),
        min_length=1,
        max_length=64,
        description="Languages clients are answered in when they are blocked, the preferred first: the first one that"
        " is written in the script of the prompt.",
        json_schema_extra={"remedy": 'Write a list of language tags such as ["zh", "en"], at least one'},
    )
    answer: Answers = Field(
        default_factory=dict,
        description="What a blocked client reads, by language, where its risk has no text of its own.",
    )
    shadow: bool = Field(
        False,  # noqa: FBT003 the field's default
        description="Judge and record everything, and act on nothing; what would have been decided is recorded.",
    )
    file_labels: FailMode = Field(
        # What leaves without its label cannot be called back.
        FailMode.CLOSED,
        description="What becomes of a picture or a sound that does not take all of its label. `closed`: it does not"
        " leave (400, 502 or 503); `open`: it leaves with what it takes, counted and recorded.",
    )
    request: PhaseSettings = PhaseSettings()
    response: PhaseSettings = PhaseSettings()
    risks: dict[Annotated[str, Field(pattern=RISK_ID)], RiskSettings] = Field(
        default_factory=dict,
        # More than any taxonomy has classes: what is longer was generated by mistake.
        max_length=256,
        json_schema_extra={
            "remedy": 'Use a risk id of the taxonomy in quotes, such as [policies.default.risks."A.1.f"]'
        },
    )
