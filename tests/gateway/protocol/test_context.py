"""What an exchange keeps to its end."""

from dataclasses import FrozenInstanceError

import pytest

from gateway.protocol.context import Bounds
from tests.gateway.protocol.playbook import given


def test_a_context_cannot_be_changed_half_way() -> None:
    """Law 7: a reload makes another context and leaves this one."""
    with pytest.raises(FrozenInstanceError):
        given().account = "other"  # type: ignore[misc]  # the error is what is tested


def test_every_bound_is_set_by_default() -> None:
    """Law 6: there is no unbounded default."""
    bounds = Bounds()
    assert min(bounds.frame_bytes, bounds.reply_bytes, bounds.channels, bounds.inline_scan_characters) > 0
