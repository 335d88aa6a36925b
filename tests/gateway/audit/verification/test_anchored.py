"""Tests of anchors in verifying: only those that prove something count, and time stamps are real ones."""

import datetime as dt
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from gateway.audit.anchor_file import anchor_line
from gateway.audit.history import LATEST_NAME
from gateway.audit.verification.anchored import Anchors
from gateway.audit.verification.report import Kind
from tests.gateway.audit.builders import OTHER_SIGNER, SIGNER
from tests.gateway.audit.trails import write_trail

_CONFIGURATION = """
[tsa]
default_tsa = local
[local]
serial = {folder}/serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_chain = no
"""


def make_authority(folder: Path) -> x509.Certificate:
    """Make a time-stamp authority that signs itself, with its files in a folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    now = dt.datetime.now(dt.UTC)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "tsa.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "tsa.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "tsa.conf").write_text(_CONFIGURATION.format(folder=folder))
    (folder / "serial").write_text("01\n")
    return certificate


def _stamp(folder: Path, content: bytes) -> bytes:
    """Return the authority's answer for some content, as openssl makes it."""
    request = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).build()
    (folder / "request").write_bytes(request.as_bytes())
    command = "openssl ts -reply -config tsa.conf -queryfile request -signer tsa.pem -inkey tsa.key -out reply"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)  # noqa: S603 fixed words
    return (folder / "reply").read_bytes()


def test_time_stamps_are_checked(tmp_path: Path) -> None:
    """A stamp over the note is good; one over something else, or of another authority, is named."""
    certificate = make_authority(tmp_path)
    (tmp_path / "other").mkdir()
    other = make_authority(tmp_path / "other")
    note = (write_trail(tmp_path / "audit") / LATEST_NAME).read_bytes()
    path = tmp_path / "anchors"
    for stamped, authority, problems in ((note, certificate, 0), (b"other", certificate, 1), (note, other, 1)):
        path.write_bytes(anchor_line(note, _stamp(tmp_path, stamped)))
        anchors = Anchors([SIGNER.public], [authority])
        anchors.read(path)
        assert [problem.kind for problem in anchors.report.problems] == [Kind.ANCHOR] * problems
    unchecked = Anchors([SIGNER.public])
    unchecked.read(path)
    assert len(unchecked.report.notices) == 1


@pytest.mark.parametrize("signer", [SIGNER, OTHER_SIGNER])
def test_anchor_of_another_key_proves_nothing(tmp_path: Path, signer: object) -> None:
    """It is named, and not held against any log."""
    note = (write_trail(tmp_path / "audit") / LATEST_NAME).read_bytes()
    (tmp_path / "anchors").write_bytes(anchor_line(note) + b"damaged\n")
    anchors = Anchors([signer.public])  # type: ignore[attr-defined]
    anchors.read(tmp_path / "anchors")
    assert (len(anchors.log_ids), anchors.report.good) == ((1, True) if signer is SIGNER else (0, False))
    assert "1 damaged lines" in anchors.report.notices[0]
