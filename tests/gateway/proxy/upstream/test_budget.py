"""Retries are a share of requests."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.upstream.budget import RetryBudget


def test_the_reserve_is_there_from_the_start_and_then_used_up() -> None:
    """A gateway that has just started can fail over, and not for ever."""
    budget = RetryBudget(share=0.5, reserve=2)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.earn()
    assert not budget.spend()
    budget.earn()
    assert budget.spend()


@given(st.lists(st.booleans(), max_size=200))
def test_retries_are_never_more_than_reserve_and_share(retried: list[bool]) -> None:
    """However requests and retries follow each other, and however long nothing failed."""
    budget, retries = RetryBudget(share=0.25, reserve=4), 0
    for requests, retry in enumerate(retried, start=1):
        budget.earn()
        retries += retry and budget.spend()
        assert retries <= 4 + requests * 0.25
