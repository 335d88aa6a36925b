"""Who strikes are counted for."""

from gateway.strikes.person import Person


def test_a_person_has_one_number_everywhere() -> None:
    """Every process finds the same byte; an account as such and its end users are different people."""
    assert Person("acc-1", "u").digest == 2_782_768_604
    assert len({Person("acc-1").digest, Person("acc-1", "u").digest, Person("acc-2", "u").digest}) == 3
