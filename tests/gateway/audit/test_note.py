"""Tests of signed notes: the specification's own example, and that every changed byte is seen."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.note import NOTE_LIMIT_BYTES, NoteError, PublicKey, Signer, UnknownKeyError, note_text, open_note
from tests.gateway.audit.builders import SIGNER

# Key and note of the package that the format comes from, golang.org/x/mod/sumdb/note.
_PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
_PETER_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
_TEXT = "first\n\nsecond, with an empty line before it\n"


def test_note_of_another_implementation_is_read() -> None:
    """The example of the format's first implementation verifies with its key."""
    assert open_note(_PETER_NOTE.encode(), [PublicKey.parse(_PETER)]).startswith("If you think cryptography")


def test_key_is_written_as_it_was_read() -> None:
    """The text form of a key is the same in both directions."""
    assert PublicKey.parse(f" {_PETER}\n").line == _PETER


def test_signed_text_comes_back() -> None:
    """What was signed is what is read, empty lines and all."""
    note = SIGNER.sign(_TEXT)
    assert open_note(note, [SIGNER.public]) == note_text(note) == _TEXT


@given(st.data())
def test_every_bit_counts(data: st.DataObject) -> None:
    """A note with any bit changed is not accepted."""
    note = bytearray(SIGNER.sign(_TEXT))
    bit = data.draw(st.integers(0, len(note) * 8 - 1))
    note[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NoteError):
        open_note(bytes(note), [SIGNER.public])


def test_other_signatures_are_ignored() -> None:
    """A note that others signed too is good, and one that only others signed is not."""
    other = Signer("other.example", Ed25519PrivateKey.generate())
    extra = other.sign(_TEXT).removeprefix(f"{_TEXT}\n".encode())
    note = SIGNER.sign(_TEXT) + extra
    assert open_note(note, [SIGNER.public]) == open_note(note, [other.public]) == _TEXT
    with pytest.raises(UnknownKeyError):
        open_note(other.sign(_TEXT), [SIGNER.public])


def test_same_key_under_another_name_is_unknown() -> None:
    """Name and key belong together; a key without a name, as from PEM, fits any."""
    renamed = PublicKey("renamed.example", SIGNER.public.raw)
    with pytest.raises(UnknownKeyError):
        open_note(SIGNER.sign(_TEXT), [renamed])
    assert open_note(SIGNER.sign(_TEXT), [PublicKey("", SIGNER.public.raw)]) == _TEXT


def test_pem_is_a_key_without_a_name() -> None:
    """The form that openssl writes is taken, for Ed25519 only."""
    key = Ed25519PrivateKey.generate().public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert PublicKey.parse(pem) == PublicKey("", key.public_bytes_raw())
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(ValueError, match="no Ed25519 key"):
        PublicKey.parse(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+AQ==",
        _PETER.replace("c74f20a3", "c74f20a4"),
        _PETER.replace("PeterNeumann", "PeterNewmann"),
        _PETER.replace("+ARpc", "+Ahpc"),
        _PETER + "A",
        _PETER.replace("PeterNeumann", "Peter Neumann"),
        "-----BEGIN PUBLIC KEY-----\nnone\n-----END PUBLIC KEY-----\n",
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    """Neither form: a ValueError that quotes nothing."""
    with pytest.raises(ValueError, match=r"key|PEM"):
        PublicKey.parse(text)


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"text only\n",
        b"text\n\nno signature\n",
        "text\n\n— name AAAA".encode(),
        "text\n\n— name !!!!\n".encode(),
        "text\n\n—  AAAAAAAA\n".encode(),
        "text\r\n\n— name AAAAAAAA\n".encode(),
        b"\xff\n\n",
        b"x" * NOTE_LIMIT_BYTES + SIGNER.sign("text\n"),
    ],
)
def test_what_is_no_note_is_refused(note: bytes) -> None:
    """Bytes of another form raise, and no other error."""
    with pytest.raises(NoteError):
        open_note(note, [SIGNER.public])


def test_signature_that_fails_spoils_the_note() -> None:
    """A known key's wrong signature is an error of its own kind, also beside a right one."""
    note = SIGNER.sign(_TEXT).decode()
    head, _, signature = note.rpartition(" ")
    wrong = bytearray(base64.b64decode(signature))
    wrong[-1] ^= 1
    line = head.rpartition("\n")[2] + " " + base64.b64encode(wrong).decode() + "\n"
    with pytest.raises(NoteError, match="does not fit the text") as caught:
        open_note((note + line).encode(), [SIGNER.public])
    assert not isinstance(caught.value, UnknownKeyError)


@pytest.mark.parametrize("name", ["", "with space", "with+plus", "x" * 201])
def test_name_that_notes_cannot_carry_is_refused(name: str) -> None:
    """A signer has a name that a signature line can hold."""
    with pytest.raises(ValueError, match="key name"):
        Signer(name, Ed25519PrivateKey.generate())
