"""The settings of limits."""

import pytest
from pydantic import ValidationError

from gateway.settings.limits import Limits


def test_nothing_is_limited_unless_said() -> None:
    """A gateway put in front of a service must not begin to refuse what went through before."""
    limits = Limits()
    assert (limits.requests_per_minute, limits.concurrent_streams, limits.tokens_per_minute) == (None, None, None)
    assert limits.end_user.requests_per_minute is None


@pytest.mark.parametrize("key", ["requests_per_minute", "concurrent_streams", "tokens_per_minute"])
def test_no_limit_is_zero(key: str) -> None:
    """Whoever may ask nothing is disabled, which says so."""
    with pytest.raises(ValidationError):
        Limits.model_validate({key: 0})
