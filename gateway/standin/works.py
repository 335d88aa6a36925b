"""Sound and pictures of the stand-in, as files that every player and viewer opens.

A tone of so many samples for each character, and a plain picture whose colour is a digest of the prompt.
"""

import io
import struct
from functools import lru_cache
from hashlib import blake2b
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from numpy.typing import NDArray
from PIL import Image

RATE = 8000
SOUND_BYTES_A_CHARACTER = 400
MOST_ENCODED_CHARACTERS = 4096
"""Longest text that is spoken in a compressed format: four minutes."""
PICTURE_PIXELS = 256
MOST_PICTURE_PIXELS = 2048
# 8 bits, one channel, of unknown length, as servers that stream write it.
_WAVE_HEAD = (
    b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, RATE, 1, 8) + b"data\xff\xff\xff\xff"
)
_TONE = bytes(range(256)) * (SOUND_BYTES_A_CHARACTER // 256 + 1)
# Container, encoder and rate: Opus knows 48,000 and parts of it, and MP3 as speech models give it 24,000.
_ENCODERS = {
    "mp3": ("mp3", "libmp3lame", 24000),
    "flac": ("flac", "flac", 24000),
    "opus": ("ogg", "libopus", 48000),
    "aac": ("adts", "aac", 24000),
}
_PICTURES = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}


def speak(characters: int, chosen: str) -> list[bytes]:
    """Return a sound in pieces, as a server that streams sends them: a head, and a piece for each character.

    Args:
        characters: how long it is.
        chosen: ``wav``, ``pcm``, or a compressed format; what is unknown is MP3.
    """
    if chosen == "wav":
        return [_WAVE_HEAD, *(_TONE[:SOUND_BYTES_A_CHARACTER] for _ in range(characters))]
    if chosen == "pcm":
        return [_samples(SOUND_BYTES_A_CHARACTER, 24000).tobytes() for _ in range(characters)]
    data = _encoded(min(characters, MOST_ENCODED_CHARACTERS), chosen if chosen in _ENCODERS else "mp3")
    step = max(1, -(-len(data) // max(characters, 1)))
    return [data[at : at + step] for at in range(0, len(data), step)]


@lru_cache(maxsize=16)
def draw(prompt: str, size: str, chosen: str) -> bytes:
    """Return a picture.

    Args:
        prompt: gives its colour.
        size: such as ``1024x1024``; what is none is 256 by 256.
        chosen: ``png``, ``jpeg`` or ``webp``; what is unknown is PNG.
    """
    width, _, height = size.partition("x")
    pixels = [int(each) if each.isascii() and each.isdigit() else PICTURE_PIXELS for each in (width, height)]
    sides = (min(max(pixels[0], 16), MOST_PICTURE_PIXELS), min(max(pixels[1], 16), MOST_PICTURE_PIXELS))
    red, green, blue = blake2b(prompt.encode(), digest_size=3).digest()
    out = io.BytesIO()
    Image.new("RGB", sides, (red, green, blue)).save(out, _PICTURES.get(chosen, "PNG"))
    return out.getvalue()


@lru_cache(maxsize=16)
def _encoded(characters: int, chosen: str) -> bytes:
    container, codec, rate = _ENCODERS[chosen]
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = cast("AudioStream", file.add_stream(codec, rate=rate, layout="mono"))
        frame = AudioFrame.from_ndarray(_samples(characters * SOUND_BYTES_A_CHARACTER, rate), "s16", "mono")
        frame.sample_rate = rate
        for each in (frame, None):
            for packet in stream.encode(each):
                file.mux(packet)
    return out.getvalue()


def _samples(bytes_of_wave: int, rate: int) -> NDArray[np.int16]:
    count = bytes_of_wave * rate // RATE
    wave = 8000 * np.sin(np.arange(count) * (2 * np.pi * 220 / rate))
    samples: NDArray[np.int16] = wave.astype(np.int16)
    return samples[np.newaxis, :]
