"""The server-sent-events codec."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocol.sse import SseDecoder, SseFrame, encode_frame, text_of_line

ENDS = [b"\n", b"\r\n", b"\r"]


def decode(*pieces: bytes, limit_bytes: int = 1000) -> list[SseFrame]:
    """Decode pieces to the end."""
    decoder = SseDecoder(limit_bytes)
    return [frame for piece in pieces for frame in decoder.feed(piece)] + decoder.finish()


@given(
    st.lists(
        st.sampled_from([b"\r", b"\n", b"\r\n", b"data:", b"data: x", b"a", b":", b"\xef\xbb\xbf"]), max_size=25
    ),
    st.lists(st.integers(0, 60), max_size=6),
    st.sampled_from([4, 12, 1000]),
)
@settings(max_examples=1500, deadline=None)
def test_frames_do_not_depend_on_the_cutting(parts: list[bytes], cuts: list[int], limit_bytes: int) -> None:
    """The same bytes give the same frames and the same overflow, in pieces of any size."""
    data = b"".join(parts)
    whole = SseDecoder(limit_bytes)
    frames = whole.feed(data) + whole.finish()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for bounds in (edges, range(len(data) + 1)):
        decoder = SseDecoder(limit_bytes)
        pieces = [data[a:b] for a, b in zip(list(bounds), list(bounds)[1:], strict=False)]
        assert [frame for piece in pieces for frame in decoder.feed(piece)] + decoder.finish() == frames
        assert decoder.overflowed == whole.overflowed
    if not whole.overflowed:
        rest = data[len(b"".join(frame.raw for frame in frames)) :]
        # The tail gets the blank line it lacks; nothing else is added, and nothing is dropped but line ends.
        assert b"".join(frame.raw for frame in frames).startswith(data[: len(data) - len(rest)].rstrip(b"\r\n"))
        assert not rest.strip()


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1),
    st.lists(st.sampled_from([b": c", b"event: e", b"id: 1"])),
)
def test_what_is_encoded_is_decoded_again(text: str, others: list[bytes]) -> None:
    """Encoding and decoding are inverse, other lines included."""
    raw = encode_frame(text.encode(), tuple(others))
    assert decode(raw) == [SseFrame(raw, text.encode(), tuple(others))]


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("second", ENDS)
def test_each_line_end_counts_once(first: bytes, second: bytes) -> None:
    """CR, LF and CRLF each end a line; a CRLF is never read as a blank line."""
    raw = b"event: x" + first + b"data: 1" + second
    frames = decode(raw + first + b"data: 2\n\n") if first + second != b"\n\r" else decode(raw + b"\n\ndata: 2\n\n")
    assert [(frame.data, frame.others) for frame in frames][:2] == [(b"1", (b"event: x",)), (b"2", ())]


@pytest.mark.parametrize(
    ("raw", "data", "others"),
    [
        (b"data: 1\n\n", b"1", ()),
        (b"data:1\n\n", b"1", ()),
        (b"data:  1\n\n", b" 1", ()),
        (b"data: 1\ndata: 2\n\n", b"1\n2", ()),
        (b"data\ndata: 2\n\n", b"\n2", ()),
        (b": ping\n\n", None, (b": ping",)),
        (b"data: \n\n", None, ()),
        (b"data\n\n", None, ()),
        (b"database: 1\n\n", None, (b"database: 1",)),
        (b"\xef\xbb\xbfdata: 1\n\n", b"1", ()),
        (b"event: x\ndata: 1\nretry: 5\n\n", b"1", (b"event: x", b"retry: 5")),
    ],
)
def test_lines_are_read_by_the_specification(raw: bytes, data: bytes | None, others: tuple[bytes, ...]) -> None:
    """Every byte of a frame is in its data or in its other lines; a frame with empty data brings nothing."""
    assert decode(raw) == [SseFrame(raw, data, others)]


def test_an_unterminated_frame_gets_its_end() -> None:
    """What the stream ends with is a frame as well, so it is scanned; blank rests are none."""
    assert decode(b"data: 1") == [SseFrame(b"data: 1\n\n", b"1")]
    assert decode(b"data: 1\n\n", b" \n") == [SseFrame(b"data: 1\n\n", b"1")]


def test_nothing_is_read_behind_a_frame_over_the_limit() -> None:
    """Frames before it were returned; the buffer is let go."""
    decoder = SseDecoder(10)
    assert decoder.feed(b"data: 1\n\ndata: 12345\n\ndata: 2\n\n") == [SseFrame(b"data: 1\n\n", b"1")]
    assert decoder.overflowed
    assert decoder.feed(b"data: 3\n\n") == []
    assert decoder.finish() == []


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"event: message_start", "message_start"),
        (b": a remark", "a remark"),
        (b"id", ""),
        (b"say more: things", "say more: things"),
        (b"say", "say"),
    ],
)
def test_a_line_says_what_is_behind_its_field(line: bytes, text: str) -> None:
    """A field nobody knows is read whole."""
    assert text_of_line(line) == text
