"""The settings of reviews: when a regulator's reviewers are expected to use the unfiltered test accounts."""

from typing import Self

from pydantic import AwareDatetime, Field, model_validator

from gateway.settings.base import Section, rejected


class Review(Section):
    """A time in which unfiltered test accounts are expected to be used; use outside of all is counted apart."""

    name: str = Field(max_length=64, pattern=r"^[A-Za-z0-9._-]+$", description="What it is, for those who read this.")
    # With their zone: a window that is eight hours off would raise alarms all through a review.
    begins: AwareDatetime = Field(
        description="Its first moment, with its zone: `2027-01-05T09:00:00+08:00`.",
        json_schema_extra={
            "kind": "date and time",
            "remedy": "Write a date and time with its zone, such as 2027-01-05T09:00:00+08:00",
        },
    )
    ends: AwareDatetime = Field(
        description="Its end, with its zone.",
        json_schema_extra={
            "kind": "date and time",
            "remedy": "Write a date and time with its zone, such as 2027-01-05T18:00:00+08:00",
        },
    )

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.ends <= self.begins:
            raise rejected("ends before it begins", "Set ends behind begins")
        return self


def within_reviews(reviews: tuple[Review, ...], at_us: int) -> bool:
    """Whether a moment lies in a review.

    Args:
        reviews: the settings.
        at_us: microseconds of Unix time.
    """
    at_seconds = at_us / 1_000_000
    return any(each.begins.timestamp() <= at_seconds < each.ends.timestamp() for each in reviews)
