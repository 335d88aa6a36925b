"""Heads of films, and packets as files store them."""

import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.video_codecs import as_stored, joined_head, joining_options, reminder

# One set of each kind, both of number 0: a profile of three bytes and "1"; then "1".
_SEQUENCE, _PICTURE = b"\x67\x64\0\x1f\x80rest", b"\x68\x80rest"
_HEAD = (
    b"\x01\x64\0\x1f\xff\xe1"
    + len(_SEQUENCE).to_bytes(2)
    + _SEQUENCE
    + b"\x01"
    + len(_PICTURE).to_bytes(2)
    + _PICTURE
)


def test_new_sets_stand_beside_the_old_under_another_number() -> None:
    """A decoder has both, whichever part it plays."""
    assert joining_options("h264", _HEAD) == {"x264-params": "sps-id=1"}
    other = b"\x67\x64\0\x1f\x40new", b"\x68\x40new"  # "010" is the number 1
    head = joined_head("h264", _HEAD + b"\xfd", b"\0\0\0\1" + other[0] + b"\0\0\1" + other[1] + b"\0\0\1\x06more")
    assert head[5] == 0xE2
    assert head.endswith(b"\x02" + b"\0\x06" + _PICTURE + len(other[1]).to_bytes(2) + other[1] + b"\xfd")
    assert joining_options("h264", head) == {"x264-params": "sps-id=2"}


def test_packets_get_lengths_for_start_codes() -> None:
    """As wide as the head says; sets that are in the head stay there."""
    packet = b"\0\0\0\1" + _SEQUENCE + b"\0\0\1" + _PICTURE + b"\0\0\1\x65picture"
    assert as_stored("h264", _HEAD, packet) == b"\0\0\0\x08\x65picture"
    assert as_stored("vp9", b"", packet) == packet


def test_old_sets_are_repeated_where_new_ones_took_their_place() -> None:
    """In H.265 from the head's lists, in MPEG-4 the head itself."""
    head = bytes(21) + b"\x0f\x02" + b"\x20\0\x01\0\x02ab" + b"\x21\0\x01\0\x01c"
    assert reminder("hevc", head) == b"\0\0\0\x02ab\0\0\0\x01c"
    assert reminder("mpeg4", b"head") == b"head"
    assert reminder("h264", _HEAD) == reminder("av1", b"x") == b""


@pytest.mark.parametrize("head", [b"", b"\0\0\1\x67", _HEAD[:12], _HEAD[:-8]])
def test_damaged_heads_are_refused(head: bytes) -> None:
    """And not guessed at."""
    with pytest.raises(LabelError, match="head"):
        joining_options("h264", head)
