"""Keys: 256 random bits behind a prefix that secret scanners can find.

A key is as strong as a digest of it, so SHA-256 without salt or stretching is enough: nobody can guess 256 bits, and
the hot path hashes every request's key. Only digests are stored.
"""

import hashlib
import re
import secrets

KEY_PREFIX = "sk-sluice-"

_RANDOM_BYTES = 32
# 43 characters are what URL-safe base64 makes of 32 bytes, without padding.
_FORM = re.compile(rf"{KEY_PREFIX}[A-Za-z0-9_-]{{43}}")


def new_key() -> str:
    """Return a fresh key."""
    return KEY_PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def key_digest(key: str) -> bytes:
    """Return the SHA-256 digest that a key is stored and found by."""
    return hashlib.sha256(key.encode()).digest()


def parse_key(text: str) -> bytes | None:
    """Return the digest of a well-formed key, else None.

    What has another form cannot be a key, however long it is, and is not hashed or looked up.
    """
    return key_digest(text) if _FORM.fullmatch(text) else None
