"""Signs in front of compressed sound, heard by decoding it again."""

import io
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.labelling.compressed import first_frame, write_sign
from gateway.labelling.members import LabelError
from gateway.standin.works import speak
from tests.media import MP3_FRAME, id3, wav

SIGN_SECONDS = 1.5  # the rhythm and the silence behind it


def heard(data: bytes, kind: str) -> tuple[NDArray[np.float64], int]:
    """Decode a sound to one channel."""
    with av.open(io.BytesIO(data), "r", format=kind) as file:
        stream = file.streams.audio[0]
        resampler = av.AudioResampler("dbl", "mono", stream.rate)
        frames = [each for frame in [*file.decode(stream), None] for each in resampler.resample(frame)]
        return np.concatenate([each.to_ndarray()[0] for each in frames]), stream.rate


def signs(samples: NDArray[np.float64], rate: int) -> list[float]:
    """Return lengths of sign, pause, sign, … in seconds, from the loud stretches of the beginning."""
    begun = samples[: round(SIGN_SECONDS * rate)]
    # Loudness over 5 ms: a tone passes through zero too.
    width = rate // 200
    loud = np.convolve(np.abs(begun), np.ones(width) / width, "same") > 0.1
    edges = np.flatnonzero(np.diff(loud.astype(np.int8)))
    return [round(float(each) / rate, 1) for each in np.diff(edges)]


def signed(path: Path, data: bytes, kind: str, prompt: Path | None = None) -> bytes:
    """Put a sign in front of a sound."""
    source, target = path / "given", path / "signed"
    source.write_bytes(data)
    write_sign(source, target, kind, prompt)
    return target.read_bytes()


@pytest.mark.parametrize(
    ("chosen", "kind", "container"), [("mp3", "MP3", "mp3"), ("flac", "FLAC", "flac"), ("opus", "OGG", "ogg")]
)
def test_the_rhythm_is_heard_in_front_of_the_sound(tmp_path: Path, chosen: str, kind: str, container: str) -> None:
    """Short, long; short, short; then the sound, as long as it was."""
    data = b"".join(speak(20, chosen))
    samples, rate = heard(signed(tmp_path, data, kind), container)
    own, own_rate = heard(data, container)
    assert rate == own_rate
    assert signs(samples, rate) == [0.1, 0.1, 0.3, 0.3, 0.1, 0.1, 0.1]
    assert len(samples) - len(own) == pytest.approx(SIGN_SECONDS * rate, abs=0.15 * rate)
    assert np.abs(samples).max() < 0.99


def test_frames_of_mp3_stay_as_they_are(tmp_path: Path) -> None:
    """Behind the tag and the sign, but for the frame that told how many there are."""
    data = b"".join(speak(20, "mp3"))
    labelled = signed(tmp_path, data, "MP3")
    first = first_frame(data)
    assert b"Info" in data[first.at : first.at + first.size]
    assert labelled.endswith(data[first.at + first.size :])
    tag = id3(4, padding=30)
    assert signed(tmp_path, tag + data[first.at :], "MP3").startswith(tag + b"\xff")


def test_flac_loses_nothing(tmp_path: Path) -> None:
    """Sample for sample, behind the sign."""
    data = b"".join(speak(20, "flac"))
    samples, _ = heard(signed(tmp_path, data, "FLAC"), "flac")
    own, _ = heard(data, "flac")
    assert np.array_equal(samples[-len(own) :], own)


@pytest.mark.parametrize(("chosen", "kind"), [("mp3", "MP3"), ("flac", "FLAC"), ("opus", "OGG")])
def test_a_voice_is_heard_in_place_of_the_rhythm(tmp_path: Path, chosen: str, kind: str) -> None:
    """In the rate and channels of the sound, whatever its own are."""
    prompt = tmp_path / "prompt.wav"
    wave = (20000 * np.sin(np.arange(8000) * 0.5)).astype("<i2")
    prompt.write_bytes(wav(samples=wave.tobytes()))
    container = {"OGG": "ogg"}.get(kind, chosen)
    data = b"".join(speak(20, chosen))
    samples, rate = heard(signed(tmp_path, data, kind, prompt), container)
    own, _ = heard(data, container)
    assert len(samples) - len(own) == pytest.approx(1.4 * rate, abs=0.15 * rate)
    assert np.abs(samples[rate // 4 : rate // 2]).max() > 0.4


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("MP3", b""),
        ("MP3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f"),
        ("MP3", b"\xff\xfb\xf0\x64" * 30),
        ("MP3", b"\xff" * 100_000),
        ("FLAC", b"fLaC" + bytes(200)),
        ("OGG", b"OggS" + bytes(200)),
        ("OGG", b"#EXTM3U\nhttp://127.0.0.1:9/a.ogg\n"),
        ("FLAC", MP3_FRAME),
    ],
)
def test_what_is_damaged_is_refused(tmp_path: Path, kind: str, data: bytes) -> None:
    """With a reason, and never by following an address."""
    with pytest.raises(LabelError):
        signed(tmp_path, data, kind)


def test_long_sound_is_not_encoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence packs into next to nothing."""
    monkeypatch.setattr("gateway.labelling.compressed.MOST_SECONDS", 0)
    with pytest.raises(LabelError, match="longer"):
        signed(tmp_path, b"".join(speak(2, "flac")), "FLAC")
