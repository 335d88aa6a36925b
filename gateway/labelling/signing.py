"""Who signs a C2PA manifest: a certificate chain and its private key, checked before a file is touched.

Source: C2PA 2.4 section 14.5 (X.509 certificates of claim signers). The library says of a wrong certificate only
that it is one; here is said what is wrong with it.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.labelling.members import LabelError

_MOST_BYTES = 64 * 1024
_OTHERS = 0o007
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """What manifests are signed with.

    Attributes:
        algorithm: as C2PA names it.
        certificates: PEM, the signer's own first.
        key: PEM of its private key.
    """

    algorithm: str
    certificates: bytes
    key: bytes

    def of(self, library: Any) -> Any:  # noqa: ANN401 a library without types
        """Return the library's signer; without a time stamp, which would be asked of a network."""
        info = library.C2paSignerInfo(self.algorithm.encode(), self.certificates, self.key, None)
        return library.Signer.from_info(info)


def load_signer(certificates: Path, key: Path) -> Signer:
    """Read a certificate chain and its private key.

    Args:
        certificates: PEM, the signer's own first.
        key: PEM without a passphrase; readable by its owner and group alone.

    Raises:
        LabelError: one is none, they do not belong together, the certificate is out of its time, or everyone may
            read the key.
        OSError: a file cannot be read.
    """
    chain = certificates.read_bytes()[:_MOST_BYTES]
    with key.open("rb") as file:
        mode, secret = os.fstat(file.fileno()).st_mode, file.read(_MOST_BYTES)
    if mode & _OTHERS:
        raise LabelError(f"everyone may read the key {key}; run 'chmod 600' on it, or make a new one")
    algorithm, public = _key_of(secret, key)
    try:
        own = x509.load_pem_x509_certificates(chain)[0]
    except ValueError as exc:
        raise LabelError(f"{certificates} holds no certificates in PEM") from exc
    if own.public_key() != public:
        raise LabelError(f"the first certificate in {certificates} is not that of the key {key}")
    if not own.not_valid_before_utc <= datetime.now(UTC) <= own.not_valid_after_utc:
        raise LabelError(f"the certificate in {certificates} is not valid today; get a new one")
    return Signer(algorithm, chain, secret)


def _key_of(secret: bytes, path: Path) -> tuple[str, Any]:
    try:
        private = load_pem_private_key(secret, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause: it could quote the key.
        raise LabelError(f"{path} holds no private key that can be read: PEM, without a passphrase") from None
    if isinstance(private, EllipticCurvePrivateKey) and private.curve.name in _CURVES:
        return _CURVES[private.curve.name], private.public_key()
    if isinstance(private, Ed25519PrivateKey):
        return "ed25519", private.public_key()
    if isinstance(private, RSAPrivateKey):
        return "ps256", private.public_key()
    raise LabelError(
        f"{path} holds a key that C2PA does not sign with: take EC P-256, P-384 or P-521, Ed25519 or RSA"
    )
