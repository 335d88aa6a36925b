"""A circuit breaker."""

from gateway.proxy.breaker import Breaker


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    """A success in between counts them anew."""
    breaker = Breaker(failures=2, rest_seconds=5)
    breaker.failed(0)
    breaker.succeeded()
    breaker.failed(1)
    assert breaker.allows(1)
    breaker.failed(2)
    assert breaker.open
    assert not breaker.allows(2)


def test_one_tries_for_all() -> None:
    """After the rest, one may ask in each rest; success closes it, and nothing has to be started again."""
    breaker = Breaker(failures=1, rest_seconds=5)
    breaker.failed(0)
    assert [breaker.allows(at) for at in (4, 5, 6, 9, 10)] == [False, True, False, False, True]
    breaker.failed(10)
    assert not breaker.allows(11)
    breaker.succeeded()
    assert breaker.allows(11)
