"""Events are values."""

import pytest

from gateway.errors import ErrorCode
from gateway.protocol import events
from gateway.protocol.events import UpstreamData, UpstreamFailed


def test_every_event_is_immutable() -> None:
    """What happened cannot be changed afterwards."""
    with pytest.raises(AttributeError):
        UpstreamData(b"x").data = b"y"  # type: ignore[misc]  # the error is what is tested
    assert UpstreamFailed(ErrorCode.UPSTREAM_TIMEOUT).code == "upstream_timeout"


def test_the_union_names_every_event() -> None:
    """A new event has to be added to the union, so the state grid sees it."""
    defined = {
        each for each in vars(events).values() if isinstance(each, type) and each.__module__ == events.__name__
    }
    assert set(events.Event.__args__) == defined
