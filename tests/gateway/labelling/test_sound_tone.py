"""The rhythm, and how a label that is there is recognised."""

from pathlib import Path

import numpy as np
import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.sound_tone import UNIT_SECONDS, is_like, missing, rhythm_wave, silence
from gateway.protocol.labels import Position
from tests.gateway.labelling.sounds import RHYTHM, decoded_rhythm
from tests.media import wav

_RATE = 8000


def test_rhythm_is_short_long_short_short() -> None:
    """Morse for A and I, in units of a tenth of a second."""
    parts = decoded_rhythm(rhythm_wave(_RATE), _RATE)
    assert [units for _, units in parts] == pytest.approx(RHYTHM, abs=0.15)
    assert UNIT_SECONDS == 0.1


@pytest.mark.parametrize(
    ("factor", "noise", "lag", "like"), [(1.0, 0.0, 0.0, True), (0.2, 0.01, 0.3, True), (0.0, 0.3, 0.0, False)]
)
def test_rhythm_is_recognised_by_its_loudness(factor: float, noise: float, lag: float, *, like: bool) -> None:
    """Louder or softer, later, with the noise a codec makes; noise alone is none."""
    sign = rhythm_wave(_RATE)
    wave = np.concatenate((silence(_RATE, lag), factor * sign, silence(_RATE, 0.2)))
    wave = wave + noise * np.random.default_rng(1).standard_normal(len(wave))
    assert is_like(wave, sign) is like


def test_other_sounds_are_not_taken_for_it() -> None:
    """Four beeps of one length, silence, and speech-like swells."""
    sign, rng = rhythm_wave(_RATE), np.random.default_rng(2)
    beeps = np.tile(np.concatenate((0.5 * np.sin(np.arange(_RATE // 5)), np.zeros(_RATE // 5))), 4)
    assert not is_like(beeps, sign)
    assert not is_like(np.zeros(2 * _RATE), sign)
    for _ in range(50):
        swells = np.repeat(rng.uniform(0, 1, 20), _RATE // 10) * rng.standard_normal(2 * _RATE)
        assert not is_like(swells, sign)


def test_label_in_the_interface_is_no_part_of_a_file(tmp_path: Path) -> None:
    """And what cannot be decoded has no label that could be heard."""
    with pytest.raises(LabelError, match="interface"):
        missing(tmp_path, Position.INTERFACE)
    (tmp_path / "a.wav").write_bytes(wav()[:60])
    assert missing(tmp_path / "a.wav", Position.BOTH) is Position.BOTH
