"""A certificate that no system trusts, for servers of tests that speak TLS."""

import ssl
import subprocess
from pathlib import Path

import pytest

OPENSSL = Path("/usr/bin/openssl")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a self-signed certificate for 127.0.0.1, key and certificate in one file."""
    if not OPENSSL.exists():
        pytest.skip("needs the openssl command to make a certificate")
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    command = [str(OPENSSL), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(path), "-out", str(path.with_suffix(".crt")), "-days", "2", "-subj", "/CN=test"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - a fixed command
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    """Make a context that serves with the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
