"""A certificate and its key are checked before a file is touched."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from gateway.labelling.members import LabelError
from gateway.labelling.signing import load_signer
from tests.gateway.labelling.certificates import pem_of, private_key, signing_files


@pytest.mark.parametrize("kind", ["es256", "es384", "ed25519", "ps256"])
def test_algorithm_follows_the_key(tmp_path: Path, kind: str) -> None:
    """Nobody has to name it."""
    assert load_signer(*signing_files(tmp_path, kind)).algorithm == kind


def test_what_does_not_fit_together_is_told(tmp_path: Path) -> None:
    """Each with what to do, and without a word of the key."""
    certificates, key = signing_files(tmp_path)
    other, _ = signing_files(tmp_path, "ed25519")
    old = signing_files(tmp_path, "es384", days=-1)
    with pytest.raises(LabelError, match="is not that of the key"):
        load_signer(other, key)
    with pytest.raises(LabelError, match="not valid today"):
        load_signer(*old)
    with pytest.raises(LabelError, match="no certificates"):
        load_signer(key, key)
    with pytest.raises(LabelError, match="no private key"):
        load_signer(certificates, _private(tmp_path / "x", certificates.read_bytes()))
    key.chmod(0o644)
    with pytest.raises(LabelError, match="chmod 600"):
        load_signer(certificates, key)


def test_keys_that_c2pa_does_not_take_are_told(tmp_path: Path) -> None:
    """Another curve, and one under a passphrase."""
    certificates, _ = signing_files(tmp_path)
    with pytest.raises(LabelError, match="does not sign with"):
        load_signer(certificates, _private(tmp_path / "x", pem_of(generate_private_key(SECP256K1()))))
    closed = private_key("es256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    with pytest.raises(LabelError, match="without a passphrase"):
        load_signer(certificates, _private(tmp_path / "y", closed))


def test_signer_does_not_show_its_key(tmp_path: Path) -> None:
    """In no log and no traceback."""
    signer = load_signer(*signing_files(tmp_path))
    assert "PRIVATE" not in repr(signer)


def _private(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path
