"""A seal holds for what it was made over, fails for anything else, and says what it cannot tell."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.labelling.formats import propagate_label, read_file, write_label
from gateway.labelling.members import LabelError, Members
from gateway.labelling.seal import PLAIN, Key, SealState, load_key, seal, verify
from tests.gateway.labelling.pictures import MEMBERS, noise, saved
from tests.gateway.labelling.vendor_forms import SECURITY
from tests.media import SMALL

_CONTENT = [b"pixels"]


def _secret(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def _hmac(tmp_path: Path) -> Key:
    return load_key(_secret(tmp_path / "hmac", bytes(range(32))))


def _ed25519(tmp_path: Path) -> tuple[Key, Key]:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    return load_key(_secret(tmp_path / "private.pem", pem)), load_key(tmp_path / "public.pem")


@pytest.mark.parametrize("kind", ["digest", "hmac", "ed25519"])
@pytest.mark.parametrize("content", [_CONTENT, None], ids=["content", "label alone"])
def test_seal_holds_until_something_changes(tmp_path: Path, kind: str, content: list[bytes] | None) -> None:
    """Label or content changed: it fails. What it covers is said."""
    making = verifying = PLAIN
    if kind == "hmac":
        making = verifying = _hmac(tmp_path)
    elif kind == "ed25519":
        making, verifying = _ed25519(tmp_path)
    sealed = seal(MEMBERS, content, making)
    held = verify(sealed, content, verifying)
    assert held.state is SealState.HOLDS
    assert ("not covered" in held.message) is (content is None)
    assert verify(replace(sealed, produce_id="other"), content, verifying).state is SealState.FAILS
    assert verify(replace(sealed, label="2"), content, verifying).state is SealState.FAILS
    if content is not None:
        assert verify(sealed, [b"pixelz"], verifying).state is SealState.FAILS
        # Cut elsewhere it is the same content.
        assert verify(sealed, [b"pix", b"els"], verifying).state is SealState.HOLDS
        assert verify(sealed, None, verifying).state is SealState.UNCHECKED


def test_what_cannot_be_verified_is_said(tmp_path: Path) -> None:
    """No seal, no key, another key, another product's seal."""
    sealed = seal(MEMBERS, _CONTENT, _hmac(tmp_path))
    other = load_key(_secret(tmp_path / "other", bytes(40)))
    assert verify(MEMBERS, _CONTENT).state is SealState.ABSENT
    for key in (None, other, _ed25519(tmp_path)[1]):
        check = verify(sealed, _CONTENT, key)
        assert check.state is SealState.UNCHECKED
        assert "give it to verify" in check.message
    assert verify(Members.first("x", "y", SECURITY), _CONTENT).state is SealState.UNCHECKED
    assert verify(replace(MEMBERS, reserved_code1="0" * 40), _CONTENT).state is SealState.UNCHECKED


def test_keys_that_are_none_are_refused(tmp_path: Path) -> None:
    """Too short, of another kind, damaged, open to everybody; nothing of the key is quoted."""
    ec = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for data, told in (
        (b"short", "is no key"),
        (bytes(5000), "is no key"),
        (b"-----BEGIN PRIVATE KEY-----\nx", "can be read"),
        (b"-----BEGIN PUBLIC KEY-----\nx", "can be read"),
        (ec, "another kind"),
    ):
        with pytest.raises(LabelError, match=told):
            load_key(_secret(tmp_path / "key", data))
    open_key = _secret(tmp_path / "open", bytes(32))
    open_key.chmod(0o644)
    with pytest.raises(LabelError, match="chmod 600"):
        load_key(open_key)
    with pytest.raises(LabelError, match="public half"):
        seal(MEMBERS, None, _ed25519(tmp_path)[1])


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif"])
def test_seal_of_a_picture_covers_its_pixels(tmp_path: Path, name: str) -> None:
    """Other metadata may change; a pixel may not, even under the same label."""
    key, target = _hmac(tmp_path), tmp_path / f"labelled-{name}"
    write_label(saved(tmp_path / name), target, MEMBERS, key=key)
    found = read_file(target, key)
    assert found.seal is not None
    assert (found.seal.state, "content" in found.seal.message) == (SealState.HOLDS, True)
    assert found.reading.members is not None
    write_label(saved(tmp_path / name, noise(seed=9)), target, found.reading.members)
    swapped = read_file(target, key).seal
    assert swapped is not None
    assert swapped.state is SealState.FAILS


def test_seal_of_a_tiff_covers_the_label_alone(tmp_path: Path) -> None:
    """And says so."""
    write_label(saved(tmp_path / "a.tif"), tmp_path / "b.tif", MEMBERS, key=PLAIN)
    found = read_file(tmp_path / "b.tif").seal
    assert found is not None
    assert (found.state, "content is not covered" in found.message) == (SealState.HOLDS, True)


@pytest.mark.parametrize("name", ["a.png", "a.mp3", "a.docx"])
@pytest.mark.parametrize("kind", ["digest", "hmac", "ed25519"])
def test_seal_outlives_passing_on(tmp_path: Path, kind: str, name: str) -> None:
    """A platform's members are not the producer's to seal; without the key it is told what is missing."""
    making = verifying = PLAIN
    if kind == "hmac":
        making = verifying = _hmac(tmp_path)
    elif kind == "ed25519":
        making, verifying = _ed25519(tmp_path)
    path = saved(tmp_path / name) if name == "a.png" else tmp_path / name
    if name in SMALL:
        path.write_bytes(SMALL[name])
    write_label(path, path, MEMBERS, key=making)
    propagate_label(path, path, "platform", "p-1")
    found = read_file(path, verifying).seal
    assert found is not None
    assert (found.state, "not covered" in found.message) == (SealState.HOLDS, name == "a.docx")
    without = read_file(path).seal
    assert without is not None
    assert without.state is (SealState.HOLDS if kind == "digest" else SealState.UNCHECKED)
    assert kind == "digest" or making.id in without.message
