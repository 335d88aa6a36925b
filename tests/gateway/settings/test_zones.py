"""Time zones in settings."""

import pytest
from pydantic_core import PydanticCustomError

from gateway.settings.zones import checked_timezone


def test_a_zone_is_one_of_the_database() -> None:
    """Names pass as they are."""
    assert checked_timezone("Asia/Shanghai") == "Asia/Shanghai"


@pytest.mark.parametrize("name", ["Asia/Nowhere", "../etc", "Asia", ""])
def test_anything_else_is_refused(name: str) -> None:
    """Also what the library would open as a file."""
    with pytest.raises(PydanticCustomError, match="is no time zone"):
        checked_timezone(name)
