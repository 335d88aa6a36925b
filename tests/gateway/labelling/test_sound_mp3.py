"""Heads, index and sums of MP3 files."""

import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.sound_mp3 import alike, crc16, frame_head, grown_index, index_at
from tests.media import MP3_FRAME


def _xing(flags: int, body: bytes, head: bytes = b"\xff\xfb\x90\x44") -> bytes:
    return (head + bytes(32) + b"Xing" + flags.to_bytes(4) + body).ljust(417, b"\0")


def test_heads_are_read() -> None:
    """Size, rate and channels; what is no head is none."""
    head = frame_head(b"\xff\xfb\x90\x44")
    assert head is not None
    assert (head.rate, head.kilobits, head.mono, head.samples, head.size) == (44_100, 128, False, 1152, 417)
    low = frame_head(b"\xff\xf3\x84\xc4")
    assert low is not None
    assert (low.rate, low.kilobits, low.mono, low.samples, low.size) == (24_000, 64, True, 576, 192)
    for data in (
        b"",
        b"\xff\xfb",
        b"\xff\xfb\xf0\x44",
        b"\xff\xfb\x0c\x44",
        b"\xff\xeb\x90\x44",
        b"\xff\xfd\x90\x44",
    ):
        assert frame_head(data) is None


def test_marks_of_another_head_are_taken_over() -> None:
    """Mode, copyright and emphasis; how the two channels are joined is the frame's own."""
    other = frame_head(b"\xff\xfb\x90\x6d")
    assert other is not None
    assert alike(b"\xff\xfb\x90\x04rest", other) == b"\xff\xfb\x90\x4drest"


def test_the_index_counts_what_is_added() -> None:
    """Frames, bytes and the table of places, in which time and bytes still go together."""
    frame = _xing(7, (100).to_bytes(4) + (10_000).to_bytes(4) + bytes(at * 256 // 100 for at in range(100)))
    head = frame_head(frame)
    assert head is not None
    at = index_at(frame, head)
    assert at == 36
    new = grown_index(frame, at, [bytes(100)] * 60, [bytes(100)] * 40)
    assert (int.from_bytes(new[44:48]), int.from_bytes(new[48:52])) == (200, 20_000)
    table = list(new[52:152])
    assert table == sorted(table)
    assert all(abs(place - hundredth * 2.56) < 3.6 for hundredth, place in enumerate(table))
    assert grown_index(_xing(0, b""), at, [b"x"], []) == _xing(0, b"")
    assert index_at(MP3_FRAME, head) is None


def test_the_sum_of_the_whole_follows_from_the_parts() -> None:
    """As if the whole file had been read (checked against the sum of all bytes)."""
    music, before, after = bytes(range(256)) * 9, b"before" * 40, b"after" * 30
    tag = b"LAME3.100" + bytes(19) + (417 + len(music)).to_bytes(4) + crc16(music).to_bytes(2)
    frame = _xing(0, tag)
    new = grown_index(frame, 36, [before], [after])
    assert int.from_bytes(new[44 + 28 : 44 + 32]) == 417 + len(before + music + after)
    assert int.from_bytes(new[44 + 32 : 44 + 34]) == crc16(before + music + after)
    assert int.from_bytes(new[44 + 34 : 44 + 36]) == crc16(new[: 44 + 34])


@pytest.mark.parametrize("size", range(44, 160, 4))
def test_an_index_that_was_cut_is_told(size: int) -> None:
    """Of a file that ended inside it, or says more of it than its frame has room for."""
    frame = _xing(15, bytes(8 + 100 + 4))[:size]
    if size < 36 + 8 + 8 + 100 + 4:
        with pytest.raises(LabelError, match="longer than the frame"):
            grown_index(frame, 36, [bytes(100)], [])
    else:
        assert len(grown_index(frame, 36, [bytes(100)], [])) == size
