"""Times as people write them on the command line."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.times import MICROSECONDS, parse_duration, parse_moment
from gateway.moments import show_moment

NOW_US = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()) * MICROSECONDS


@pytest.mark.parametrize(("text", "seconds"), [("0h", 0), ("5m", 300), ("24h", 86_400), ("90d", 7_776_000)])
def test_a_length_of_time_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    """Minutes, hours and days."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "1.5h", "1w", "1 h", "٣h", "36501d", "9999999999d"])
def test_another_form_is_refused(text: str) -> None:
    """Nothing is guessed, and nothing overflows."""
    with pytest.raises(ValueError, match=r"24h|longest"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("90d", "2027-02-20T12:00:00Z"),
        ("24h", "2026-11-23T12:00:00Z"),
        ("2027-01-31", "2027-01-31T00:00:00Z"),
        ("2027-01-31T18:00", "2027-01-31T18:00:00Z"),
        ("2027-01-31T18:00+08:00", "2027-01-31T10:00:00Z"),
    ],
)
def test_a_moment_is_a_length_of_time_or_a_date(text: str, shown: str) -> None:
    """Without a zone it is UTC, whatever the machine's own zone; a date is its first moment."""
    assert show_moment(parse_moment(text, NOW_US)) == shown


@pytest.mark.parametrize("text", ["0d", "2026-11-22", "2020-01-01", "2026-11-22T12:00"])
def test_a_moment_that_is_over_is_refused(text: str) -> None:
    """An account that has ended before it begins is a mistake."""
    with pytest.raises(ValueError, match="future"):
        parse_moment(text, NOW_US)


@pytest.mark.parametrize("text", ["", "tomorrow", "2027-13-01", "90"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """The message shows both forms."""
    with pytest.raises(ValueError, match=r"90d.*2027-01-31"):
        parse_moment(text, NOW_US)


@given(st.integers(NOW_US // MICROSECONDS + 1, 2**33))
def test_what_is_shown_can_be_read_back(seconds: int) -> None:
    """Listings can be pasted into commands."""
    shown = show_moment(seconds * MICROSECONDS)
    assert shown is not None
    assert parse_moment(shown, NOW_US) == seconds * MICROSECONDS
