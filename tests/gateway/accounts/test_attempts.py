"""Failures by address: bounded in number, in time and in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accounts.attempts import TABLE_ENTRIES, AttemptLimit


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@given(
    st.integers(1, 200),
    st.lists(st.floats(0, 30, allow_nan=False), max_size=300),
)
def test_no_minute_sees_more_than_two_buckets(per_minute: int, pauses: list[float]) -> None:
    """A full bucket at once, and its refill: never more than twice the number within sixty seconds."""
    clock = Clock()
    limit = AttemptLimit(per_minute, clock)
    taken = []
    for pause in pauses:
        clock.now += pause
        if limit.allows("192.0.2.1"):
            limit.note("192.0.2.1")
            taken.append(clock.now)
    assert all(sum(at <= each < at + 60 for each in taken) <= 2 * per_minute for at in taken)


@pytest.mark.parametrize("per_minute", [1, 7, 60, 1_000])
def test_a_bucket_is_taken_whole_and_comes_back(per_minute: int) -> None:
    """So many in a row and not one more; one again after its share of a minute."""
    clock = Clock()
    limit = AttemptLimit(per_minute, clock)
    for _ in range(per_minute):
        assert limit.allows("192.0.2.1")
        limit.note("192.0.2.1")
    assert not limit.allows("192.0.2.1")
    clock.now += 60 / per_minute + 0.001
    assert limit.allows("192.0.2.1")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        (None, "unix:", True),
    ],
)
def test_who_counts_as_one(one: str | None, other: str, *, same: bool) -> None:
    """Each IPv4 address, each customer's network of IPv6, and all of whom no address is known."""
    limit = AttemptLimit(1, Clock())
    limit.note(one)
    assert limit.allows(other) is not same


def test_the_table_is_bounded() -> None:
    """An attacker with many addresses fills it and no more."""
    limit = AttemptLimit(1, Clock())
    for number in range(TABLE_ENTRIES + 50):
        limit.note(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limit) == TABLE_ENTRIES
    assert limit.allows("10.0.0.0")
    assert not limit.allows("10.0.39.65")
