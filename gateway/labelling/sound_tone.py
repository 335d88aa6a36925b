"""The label to be heard as a wave: the rhythm, or an operator's prompt; and how one that is there is recognised.

Source: GB 45438-2025 5.3: a rhythm of short-long, short-short, Morse for the letters A and I, clearly audible; at the
start before the content, at the end after it, never on top of it.
"""

from pathlib import Path

import numpy as np

from gateway.labelling import media
from gateway.labelling.media import Wave
from gateway.labelling.members import LabelError
from gateway.protocol.labels import Position

UNIT_SECONDS = 0.1
"""Length of a short sign; a long one is three, as is the pause between letters (ITU-R M.1677)."""
SILENCE_SECONDS = 0.4
_SIGNS = ((1, 3), (1, 1))
_LONG_UNITS = 3
_TONE_HERTZ = 880.0
_LEVEL = 0.5  # of full scale: 6 dB below it, louder than most speech and far from clipping
_RAMP_SECONDS = 0.008  # without it each sign begins and ends with a click over the whole spectrum

# A label is recognised by its loudness over time, which no codec changes much.
_HEARING_RATE = 8000
_STEP_SECONDS = 0.01
_SEARCHED_SECONDS = 0.5
_LIKE = 0.93
_LEAST_STEPS = 20


def rhythm_wave(rate: int) -> Wave:
    """Return the rhythm: short, long; pause; short, short.

    Args:
        rate: samples a second.
    """
    parts = []
    for number, letter in enumerate(_SIGNS):
        if number:
            parts.append(_pause(rate, _LONG_UNITS))
        for place, units in enumerate(letter):
            if place:
                parts.append(_pause(rate, 1))
            parts.append(_tone(rate, units))
    return np.concatenate(parts)


def sign_wave(rate: int, prompt: Path | None = None) -> Wave:
    """Return what is to be heard: the prompt, or the rhythm without one."""
    return rhythm_wave(rate) if prompt is None else media.prompt_wave(prompt, rate)


def silence(rate: int, seconds: float = SILENCE_SECONDS) -> Wave:
    """Return silence between label and content."""
    return np.zeros(round(seconds * rate))


def missing(path: Path, position: Position, prompt: Path | None = None) -> Position | None:
    """Return where a file still lacks a label, of the places asked for; None where it lacks none.

    The rhythm counts where a prompt is asked for, as well as the other way round does not: prompts are not known.

    Args:
        path: the file.
        position: start, end or both.
        prompt: what would be heard; None for the rhythm.

    Raises:
        LabelError: the prompt cannot be used, or the label is asked for in the interface alone.
    """
    if position is Position.INTERFACE:
        raise LabelError("a label in the interface alone is not part of a file; choose start, end or both")
    signs = [rhythm_wave(_HEARING_RATE)]
    signs += [] if prompt is None else [media.prompt_wave(prompt, _HEARING_RATE)]
    start = position is not Position.END and not any(_is_heard(path, each, "start") for each in signs)
    end = position is not Position.START and not any(_is_heard(path, each, "end") for each in signs)
    return {(True, True): Position.BOTH, (True, False): Position.START, (False, True): Position.END}.get((start, end))


def _is_heard(path: Path, sign: Wave, edge: str) -> bool:
    seconds = len(sign) / _HEARING_RATE + _SEARCHED_SECONDS
    try:
        wave = media.heard(path, _HEARING_RATE, seconds, "start" if edge == "start" else "end")
    except LabelError:
        return False  # what cannot be decoded is told by who writes
    return is_like(wave, sign)


def is_like(wave: Wave, sign: Wave) -> bool:
    """Tell whether a sign is in a wave, wherever it begins; both of 8000 samples a second."""
    found, wanted = _loudness(wave), _loudness(sign)
    if len(wanted) < _LEAST_STEPS:
        return False  # too short to be told from anything else
    wanted = wanted - wanted.mean()
    for lag in range(len(found) - len(wanted) + 1):
        part = found[lag : lag + len(wanted)]
        part = part - part.mean()
        size = float(np.linalg.norm(part) * np.linalg.norm(wanted))
        if size > 0.1 and float(part @ wanted) / size > _LIKE:  # noqa: PLR2004 silence is like nothing
            return True
    return False


def _loudness(wave: Wave) -> Wave:
    step = round(_STEP_SECONDS * _HEARING_RATE)
    loud: Wave = np.sqrt((wave[: len(wave) // step * step].reshape(-1, step) ** 2).mean(axis=1))
    return loud


def _pause(rate: int, units: int) -> Wave:
    return np.zeros(round(units * UNIT_SECONDS * rate))


def _tone(rate: int, units: int) -> Wave:
    count = round(units * UNIT_SECONDS * rate)
    places = np.arange(count) / rate
    ramp = np.minimum(1.0, np.minimum(places, places[::-1]) / _RAMP_SECONDS)
    wave: Wave = _LEVEL * ramp * np.sin(2 * np.pi * _TONE_HERTZ * places)
    return wave
