"""Moments as people and programs read them."""

from gateway.moments import show_moment


def test_a_moment_is_written_in_utc_to_the_second() -> None:
    """What is less than a second is cut."""
    assert show_moment(1_800_000_000_999_999) == "2027-01-15T08:00:00Z"


def test_no_moment_shows_as_none() -> None:
    """What never ends has no time to show."""
    assert show_moment(None) is None
