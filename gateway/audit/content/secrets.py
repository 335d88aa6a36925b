"""The master key: the one secret that pseudonyms and the keys of all content rest on.

Rules: it comes from the environment, or from a file that is made with the first start; it never leaves this module,
where other keys are derived from it (HKDF, RFC 5869). Several keys may be given, the newest first: the newest wraps,
all unwrap, and the oldest makes pseudonyms, so that these outlive a change of keys.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.audit.files import write_secret_once
from gateway.errors import ResourceError

VARIABLE = "SLUICE_AUDIT_MASTER_KEY"
"""Environment variable that holds the master key, or several."""

KEY_BYTES = 32
_NONCE_BYTES = 12
_ID_DIGITS = 16
# Some keys of 44 characters; whatever is larger is another file, named by mistake.
_FILE_LIMIT_BYTES = 4096
_PSEUDONYM_BYTES = 16


class MasterKeyError(ResourceError):
    """The master key cannot be read, or does not fit; the message says what to do and quotes no key."""


class MasterKeys:
    """The master keys, newest first.

    Args:
        keys: at least one, each of 32 bytes.

    Attributes:
        newest_id: names the key that wraps.
    """

    def __init__(self, keys: list[bytes]) -> None:
        self._wrapping = {_derive(key, b"sluice key id v1").hex()[:_ID_DIGITS]: _wrapping(key) for key in keys}
        self.newest_id = next(iter(self._wrapping))
        # Copied for each pseudonym, which costs half of beginning anew.
        self._pseudonyms = hmac.new(_derive(keys[-1], b"sluice pseudonyms v1"), digestmod=sha256)

    def __repr__(self) -> str:
        """Name the keys, and do not show them."""
        return f"MasterKeys({', '.join(self._wrapping)})"

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of all keys, the newest first."""
        return tuple(self._wrapping)

    def pseudonym(self, account: str, end_user: str) -> str:
        """Return what stands for an end user: 128 bits in base64url, the same for as long as the oldest key.

        Args:
            account: whose end user it is; another account's of the same name is somebody else.
            end_user: as the request names them.
        """
        digest = self._pseudonyms.copy()
        digest.update(account.encode() + b"\0" + end_user.encode("utf-8", "surrogatepass"))
        return short_base64(digest.digest())

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt a key with the newest master key; it can be unwrapped in the same context only."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._wrapping[self.newest_id].encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes, master_id: str) -> bytes:
        """Return a wrapped key.

        Raises:
            MasterKeyError: it was wrapped by a master key that is not here, for something else, or was changed.
        """
        wrapping = self._wrapping.get(master_id)
        if wrapping is None:
            raise MasterKeyError(
                f"The data key was wrapped by the master key {master_id}, which is not among those given. "
                f"Add that key to {VARIABLE} or to the file."
            )
        try:
            return wrapping.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as exc:
            raise MasterKeyError("A data key in the store was changed, or belongs to another row.") from exc


def short_base64(digest: bytes) -> str:
    """Return the first 128 bits of a digest in base64url (RFC 4648 section 5), without padding."""
    text = binascii.b2a_base64(digest[:_PSEUDONYM_BYTES], newline=False)
    return text[:22].translate(_URL_SAFE).decode("ascii")


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def read_master_keys(environ: Mapping[str, str], file: Path | None, audit_directory: Path) -> MasterKeys:
    """Return the master keys; where none are given, make a file of one beside the audit directory.

    Args:
        environ: environment variables.
        file: file the settings name, or None.
        audit_directory: the audit directory.

    Raises:
        MasterKeyError: they cannot be read, or are no keys.
    """
    if text := environ.get(VARIABLE):
        return _parse(text, VARIABLE)
    path = file or default_file(audit_directory)
    try:
        if file is None and not path.exists():
            write_secret_once(path, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        with path.open("rb") as opened:
            return _parse(opened.read(_FILE_LIMIT_BYTES).decode("ascii", "replace"), str(path))
    except OSError as exc:
        raise MasterKeyError(
            f"The master key {path} cannot be read ({exc.strerror}). Name another file in "
            f"[audit] master_key_file, or set {VARIABLE}."
        ) from exc


def default_file(audit_directory: Path) -> Path:
    """Return where the master key is when nobody says otherwise: beside the audit directory, not in it."""
    return audit_directory.with_name(audit_directory.name + ".master-key")


def _parse(text: str, place: str) -> MasterKeys:
    keys: list[bytes] = []
    for word in text.split():
        try:
            keys.append(base64.b64decode(word, validate=True))
        except binascii.Error:
            keys.append(b"")
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise MasterKeyError(
            f"{place} holds no master key: it must be 32 bytes in base64, as `openssl rand -base64 32` prints them; "
            "several are written one behind the other, the newest first."
        )
    return MasterKeys(keys)


def _wrapping(master: bytes) -> AESGCM:
    return AESGCM(_derive(master, b"sluice content keys v1"))


def _derive(master: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(master)
