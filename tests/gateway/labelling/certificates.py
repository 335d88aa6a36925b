"""Certificates and keys for signing, made on the fly; nobody trusts them."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey


@cache
def private_key(kind: str) -> PrivateKey:
    """Return a key, the same one for each kind."""
    if kind == "ed25519":
        return Ed25519PrivateKey.generate()
    if kind == "ps256":
        return generate_rsa(65537, 2048)
    return generate_private_key(SECP384R1() if kind == "es384" else SECP256R1())


def pem_of(key: PrivateKey) -> bytes:
    """Return a key in PEM, without a passphrase."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@cache
def chain(kind: str, days: int = 30) -> bytes:
    """Return a signer's certificate and its issuer's, as C2PA wants them; valid for so many days from today."""
    root = generate_private_key(SECP256R1())
    key, start = private_key(kind), datetime.now(UTC) - timedelta(days=10)
    issuer, own = _name("issuer"), _name("signer")
    end = datetime.now(UTC) + timedelta(days=days)
    base = x509.CertificateBuilder().issuer_name(issuer).not_valid_before(start).not_valid_after(end)
    of_root = (
        base.subject_name(issuer)
        .public_key(root.public_key())
        .serial_number(1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(root.public_key()), critical=False)
        .sign(root, hashes.SHA256())
    )
    of_key = (
        base.subject_name(own)
        .public_key(key.public_key())
        .serial_number(2)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False)
        .sign(root, hashes.SHA256())
    )
    return of_key.public_bytes(Encoding.PEM) + of_root.public_bytes(Encoding.PEM)


def signing_files(folder: Path, kind: str = "es256", days: int = 30) -> tuple[Path, Path]:
    """Write chain and key of a kind into a folder; return their paths."""
    certificates, key = folder / f"{kind}.crt", folder / f"{kind}.key"
    certificates.write_bytes(chain(kind, days))
    key.write_bytes(pem_of(private_key(kind)))
    key.chmod(0o600)
    return certificates, key


def _name(common: str) -> x509.Name:
    parts = ((NameOID.COUNTRY_NAME, "CN"), (NameOID.ORGANIZATION_NAME, "Tests"), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs,
        crl_sign=not signs,
        encipher_only=False,
        decipher_only=False,
    )
