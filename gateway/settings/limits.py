"""The settings of limits: how much an account, and each of its end users, may ask for."""

from typing import Annotated

from pydantic import Field

from gateway.settings.base import Section

_MOST_PER_MINUTE = 10_000_000


class Allowance(Section):
    """How much may be asked for; what is absent is not limited."""

    requests_per_minute: int | None = Field(
        None,
        ge=1,
        le=_MOST_PER_MINUTE,
        description="Requests a minute; that many may come at once, and what was used comes back evenly.",
    )
    concurrent_streams: int | None = Field(None, ge=1, le=100_000, description="Streams that are open at a time.")
    tokens_per_minute: int | None = Field(
        None,
        ge=1,
        le=1_000_000_000,
        description="Tokens of prompts and replies a minute, estimated from the characters that were scanned.",
    )


class Limits(Allowance):
    """How much each account may ask for; accounts of kind `user` only. What is absent is not limited."""

    # Between English, with about four, and Chinese, with one and a half: only the model server knows its tokenizer.
    characters_per_token: float = Field(
        2.0, ge=0.5, le=10, description="Characters that count as one token: about 4 in English, 1.5 in Chinese."
    )
    end_user: Allowance = Field(Allowance(), description="How much each end user of an account may ask for.")
    accounts: dict[Annotated[str, Field(pattern=r"^.{1,256}$")], Allowance] = Field(
        default_factory=dict,
        max_length=1024,
        description="Accounts, by name, with limits of their own in place of the common ones.",
        json_schema_extra={"remedy": 'Write one [limits.accounts."NAME"] table for each account'},
    )
