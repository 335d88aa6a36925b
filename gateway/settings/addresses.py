"""Addresses of servers, and names of the variables that hold their keys, as settings take them."""

from urllib.parse import urlsplit

from gateway.settings.base import rejected
from gateway.settings.problems import has_user

VARIABLE_NAME = r"^[A-Z_][A-Z0-9_]*$"
"""What the name of an environment variable looks like."""


def checked_base_url(url: str) -> str:
    """Return an address without a slash at its end; raise what the loader makes a problem of."""
    if has_user(url):
        # Addresses appear in errors and logs, so a credential inside one would spread with them.
        raise rejected("holds a user or password", "Put the key into a variable and name it in api_key_env")
    if not _is_plain_address(url):
        raise rejected(
            "is not an http or https address", 'Set one such as "http://127.0.0.1:8000/v1", without ? and #'
        )
    # Paths such as /chat/completions are put behind it, and some servers answer 404 to a double slash.
    return url.rstrip("/")


def _is_plain_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port  # read on purpose: a port out of range raises only here
    except ValueError:
        return False
    # A query or fragment would end up in front of the path that is put behind the address.
    plain = not (parts.query or parts.fragment or any(character.isspace() for character in url))
    return plain and parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0
