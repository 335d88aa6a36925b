"""Signed notes: text with signatures under it (c2sp.org/signed-note), with Ed25519 keys.

Rules: a signature counts when key name and key id match a known key and it verifies; others are ignored, as the
format asks. A known key whose signature fails spoils the whole note. Every byte counts: base64 is taken in its one
canonical form only, or a note could be changed without anyone noticing.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

# Far beyond a checkpoint with the 16 signatures a reader has to take; what is larger is not read to its end.
NOTE_LIMIT_BYTES = 16 * 1024

_ED25519 = b"\x01"  # signature type of the specification
_KEY_ID_BYTES = 4
_DASH = "— "
_NAME = re.compile(r"[^\s+]{1,200}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteError(ValueError):
    """A note cannot be trusted; the message says why and quotes nothing of it."""


class UnknownKeyError(NoteError):
    """A note bears no signature by a key that is known."""


def check_key_name(name: str) -> str:
    """Return the name of a key.

    Raises:
        ValueError: notes cannot carry such a name.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a key name has 1 to 200 characters, and neither spaces nor +")
    return name


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key to verify notes by.

    Attributes:
        name: its name; empty when it came without one, as in PEM, and then any name in a note is taken.
        raw: the 32 bytes of RFC 8032.
    """

    name: str
    raw: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a key: the form of signed notes, ``NAME+KEYID+BASE64``, or PEM.

        Raises:
            ValueError: it is neither, or no Ed25519 key.
        """
        if text.lstrip().startswith("-----BEGIN"):
            key = load_pem_public_key(text.encode())
            if not isinstance(key, Ed25519PublicKey):
                raise ValueError("the key is no Ed25519 key")
            return cls("", key.public_bytes_raw())
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            content = _decode(encoded)
        except NoteError as exc:
            raise ValueError("the key is neither NAME+KEYID+BASE64 nor PEM") from exc
        found = cls(check_key_name(name), content[1:])
        # The id ties the name to the key: a line put together from two keys is refused.
        if content[:1] != _ED25519 or len(found.raw) != 32 or key_id != found.key_id(name).hex():  # noqa: PLR2004 RFC 8032
            raise ValueError("the key's id does not fit its name and content, or it is no Ed25519 key")
        return found

    def key_id(self, name: str) -> bytes:
        """Return the id the key has under a name."""
        return hashlib.sha256(name.encode() + b"\n" + _ED25519 + self.raw).digest()[:_KEY_ID_BYTES]

    @property
    def line(self) -> str:
        """The key as signed notes write it: ``NAME+KEYID+BASE64``."""
        encoded = base64.b64encode(_ED25519 + self.raw).decode()
        return f"{self.name}+{self.key_id(self.name).hex()}+{encoded}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key's 32 bytes in hexadecimal, to be compared over another channel."""
        return hashlib.sha256(self.raw).hexdigest()

    def verify(self, signature: bytes, text: bytes) -> bool:
        """Say whether a signature is this key's over a text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text)
        except InvalidSignature:
            return False
        return True


class Signer:
    """Signs notes under a name. Holds the private key; has no form in which it could be shown."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(check_key_name(name), key.public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """Return the note of a text, which ends in a line feed."""
        signature = self.public.key_id(self.public.name) + self._key.sign(text.encode())
        return f"{text}\n{_DASH}{self.public.name} {base64.b64encode(signature).decode()}\n".encode()


def note_text(note: bytes) -> str:
    """Return a note's text without looking at its signatures.

    Raises:
        NoteError: the bytes are no note.
    """
    return _parts(note)[0]


def open_note(note: bytes, keys: Iterable[PublicKey]) -> str:
    """Return the text of a note that a known key signed.

    Raises:
        UnknownKeyError: none of the keys signed it.
        NoteError: the bytes are no note, or the signature of a known key does not fit the text.
    """
    text, signatures = _parts(note)
    known = tuple(keys)
    trusted = False
    for name, key_id, signature in signatures:
        for key in known:
            if key.name in {"", name} and key.key_id(name) == key_id:
                if not key.verify(signature, text.encode()):
                    raise NoteError("the signature does not fit the text")
                trusted = True
    if not trusted:
        raise UnknownKeyError("it bears no signature by this key")
    return text


def _parts(note: bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Return a note's text, and of each signature the key's name, its id and the signature itself."""
    if len(note) > NOTE_LIMIT_BYTES:
        raise NoteError(f"it is larger than {NOTE_LIMIT_BYTES} bytes")
    try:
        whole = note.decode()
    except UnicodeDecodeError as exc:
        raise NoteError("it is not UTF-8") from exc
    # The last empty line: the text may hold others.
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or not lines.endswith("\n") or _CONTROL.search(whole):
        raise NoteError("it is no signed note")
    return text + "\n", [_signature(line) for line in lines[:-1].split("\n")]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not _NAME.fullmatch(name):
        raise NoteError("a line under its text is no signature")
    signature = _decode(encoded)
    return name, signature[:_KEY_ID_BYTES], signature[_KEY_ID_BYTES:]


def _decode(encoded: str) -> bytes:
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise NoteError("it holds wrong base64") from exc
    # The last character may have bits that count for nothing; changed ones would go unseen.
    if base64.b64encode(content).decode() != encoded:
        raise NoteError("it holds base64 that is not canonical")
    return content
