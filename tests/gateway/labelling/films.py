"""Films for tests of labels people see, encoded here."""

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 12
SIZE = (192, 128)


def film(
    path: Path,
    codec: str = "libx264",
    seconds: float = 4.0,
    sound: str = "",
    form: str = "yuv420p",
    times: list[int] | None = None,
    **options: str,
) -> Path:
    """Write a film of moving colours with a title, a key picture each second, and sound of a codec, if any."""
    muxing = {"movflags": options.pop("movflags")} if "movflags" in options else {}
    with av.open(str(path), "w", options=muxing) as container:
        container.metadata["title"] = "Kept"
        stream: Any = container.add_stream(codec, rate=RATE, options={"g": str(RATE), **options})
        stream.width, stream.height = SIZE
        stream.pix_fmt = form
        stream.codec_context.time_base = Fraction(1, RATE * 10)
        voice: Any = container.add_stream(sound, rate=48_000, layout="mono") if sound else None
        rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
        for number in range(round(seconds * RATE)):
            channels = (rows + 9 * number, columns + 5 * number, rows + columns + number * 20)
            picture = np.stack([each % 256 for each in channels], axis=-1).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=form)
            frame.pts, frame.time_base = (times[number] if times else number * 10), Fraction(1, RATE * 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if voice:
            _speak(container, voice, seconds)
    return path


def _speak(container: Any, voice: Any, seconds: float) -> None:  # noqa: ANN401 of the library
    context = voice.codec_context
    wave = np.sin(np.arange(round(seconds * 48_000)) / 20).astype("<f4")[None]
    frame = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
    frame.sample_rate = 48_000
    for each in av.AudioResampler(context.format, "mono", 48_000).resample(frame):
        container.mux(voice.encode(each))
    container.mux(voice.encode(None))


def packets(path: Path, kind: str = "video") -> list[tuple[int, str]]:
    """Return time in milliseconds and digest of each packet of a track, in the order of the file."""
    with av.open(str(path)) as container:
        stream = next(each for each in container.streams if each.type == kind)
        return [
            (round(1000 * each.pts * each.time_base), hashlib.sha256(bytes(each)).hexdigest())
            for each in container.demux(stream)
            if each.size and each.pts is not None
        ]


def pictures(path: Path) -> list[tuple[float, Any]]:
    """Return each picture with its time in seconds."""
    with av.open(str(path)) as container:
        return [(float(each.time or 0), each.to_ndarray(format="gray8")) for each in container.decode(video=0)]
