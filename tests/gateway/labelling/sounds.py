"""Sounds for tests of labels to be heard, encoded here, and what is heard of them."""

from itertools import groupby
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

RHYTHM = [1, 1, 3, 3, 1, 1, 1]
"""Sounds and silences of the letters A and I, in units."""


def sound(
    path: Path, codec: str, rate: int = 24_000, layout: str = "mono", seconds: float = 1.0, **options: str
) -> Path:
    """Write noise of a codec, below the label's loudness; return its path."""
    noise = np.random.default_rng(1).uniform(-0.2, 0.2, round(rate * seconds))
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Kept"
        stream: Any = container.add_stream(codec, rate=rate, layout=layout, options=options)
        form = stream.codec_context.format
        kind = {"s16": "<i2", "s32": "<i4"}.get(form.name.rstrip("p"), "<f4")
        scale = 1.0 if kind == "<f4" else float(np.iinfo(kind).max)
        wave = (noise * scale).astype(kind)
        channels = stream.codec_context.layout.nb_channels
        data = np.tile(wave, (channels, 1)) if form.is_planar else np.repeat(wave, channels)[None]
        frame = av.AudioFrame.from_ndarray(data, form.name, layout)
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path


def samples(path: Path) -> NDArray[Any]:
    """Return everything that is decoded, one row a channel."""
    with av.open(str(path)) as container:
        # Also what a player leaves out at the ends.
        container.streams.audio[0].codec_context.flags2 |= av.codec.context.Flags2.skip_manual
        frames = [each.to_ndarray() for each in container.decode(audio=0)]
        channels = container.streams.audio[0].codec_context.layout.nb_channels
    data = np.concatenate(frames, axis=1)
    return data if len(data) == channels else data.reshape(-1, channels).T


def packets(path: Path) -> list[bytes]:
    """Return what is encoded."""
    with av.open(str(path)) as container:
        return [bytes(each) for each in container.demux(audio=0) if each.size]


def decoded_rhythm(wave: NDArray[Any], rate: int) -> list[tuple[bool, float]]:
    """Return sounds and silences in order, each with its length in units."""
    # The loudest within five milliseconds: a tone passes through zero, and is no silence there.
    window = round(0.005 * rate)
    loud = np.abs(wave[: len(wave) // window * window]).reshape(-1, window).max(axis=1) > 0.05
    return [(bool(heard), len(list(group)) * window / rate / 0.1) for heard, group in groupby(loud)]
