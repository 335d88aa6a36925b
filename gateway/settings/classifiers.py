"""The settings of classifiers; `gateway.classifiers` opens them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from filters.classifier.combining import Combine
from filters.classifier.guard import guard_names
from gateway.protocol.policy import FailMode
from gateway.settings.addresses import VARIABLE_NAME, checked_base_url
from gateway.settings.base import Section, rejected


class ClassifierKind(StrEnum):
    """What a classifier is."""

    ONNX = "onnx"  # a model's folder on this machine
    OPENAI_GUARD = "openai_guard"  # a guard model behind an OpenAI-compatible endpoint
    MODERATION = "moderation"  # an endpoint in the shape of OpenAI's moderations


class Classifier(Section):
    """A classifier; without any, the one that comes with Sluice is used."""

    name: str = Field(
        max_length=64,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="Name in logs and metrics.",
        json_schema_extra={"remedy": "Give it a name of letters, digits, dots, - and _, at most 64 of them"},
    )
    kind: ClassifierKind = Field(
        ClassifierKind.ONNX,
        description="What it is: a model's folder on this machine, a guard model behind an OpenAI-compatible"
        " endpoint, or a moderation endpoint.",
    )
    path: Path | None = Field(None, description="Folder of a model, where `kind` is `onnx`; none is the shipped one.")
    budget_ms: int = Field(
        500,
        ge=10,
        le=60_000,
        description="Longest wait for a score, in milliseconds, for up to 64 windows of text; longer texts have as"
        " much again for each 64.",
    )
    base_url: Annotated[str, AfterValidator(checked_base_url)] | None = Field(
        None,
        description="Address of the API of a guard or a moderation endpoint, with the version.",
        json_schema_extra={"remedy": 'Set an address such as "http://127.0.0.1:8000/v1"'},
    )
    api_key_env: str | None = Field(
        None,
        pattern=VARIABLE_NAME,
        description="Name of the environment variable that holds its API key.",
        json_schema_extra={
            "hidden": True,
            "remedy": "Give the name of a variable in capital letters, such as GUARD_API_KEY, not the key itself",
        },
    )
    model: str = Field("guard", min_length=1, max_length=256, description="Name of the model to ask there.")
    template: str | None = Field(
        None,
        max_length=64,
        description="How a guard is asked and read: `qwen3guard`, `llama_guard`, `shieldlm` or `granite_guardian`.",
    )
    combine: Combine = Field(
        Combine.ANY,
        description="What its word counts among several: it suffices (`any`), it counts where all of this kind agree"
        " (`all`), or their scores are averaged (`weighted`).",
    )
    weight: float = Field(1, gt=0, le=1000, description="Its share where scores are averaged.")
    fail_mode: FailMode = Field(
        FailMode.CLOSED,
        description="What its failure means among several: `closed`: the scan has failed, and the policy's fail mode"
        " decides; `open`: the others decide without it.",
    )
    shadow: bool = Field(
        default=False, description="Ask it and compare, without acting on it; disagreement is counted."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind is ClassifierKind.ONNX:
            return self
        if self.base_url is None:
            raise rejected("needs an address", "Set base_url")
        if self.kind is ClassifierKind.OPENAI_GUARD and self.template not in guard_names():
            raise rejected("names no guard that is known", f"Set template to one of: {', '.join(guard_names())}")
        return self
