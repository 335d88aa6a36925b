"""Data keys: what they seal opens with them alone, and what they digest is known to their holder alone."""

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.content.keys import DataKey, day_name, day_of, new_data_key


@given(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.data())
def test_only_the_same_key_for_the_same_exchange_opens(plain: bytes, request_id: str, draw: st.DataObject) -> None:
    """Wrong key, another exchange, one flipped bit: none opens."""
    key = new_data_key("acc-1", "", 1)
    nonce, sealed = key.seal(request_id, plain)
    assert key.open(request_id, nonce, sealed) == plain
    at, bit = draw.draw(st.integers(0, len(sealed) - 1)), draw.draw(st.integers(0, 7))
    flipped = sealed[:at] + bytes([sealed[at] ^ (1 << bit)]) + sealed[at + 1 :]
    renamed = DataKey("other", key.secret, "acc-1", "", 1)
    for holder, name, data in (
        (new_data_key("acc-1", "", 1), request_id, sealed),
        (renamed, request_id, sealed),
        (key, request_id + "x", sealed),
        (key, request_id, flipped),
    ):
        with pytest.raises(ValueError, match="sealed"):
            holder.open(name, nonce, data)


def test_digest_is_the_documented_one() -> None:
    """HMAC-SHA256 under a key derived from the data key, 128 bits in base64url."""
    key = DataKey("id", b"k" * 32, "acc-1", "", 1)
    salt = hmac.digest(b"k" * 32, b"sluice digests v1\x01", "sha256")
    wanted = hmac.digest(salt, b"prompt\nr-1\n" + b"d" * 32, "sha256")[:16]
    assert key.digest(b"prompt", "r-1", b"d" * 32) == base64.urlsafe_b64encode(wanted).decode().rstrip("=")
    assert key.digest(b"reply", "r-1", b"d" * 32) != key.digest(b"prompt", "r-1", b"d" * 32)
    assert key.digest(b"prompt", "r-1", b"") == ""


def test_a_key_does_not_show_itself() -> None:
    """A log line that names it holds its id."""
    key = new_data_key("acc-1", "", 1)
    assert repr(key) == f"DataKey({key.id})"


def test_days_are_of_utc() -> None:
    """Whatever the machine's zone."""
    assert day_name(day_of(1_795_316_941_000_000)) == "2026-11-22"
