"""The states of an exchange."""

from gateway.protocol.exchange import Exchange
from gateway.protocol.states import State


def test_every_state_has_its_row() -> None:
    """The table names each state, so that no event meets one that nobody thought of."""
    assert set(Exchange._TABLE) == set(State)
