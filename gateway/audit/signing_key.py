"""The key an installation signs its checkpoints with: a file, made on first start, readable by its owner alone.

The file holds one line in the form Go's signed notes gave private keys, ``PRIVATE+KEY+NAME+KEYID+BASE64``. The name
stands in it, because a key that changed its name would be another key to whoever verifies.
"""

import base64
import os
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.files import write_secret_once
from gateway.audit.note import PublicKey, Signer
from gateway.errors import ResourceError

_MODE = 0o600
_OTHERS = 0o007
_LIMIT_BYTES = 1024
_SEED_BYTES = 32  # RFC 8032: what an Ed25519 key is derived from
_HEAD = "PRIVATE+KEY+"
_ALGORITHM = b"\x01"
_OWN_NAME_CHARACTERS = 16

_log = structlog.get_logger(__name__)


def key_file_beside(directory: Path) -> Path:
    """Return where the key of an audit directory lies when the settings name no file."""
    # Beside and not inside: the trail is copied to auditors, and the key must not go with it.
    return directory.with_name(f"{directory.name}.key")


def load_or_create_key(path: Path, name: str) -> tuple[Signer, bool]:
    """Read the signing key, or make it when there is none; return it, and whether it was made here and now.

    Args:
        path: the file.
        name: the name it should have; empty takes the file's, or one made from the key.

    Raises:
        ResourceError: the file is no key, has another name, or others may read it.
        OSError: it cannot be read or made.
    """
    try:
        return load_key(path, name), False
    except FileNotFoundError:
        is_new = _create(path, name)
        # Read back whatever is there now: another process may have been faster, and its key counts.
        return load_key(path, name), is_new


def load_key(path: Path, name: str = "") -> Signer:
    """Read the signing key.

    Raises:
        ResourceError: the file is no key, has another name, or others may read it.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & _OTHERS:
            raise ResourceError(
                f"Everyone may read the signing key {path}. Run 'chmod 600' on it, or make a new one."
            )
        line = file.read(_LIMIT_BYTES)
    try:
        signer = _parse(line.decode())
    except ValueError:
        # Without the cause: it could quote the key.
        raise ResourceError(f"{path} holds no signing key. Restore it, or move it away to get a new one.") from None
    if name not in {"", signer.public.name}:
        raise ResourceError(
            f"The signing key {path} is named {signer.public.name}, and audit.origin says {name}. "
            "Set audit.origin to the key's name, or move the key away to get a new one."
        )
    return signer


def _create(path: Path, name: str) -> bool:
    """Make a key; return False when another process was faster."""
    key = Ed25519PrivateKey.generate()
    public = PublicKey(name, key.public_key().public_bytes_raw())
    name = name or f"sluice-{public.fingerprint[:_OWN_NAME_CHARACTERS]}"
    encoded = base64.b64encode(_ALGORITHM + key.private_bytes_raw()).decode()
    line = f"{_HEAD}{name}+{public.key_id(name).hex()}+{encoded}\n"
    if not write_secret_once(path, line.encode()):
        return False
    _log.info("audit_signing_key_made", path=str(path), name=name, fingerprint=public.fingerprint)
    return True


def _parse(text: str) -> Signer:
    """Read the one line of a key file; ValueError when it is none."""
    name, _, rest = text.strip().removeprefix(_HEAD).partition("+")
    key_id, _, encoded = rest.partition("+")
    content = base64.b64decode(encoded, validate=True)
    if not text.startswith(_HEAD) or content[:1] != _ALGORITHM or len(content) != 1 + _SEED_BYTES:
        raise ValueError("no private key")
    signer = Signer(name, Ed25519PrivateKey.from_private_bytes(content[1:]))
    if signer.public.key_id(name).hex() != key_id:
        raise ValueError("the key's id does not fit")
    return signer
