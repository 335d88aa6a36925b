"""Addresses of servers."""

import pytest
from pydantic_core import PydanticCustomError

from gateway.settings.addresses import checked_base_url


def test_an_address_has_no_slash_at_its_end() -> None:
    """Paths are put behind it."""
    assert checked_base_url("http://127.0.0.1:8000/v1/") == "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://x/?a=1", "http://me:key@x/v1", "http://x:0"])
def test_what_is_no_address(url: str) -> None:
    """A key in it would get into logs."""
    with pytest.raises(PydanticCustomError):
        checked_base_url(url)
