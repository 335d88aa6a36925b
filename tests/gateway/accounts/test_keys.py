"""Keys have one form, and only their digest is of use to us."""

import hashlib

import pytest

from gateway.accounts.keys import key_digest, new_key, parse_key

BODY = "A" * 43


def test_a_new_key_has_the_promised_form() -> None:
    """A prefix for scanners and 43 URL-safe characters, never twice the same."""
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(len(key) == len("sk-sluice-") + 43 and parse_key(key) == key_digest(key) for key in keys)


def test_a_digest_is_sha_256_of_the_whole_key() -> None:
    """The prefix is hashed too, so that a digest can be checked with any tool."""
    assert key_digest("sk-sluice-" + BODY) == hashlib.sha256(b"sk-sluice-" + BODY.encode()).digest()


@pytest.mark.parametrize(
    "text",
    [
        "",
        BODY,
        "sk-" + BODY,
        "sk-sluice-" + BODY[1:],
        "sk-sluice-" + BODY + "A",
        "sk-sluice-" + BODY + "\n",
        "sk-sluice-" + BODY[1:] + "+",
        "sk-sluice-" + BODY[1:] + "水",
        "sk-sluice-" + BODY[1:] + "\ud800",
        "SK-SLUICE-" + BODY,
        "sk-sluice-" + BODY * 100_000,
    ],
)
def test_what_has_another_form_is_no_key(text: str) -> None:
    """It is told from a key without hashing it, whatever characters and length a client sends."""
    assert parse_key(text) is None
