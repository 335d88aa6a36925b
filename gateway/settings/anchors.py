"""The settings of anchors: where copies of checkpoints are kept."""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from gateway.settings.base import Section, rejected


class AnchorKind(StrEnum):
    """What an anchor is."""

    FILE = "file"
    WEBHOOK = "webhook"
    RFC3161 = "rfc3161"


class Anchor(Section):
    """A second place for checkpoints, which whoever can change the trail cannot change."""

    kind: AnchorKind = Field(
        description="`file`: appended to a file; `webhook`: sent to an address by POST; `rfc3161`: time-stamped by an"
        " authority, and appended to a file."
    )
    path: Path | None = Field(None, description="The file, on another volume; for `file` and `rfc3161`.")
    # No user, no parameters: addresses appear in messages, so nothing secret may stand in one.
    url: str | None = Field(
        None,
        pattern=r"^https?://[^\s@?#]+$",
        max_length=2048,
        description="The address, for `webhook` and `rfc3161`.",
        json_schema_extra={"remedy": 'Set one such as "https://host/path", without user, ? and #'},
    )
    ca_file: Path | None = Field(None, description="Certificates (PEM) to verify the address by, not the system's.")
    every_seconds: float = Field(60, ge=0, le=86_400, description="Shortest time between two checkpoints sent there.")
    timeout_seconds: float = Field(10, gt=0, le=60, description="Longest wait for the address.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind is not AnchorKind.WEBHOOK and self.path is None:
            raise rejected("names no path", "Set path to a file on another volume")
        if self.kind is not AnchorKind.FILE and self.url is None:
            raise rejected("names no url", "Set url to the address")
        return self
