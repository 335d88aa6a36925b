"""Tests of `gateway.standin.works`: files that players and viewers open."""

import io

import av
import pytest
from PIL import Image

from gateway.standin.works import MOST_PICTURE_PIXELS, draw, speak


@pytest.mark.parametrize(
    ("size", "chosen", "format_", "sides"),
    [
        ("", "", "PNG", (256, 256)),
        ("320x64", "jpeg", "JPEG", (320, 64)),
        ("auto", "webp", "WEBP", (256, 256)),
        ("1x999999", "?", "PNG", (16, MOST_PICTURE_PIXELS)),
        ("²x²", "", "PNG", (256, 256)),
    ],
)
def test_pictures_open(size: str, chosen: str, format_: str, sides: tuple[int, int]) -> None:
    """In the size asked for, within bounds."""
    with Image.open(io.BytesIO(draw("x", size, chosen))) as picture:
        assert (picture.format, picture.size) == (format_, sides)
        picture.load()
    assert draw("x", size, chosen) != draw("y", size, chosen)


@pytest.mark.parametrize(
    ("chosen", "codec"),
    [("mp3", "mp3float"), ("wav", "pcm_u8"), ("flac", "flac"), ("opus", "opus"), ("aac", "aac"), ("?", "mp3float")],
)
def test_sound_plays(chosen: str, codec: str) -> None:
    """About a twentieth of a second for each character."""
    with av.open(io.BytesIO(b"".join(speak(20, chosen))), "r") as file:
        stream = file.streams.audio[0]
        heard = sum([frame.samples for frame in file.decode(stream)]) / stream.rate
        assert stream.codec_context.name.startswith(codec)
        assert heard == pytest.approx(1.0, abs=0.15)


def test_bare_samples_have_no_head() -> None:
    """16 bits at 24,000 Hz, as OpenAI gives them."""
    assert [len(piece) for piece in speak(3, "pcm")] == [2400] * 3
