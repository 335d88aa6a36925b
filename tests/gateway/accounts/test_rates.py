"""So much a minute, as one number."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.accounts.rates import MINUTE_US, Rate, RateTable, charge, use

NOW = 1_700_000_000_000_000
moments = st.lists(st.integers(0, 3 * MINUTE_US), min_size=1, max_size=60).map(sorted)


def test_the_whole_of_it_may_be_used_at_once_and_comes_back_evenly() -> None:
    """A burst is no offence; only the pace over time is limited."""
    rate, table = Rate(4), RateTable()
    uses = [table.use("a", rate, NOW) for _ in range(5)]
    assert [each.allowed for each in uses] == [True, True, True, True, False]
    assert [each.remaining for each in uses] == [3, 2, 1, 0, 0]
    assert uses[-1].retry_us == MINUTE_US / 4
    assert not table.use("a", rate, NOW + MINUTE_US // 4 - 1).allowed
    assert table.use("a", rate, NOW + MINUTE_US // 4).allowed


@given(st.integers(1, 30), moments)
def test_in_no_minute_more_is_used_than_twice_the_rate(per_minute: int, offsets: list[int]) -> None:
    """The law of the algorithm: a full store and what comes back meanwhile."""
    table, rate = RateTable(), Rate(per_minute)
    used = [at for at in offsets if table.use("a", rate, NOW + at).allowed]
    for begin in used:
        assert sum(begin <= at < begin + MINUTE_US for at in used) <= 2 * per_minute


@given(st.integers(1, 30), moments)
def test_waiting_as_told_is_enough_and_no_more_than_needed(per_minute: int, offsets: list[int]) -> None:
    """`Retry-After` tells the truth."""
    table, rate = RateTable(), Rate(per_minute)
    for at in offsets:
        refused = table.use("a", rate, NOW + at)
        if not refused.allowed:
            later = NOW + at + refused.retry_us
            assert use(rate, refused.full_at_us, int(later) + 1).allowed
            assert not use(rate, refused.full_at_us, int(later) - 1).allowed
            return


def test_asking_takes_nothing() -> None:
    """A cost of zero tells whether anything is left."""
    rate = Rate(1)
    assert use(rate, 0, NOW, 0).allowed
    assert use(rate, 0, NOW, 0).remaining == 1
    spent = use(rate, 0, NOW)
    assert not use(rate, spent.full_at_us, NOW, 0).allowed


def test_a_cost_that_is_known_too_late_is_paid_later_and_has_an_end() -> None:
    """A long reply takes the next minute; none takes an hour."""
    rate = Rate(100)
    assert charge(rate, 0, NOW, 150) == NOW + MINUTE_US * 1.5
    assert not use(rate, charge(rate, 0, NOW, 150), NOW, 0).allowed
    assert charge(rate, 0, NOW, 100_000) == NOW + 2 * MINUTE_US


def test_each_has_a_rate_of_their_own_and_the_table_is_bounded() -> None:
    """Who came least recently is forgotten, which forgives them."""
    table, rate = RateTable(most=2), Rate(1)
    assert table.use("a", rate, NOW).allowed
    assert table.use("b", rate, NOW).allowed
    assert not table.use("a", rate, NOW).allowed
    table.charge("c", rate, NOW, 1)
    assert len(table) == 2
    assert not table.use("a", rate, NOW).allowed
    assert table.use("b", rate, NOW).allowed
