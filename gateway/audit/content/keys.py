"""Data keys: one for each person, day and process; destroying it ends what was digested or encrypted with it."""

import hmac
import secrets
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.audit.content.secrets import KEY_BYTES, short_base64

NONCE_BYTES: Final = 12
_ID_BYTES = 16
_DAY_US = 86_400_000_000
# HMAC's (RFC 2104 section 2): the block of SHA-256, and what each byte of the key is xored with.
_BLOCK_BYTES = 64
_INNER_PAD, _OUTER_PAD = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


class DataKey:
    """A data key.

    Args:
        id: its id.
        key: the key.
        account: whose exchanges it is for.
        user: pseudonym of the end user, or empty.
        day: number of the day it is for, in days of UTC since 1970-01-01.

    Attributes:
        stored: True once its row in the store is durable.
        lost: True when it never will be.
    """

    __slots__ = ("_inner", "_key", "_outer", "account", "day", "id", "lost", "stored", "user")

    def __init__(self, id: str, key: bytes, account: str, user: str, day: int) -> None:  # noqa: A002 the field's word
        self.id = id
        self.account = account
        self.user = user
        self.day = day
        self.stored = self.lost = False
        self._key = key
        # The two hashes of HMAC with the salt taken in (RFC 2104 section 4). Copied for each digest, which takes 40 %
        # of the time of `hmac.digest`; a copy of the module's own object, 65 %.
        salt = _expand(key, b"sluice digests v1").ljust(_BLOCK_BYTES, b"\0")
        self._inner, self._outer = sha256(salt.translate(_INNER_PAD)), sha256(salt.translate(_OUTER_PAD))

    def __repr__(self) -> str:
        """Name the key, and do not show it."""
        return f"DataKey({self.id})"

    @property
    def context(self) -> bytes:
        """What a wrapped key is bound to: it opens nothing in another row."""
        return "\n".join((self.id, self.account, self.user, str(self.day))).encode()

    @property
    def secret(self) -> bytes:
        """The key itself, to be wrapped."""
        return self._key

    def digest(self, half: bytes, request_id: str, texts_sha256: bytes) -> str:
        """Return the salted digest of a prompt's or a reply's texts; empty for none.

        Args:
            half: ``b"prompt"`` or ``b"reply"``.
            request_id: id of the exchange; without it, the same words twice would show as such.
            texts_sha256: plain digest of the texts.
        """
        if not texts_sha256:
            return ""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(b"%b\n%b\n%b" % (half, request_id.encode(), texts_sha256))
        outer.update(inner.digest())
        return short_base64(outer.digest())

    def seal(self, request_id: str, plain: bytes) -> tuple[bytes, bytes]:
        """Encrypt; return nonce and ciphertext, which is 16 bytes longer than the plaintext."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce, self._cipher().encrypt(nonce, plain, self._associated(request_id))

    def open(self, request_id: str, nonce: bytes, ciphertext: bytes) -> bytes:
        """Decrypt.

        Raises:
            ValueError: it was sealed with another key or for another exchange, or was changed.
        """
        try:
            return self._cipher().decrypt(nonce, ciphertext, self._associated(request_id))
        except InvalidTag as exc:
            raise ValueError("the content was sealed with another key, for another exchange, or was changed") from exc

    def _cipher(self) -> AESGCM:
        return AESGCM(_expand(self._key, b"sluice content v1"))

    def _associated(self, request_id: str) -> bytes:
        return f"{request_id}\n{self.id}".encode()


def new_data_key(account: str, user: str, day: int) -> DataKey:
    """Make a key."""
    return DataKey(short_base64(secrets.token_bytes(_ID_BYTES)), secrets.token_bytes(KEY_BYTES), account, user, day)


def day_of(at_us: int) -> int:
    """Return the day of a moment, in days of UTC since 1970-01-01."""
    return at_us // _DAY_US


def day_name(day: int) -> str:
    """Return a day as ISO 8601 writes it."""
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def _expand(key: bytes, info: bytes) -> bytes:
    """Derive a key of 32 bytes: HKDF-Expand of one block (RFC 5869 section 2.3)."""
    return hmac.digest(key, info + b"\x01", "sha256")
