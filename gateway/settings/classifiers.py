"""The settings of classifiers; `gateway.classifiers` opens them."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field

from gateway.settings.base import Section


class ClassifierKind(StrEnum):
    """What a classifier is."""

    ONNX = "onnx"  # a model's folder on this machine


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
        description="What it is: the folder of a model on this machine.",
    )
    path: Path | None = Field(None, description="Folder of a model, where `kind` is `onnx`; none is the shipped one.")
    budget_ms: int = Field(
        500,
        ge=10,
        le=60_000,
        description="Longest wait for a score, in milliseconds, for up to 64 windows of text; longer texts have as"
        " much again for each 64.",
    )
