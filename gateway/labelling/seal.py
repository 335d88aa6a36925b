"""Seals: what the producer puts into `ReservedCode1` to protect label and content.

GB 45438-2025 Annex E f leaves the member to the producer, and it may be empty. A seal here is one line without a
character that Annex E does not take::

    SLUICE1.<algorithm>.<scope>.<key id>.<hex>

``algorithm`` is ``sha256`` (protects against accident alone: anybody can make it), ``hmac-sha256`` or ``ed25519``;
``scope`` is ``content`` where the format tells pixels or samples from metadata, else ``label``; ``key id`` is the
beginning of a digest of the key, ``-`` without one. What is sealed are three lines: ``sluice label seal 1 <scope>``,
the text that TC260-PG-202511A Annex A.1 has signed (``"Label":"1","ContentProducer":"…","ProduceID":"…"``), and the
SHA-256 of the content in hex, or ``-``. Seals of others, ``SecurityData`` among them, are told and not verified.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from gateway.labelling.members import LabelError, Members

_SEAL = re.compile(
    r"SLUICE1\.(sha256|hmac-sha256|ed25519)\.(content|label)\.([0-9a-f]{16}|-)\.((?:[0-9a-f]{2}){32,64})"
)
_LEAST_KEY_BYTES, _MOST_KEY_BYTES = 32, 4096
_OTHERS = 0o007


class Algorithm(StrEnum):
    """How a seal is made."""

    SHA256 = "sha256"
    HMAC = "hmac-sha256"
    ED25519 = "ed25519"


class SealState(StrEnum):
    """What became of looking at a seal."""

    ABSENT = "absent"
    HOLDS = "holds"
    FAILS = "fails"
    UNCHECKED = "unchecked"


class SealCheck(NamedTuple):
    """What a seal proves.

    Attributes:
        state: the outcome.
        message: what was verified, or why nothing was, for people.
    """

    state: SealState
    message: str


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """What seals are made or verified with.

    Attributes:
        algorithm: what it is for.
        secret: of an HMAC; empty else.
        private: of Ed25519, where seals are made.
        public: of Ed25519.
    """

    algorithm: Algorithm
    secret: bytes = b""
    private: Ed25519PrivateKey | None = None
    public: Ed25519PublicKey | None = None

    @property
    def id(self) -> str:
        """Sixteen hex digits that tell keys apart and give none away."""
        if self.algorithm is Algorithm.SHA256:
            return "-"
        if self.public is not None:
            return hashlib.sha256(self.public.public_bytes_raw()).hexdigest()[:16]
        return hmac.digest(self.secret, b"sluice label seal key", "sha256").hex()[:16]


PLAIN = Key(Algorithm.SHA256)
"""No key: a digest that anybody can make."""


def load_key(path: Path) -> Key:
    """Read a key file: PEM of an Ed25519 key, private or public, or 32 and more bytes for an HMAC.

    Raises:
        LabelError: it is neither, or a secret that everybody on this machine may read.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        mode, data = os.fstat(file.fileno()).st_mode, file.read(_MOST_KEY_BYTES + 1)
    key = _pem_key(data, path) if data.startswith(b"-----BEGIN") else Key(Algorithm.HMAC, data)
    if key.algorithm is Algorithm.HMAC and not _LEAST_KEY_BYTES <= len(data) <= _MOST_KEY_BYTES:
        raise LabelError(f"{path} is no key: PEM of an Ed25519 key, or 32 to 4096 random bytes for an HMAC")
    if mode & _OTHERS and not (key.public is not None and key.private is None):
        raise LabelError(f"everyone may read the key {path}; run 'chmod 600' on it, or make a new one")
    return key


def seal(members: Members, content: Iterable[bytes] | None, key: Key) -> Members:
    """Return members with a seal in `ReservedCode1`.

    Args:
        members: as they are written.
        content: what the format tells from metadata; None where it does not.
        key: makes the seal; of an Ed25519 one the private half.

    Raises:
        LabelError: the key verifies only.
    """
    scope = "label" if content is None else "content"
    message = _message(members, scope, content)
    if key.algorithm is Algorithm.SHA256:
        code = hashlib.sha256(message).hexdigest()
    elif key.algorithm is Algorithm.HMAC:
        code = hmac.digest(key.secret, message, "sha256").hex()
    elif key.private is not None:
        code = key.private.sign(message).hex()
    else:
        raise LabelError("the key is the public half, which verifies seals; give the private one to make them")
    return replace(members, reserved_code1=f"SLUICE1.{key.algorithm}.{scope}.{key.id}.{code}").checked()


def verify(members: Members, content: Iterable[bytes] | None, key: Key | None = None) -> SealCheck:
    """Tell what a label's seal proves.

    Args:
        members: as read.
        content: what the format tells from metadata; None where it does not.
        key: the key to verify by; None without one.
    """
    if not members.reserved_code1:
        return SealCheck(SealState.ABSENT, "the label has no seal; nothing protects it")
    parts = _SEAL.fullmatch(members.reserved_code1)
    if parts is None:
        return SealCheck(
            SealState.UNCHECKED, "the label is sealed in another product's way, which is not verified here"
        )
    algorithm, scope, key_id, code = Algorithm(parts[1]), parts[2], parts[3], parts[4]
    used = PLAIN if algorithm is Algorithm.SHA256 else key
    if used is None or used.algorithm is not algorithm or used.id != key_id:
        return SealCheck(
            SealState.UNCHECKED, f"the label is sealed with the {algorithm} key {key_id}; give it to verify"
        )
    if scope == "content" and content is None:
        return SealCheck(SealState.UNCHECKED, "the seal covers content that is not told apart in this format")
    if not _fits(used, _message(members, scope, content), bytes.fromhex(code)):
        return SealCheck(SealState.FAILS, f"label or {scope} were changed after they were sealed")
    return SealCheck(SealState.HOLDS, _proof(algorithm, scope))


def digest_of(content: Iterable[bytes]) -> str:
    """Return the SHA-256 of content that comes in pieces, in hex."""
    digest = hashlib.sha256()
    for piece in content:
        digest.update(piece)
    return digest.hexdigest()


def _proof(algorithm: Algorithm, scope: str) -> str:
    covered = "label and content are" if scope == "content" else "the label is (the content is not covered)"
    if algorithm is Algorithm.SHA256:
        return f"{covered} as they were sealed, by whomever: the digest has no key"
    return f"{covered} as whoever has the key sealed them"


def _message(members: Members, scope: str, content: Iterable[bytes] | None) -> bytes:
    covered = "-"
    if scope == "content" and content is not None:
        covered = digest_of(content)
    label = f'"Label":"{members.label}","ContentProducer":"{members.producer}","ProduceID":"{members.produce_id}"'
    return f"sluice label seal 1 {scope}\n{label}\n{covered}".encode("utf-8", "surrogatepass")


def _fits(key: Key, message: bytes, code: bytes) -> bool:
    if key.public is None:
        expected = (
            hmac.digest(key.secret, message, "sha256")
            if key.algorithm is Algorithm.HMAC
            else hashlib.sha256(message).digest()
        )
        return hmac.compare_digest(expected, code)
    try:
        key.public.verify(code, message)
    except InvalidSignature:
        return False
    return True


def _pem_key(data: bytes, path: Path) -> Key:
    try:
        if b"PRIVATE" in data:
            private = load_pem_private_key(data, None)
            if isinstance(private, Ed25519PrivateKey):
                return Key(Algorithm.ED25519, private=private, public=private.public_key())
        else:
            public = load_pem_public_key(data)
            if isinstance(public, Ed25519PublicKey):
                return Key(Algorithm.ED25519, public=public)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause: it could quote the key.
        raise LabelError(
            f"{path} holds no key that can be read: PEM of an Ed25519 key, without a passphrase"
        ) from None
    raise LabelError(f"{path} holds a key of another kind; seals take Ed25519")
