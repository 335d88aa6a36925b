"""Decoding and encoding of sound, by PyAV: FFmpeg's libraries inside a Python package, never the system's.

Rules: the package is imported where it is needed, since it takes forty megabytes of memory and most gateways never
touch a sound; what it raises is told as `LabelError`; how much is decoded is bounded by the caller, in seconds.
"""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gateway.labelling.members import LabelError

Wave = NDArray[np.float64]
"""Samples of one channel, full scale is 1."""

MOST_PROMPT_SECONDS = 30.0
_MOST_CHUNK_SAMPLES = 1 << 20
# Files and nothing else: play lists, of which the library knows many, would have it open addresses in the net.
_OPENING = {
    "protocol_whitelist": "file",
    "format_whitelist": "aac,aiff,caf,flac,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,ogg,w64,wav",
}


def library() -> Any:  # noqa: ANN401 a module
    """Return the library.

    Raises:
        LabelError: it is not installed.
    """
    try:
        return importlib.import_module("av")
    except ImportError as exc:
        raise LabelError(
            "sound and films are encoded with PyAV, which is not installed: install the package av"
        ) from exc


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Tell errors of the library as errors of a file.

    Args:
        what: begins the message, such as ``the prompt``.

    Raises:
        LabelError: in place of the library's error.
    """
    library()
    try:
        yield
    # An error of a codec is an OSError or ValueError of its own kind; that of a disk has another one.
    except (
        OSError,
        ValueError,
        RuntimeError,
        EOFError,
        LookupError,
        ArithmeticError,
        TypeError,
        AttributeError,
    ) as exc:
        if isinstance(exc, OSError) and not hasattr(exc, "log"):
            raise
        raise LabelError(f"{what} cannot be decoded or encoded: {exc}") from exc


def opened(path: Path) -> Any:  # noqa: ANN401 of the library
    """Return a file of sound or film, open for reading.

    Args:
        path: where it is.
    """
    # From the root, since the library takes what stands in front of a colon for a protocol.
    return library().open(str(path.absolute()), options=_OPENING)


def encoded(wave: Wave, codec: str, rate: int, channels: int, options: Mapping[str, str]) -> list[bytes]:
    """Return a sound as packets of a codec.

    Args:
        wave: what is heard in each channel.
        codec: name of the encoder.
        rate: samples a second.
        channels: one or two.
        options: of the encoder; ``b`` is bits a second.

    Raises:
        LabelError: the encoder is missing, or does not take this.
    """
    av = library()
    with translated("the label to be heard"):
        context = av.CodecContext.create(codec, "w")
        context.sample_rate, context.layout = rate, "mono" if channels == 1 else "stereo"
        context.format = context.codec.audio_formats[-1] if codec != "libmp3lame" else "s16p"
        context.options = dict(options)
        context.open()
        packets: list[bytes] = []
        size = context.frame_size
        for at in range(0, len(wave), size):
            part = np.pad(wave[at : at + size], (0, max(0, at + size - len(wave))))
            frame = av.AudioFrame.from_ndarray(
                _stored(part, context.format, channels), context.format.name, context.layout.name
            )
            frame.sample_rate, frame.pts = rate, at
            packets += [bytes(each) for each in context.encode(frame)]
        return packets + [bytes(each) for each in context.encode(None)]


def _stored(wave: Wave, form: Any, channels: int) -> NDArray[Any]:  # noqa: ANN401 of the library
    # Never beyond full scale: what is would be wrapped around by whole numbers and distorted by all others.
    limited = np.clip(wave, -1.0, 1.0)
    samples = limited.astype("<f4") if "flt" in form.name else np.round(limited * 32767).astype("<i2")
    return np.tile(samples, (channels, 1)) if form.is_planar else np.repeat(samples, channels)[None]


def heard(path: Path, rate: int, seconds: float, edge: Literal["start", "end"] = "start") -> Wave:
    """Return the first or last seconds of a file's sound, mixed to one channel.

    Args:
        path: any file with sound that the library knows.
        rate: samples a second of what is returned.
        seconds: how much at most.
        edge: which end of the file.

    Raises:
        LabelError: it has no sound that can be decoded.
    """
    av = library()
    with translated("the sound"), closing(opened(path)) as container:
        if not container.streams.audio:
            raise LabelError(f"{path.name} has no sound")
        stream = container.streams.audio[0]
        if edge == "end" and container.duration and container.duration / 1e6 > 2 * seconds:
            container.seek(int(container.duration - (seconds + 1.0) * 1e6), backward=True)
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        wanted, parts, held = round(seconds * rate), [], 0
        for frame in _frames(container, stream):
            for each in resampler.resample(frame):
                parts.append(each.to_ndarray().ravel().astype(float))
                held += len(parts[-1])
            if held >= wanted and edge == "start":
                break
            while parts and held - len(parts[0]) > wanted:
                held -= len(parts.pop(0))
        wave = np.concatenate([*parts, np.zeros(0)])
        return wave[:wanted] if edge == "start" else wave[-wanted:]


def _frames(container: Any, stream: Any) -> Iterator[Any]:  # noqa: ANN401 of the library
    for frame in container.decode(stream):
        frame.pts = None  # holes in the times are no silence in the sound
        if frame.samples > _MOST_CHUNK_SAMPLES:
            raise LabelError("the sound has frames longer than any codec makes")
        yield frame
    yield None


def prompt_wave(prompt: Path, rate: int) -> Wave:
    """Return an operator's prompt.

    Args:
        prompt: any sound file that the library knows.
        rate: samples a second of what is returned.

    Raises:
        LabelError: it is none, is silent or is too long.
    """
    wave = heard(prompt, rate, MOST_PROMPT_SECONDS + 1.0)
    if len(wave) > MOST_PROMPT_SECONDS * rate:
        raise LabelError(f"the prompt is longer than {MOST_PROMPT_SECONDS:.0f} seconds")
    if not len(wave) or np.abs(wave).max() < 0.01:  # noqa: PLR2004 40 dB below full scale
        raise LabelError("the prompt is silent")
    return wave
