"""When reviewers are expected."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.settings.reviews import Review, within_reviews

BEGINS = datetime(2027, 1, 5, 1, tzinfo=UTC)
BEGINS_US = int(BEGINS.timestamp()) * 1_000_000
SECOND_US = 1_000_000


def review(**members: Any) -> Review:  # noqa: ANN401 any setting
    """Build a review of nine hours, in China's time."""
    given = {"name": "filing", "begins": "2027-01-05T09:00:00+08:00", "ends": "2027-01-05T18:00:00+08:00"}
    return Review.model_validate(given | members)


def test_a_moment_is_within_a_review_or_not() -> None:
    """The end is outside; zones are heeded; without a review every moment is outside."""
    reviews = (review(begins="2026-01-05T09:00:00+08:00", ends="2026-01-05T18:00:00+08:00"), review())
    moments = [BEGINS_US - 1, BEGINS_US, BEGINS_US + 9 * 3600 * SECOND_US - 1, BEGINS_US + 9 * 3600 * SECOND_US]
    assert [within_reviews(reviews, each) for each in moments] == [False, True, True, False]
    assert not within_reviews((), BEGINS_US)


@pytest.mark.parametrize(
    "members", [{"begins": "2027-01-05T09:00:00"}, {"ends": "2027-01-05T09:00:00+08:00"}, {"name": "a b"}]
)
def test_a_review_that_cannot_be_is_refused(members: dict[str, str]) -> None:
    """A moment without its zone, an end that comes first, a name that is none."""
    with pytest.raises(ValidationError):
        review(**members)
