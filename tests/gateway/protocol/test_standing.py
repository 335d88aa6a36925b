"""Where whoever asks stands."""

import pytest

from tests.gateway.protocol.playbook import given


def test_a_standing_cannot_be_changed_half_way() -> None:
    """Law 7: an exchange ends by the rules it was admitted with."""
    with pytest.raises(AttributeError):
        given().standing.observe = True  # type: ignore[misc]  # the error is what is tested
