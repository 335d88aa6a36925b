"""Decoding and encoding of sound."""

from pathlib import Path

import numpy as np
import pytest

from gateway.labelling import media
from gateway.labelling.members import LabelError
from tests.gateway.labelling.sounds import sound


def test_what_is_encoded_is_never_beyond_full_scale(tmp_path: Path) -> None:
    """Whole numbers would wrap around to the other side."""
    loud = 3.0 * np.sin(np.arange(24_000) / 20)
    path = tmp_path / "a.mp3"
    path.write_bytes(b"".join(media.encoded(loud, "libmp3lame", 24_000, 1, {"b": "96000"})))
    wave = media.heard(path, 24_000, 2.0)
    assert np.abs(np.diff(wave)).max() < 0.4


@pytest.mark.parametrize("edge", ["start", "end"])
def test_no_more_is_decoded_than_asked_for(tmp_path: Path, edge: str) -> None:
    """One channel at the rate asked for."""
    path = sound(tmp_path / "a.flac", "flac", 44_100, "stereo", seconds=3)
    assert len(media.heard(path, 8000, 1.0, "end" if edge == "end" else "start")) == 8000


def test_errors_of_the_library_are_told(tmp_path: Path) -> None:
    """As errors of the file; a disk's stay what they are."""
    (tmp_path / "a.mp3").write_bytes(b"nothing")
    with pytest.raises(LabelError, match="cannot be decoded"):
        media.heard(tmp_path / "a.mp3", 8000, 1.0)
    with pytest.raises(LabelError, match="cannot be decoded"):
        media.encoded(np.zeros(9), "libmp3lame", 12_345, 1, {})
    with pytest.raises(LabelError, match="longer than 30 seconds"):
        media.prompt_wave(sound(tmp_path / "long.flac", "flac", 8000, seconds=31), 8000)


def test_play_lists_are_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a name taken for an address."""
    noise = sound(tmp_path / "a.mp3", "libmp3lame")
    (tmp_path / "list.mp3").write_text(f"ffconcat version 1.0\nfile {noise.name}\n", "ascii")
    with pytest.raises(LabelError, match="cannot be decoded"):
        media.heard(tmp_path / "list.mp3", 8000, 1.0)
    noise.rename(tmp_path / "http:a.mp3")
    monkeypatch.chdir(tmp_path)
    assert len(media.heard(Path("http:a.mp3"), 8000, 0.5)) == 4000


def test_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name of the package."""
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(LabelError, match="install the package av"):
        media.library()
