"""The settings of the strike rule (TC260-003, chapter 7)."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.settings.base import Section, rejected
from gateway.settings.zones import ZONE_REMEDY, checked_timezone

_RETENTION_DAYS = 190
_UNIT_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_LONGEST_SECONDS = 3_650 * 86_400
_SUSPEND_REMEDY = 'Write a number and m, h or d, such as "24h"; at most ten years'


def duration_seconds(text: str) -> int:
    """Return a length of time such as ``24h`` in seconds.

    Raises:
        ValueError: it is of another form.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(_SUSPEND_REMEDY)
    return int(match[1]) * _UNIT_SECONDS[match[2]]


def _checked_duration(text: str) -> str:
    # An end far away is still an end; one that never comes would be a decision nobody can appeal from.
    if _DURATION.fullmatch(text) is None or duration_seconds(text) > _LONGEST_SECONDS:
        raise rejected("is no length of time", _SUSPEND_REMEDY)
    return text


Weight = Annotated[int, Field(ge=0, le=100)]


class StrikeWeights(Section):
    """What a strike counts, by the severity of the term that blocked the prompt; 0 does not count."""

    low: Weight = Field(1, description="Weight of a term of severity `low`.")
    medium: Weight = Field(1, description="Weight of a term of severity `medium`.")
    high: Weight = Field(1, description="Weight of a term of severity `high`.")


class Strikes(Section):
    """Repeated blocked prompts of one person: warning and suspension."""

    # On by default: whoever serves the public in mainland China has to take such measures.
    enabled: bool = Field(default=True, description="Count strikes, warn and suspend.")
    consecutive: int = Field(3, ge=1, le=1000, description="Weight of strikes in a row that suspends.")
    per_day: int = Field(5, ge=1, le=1000, description="Weight of strikes in one calendar day that suspends.")
    timezone: Annotated[str, AfterValidator(checked_timezone)] = Field(
        "Asia/Shanghai",
        max_length=64,
        description="Time zone whose midnight ends the day of strikes.",
        json_schema_extra={"remedy": ZONE_REMEDY},
    )
    suspend: Annotated[str, AfterValidator(_checked_duration)] = Field(
        "24h",
        max_length=8,
        description="How long a suspension lasts, such as `30m`, `24h`, `7d`.",
        json_schema_extra={"remedy": _SUSPEND_REMEDY},
    )
    weights: StrikeWeights = StrikeWeights()
    board: Path | None = Field(
        None,
        description="File by which all gateway processes of one machine know who may have open strikes, so that"
        " nobody else is looked up in the store. None puts it beside an SQLite store. With PostgreSQL, name one where"
        " all processes run on one machine; else set `store.redis_url`, or every request is looked up.",
    )
    retention_days: int = Field(
        _RETENTION_DAYS,
        ge=_RETENTION_DAYS,
        le=36_500,
        description="Days the history of strikes and measures is kept.",
        json_schema_extra={
            "remedy": f"Set {_RETENTION_DAYS} or more: measures against users are to be kept on record"
            " (Interim Measures, article 14(2))"
        },
    )
