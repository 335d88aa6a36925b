"""The rhythm is heard as it should be, and the sound beside it is what it was."""

import struct
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.labelling.members import LabelError
from gateway.labelling.sound_sign import write_sign
from gateway.labelling.sound_tone import UNIT_SECONDS
from gateway.labelling.sound_wav import WAV
from gateway.protocol.labels import Position
from tests.gateway.labelling.sounds import sound
from tests.media import chunk, wav

_RATE = 8000
_FORMS = [(1, 8, 1), (1, 16, 1), (1, 16, 2), (1, 24, 2), (1, 32, 6), (3, 32, 2), (3, 64, 1)]
# Short long, short short: how long each sound and each silence between is, in units.
_RHYTHM = [1, 1, 3, 3, 1, 1, 1]


def _form(kind: int, bits: int, channels: int, rate: int = _RATE) -> bytes:
    block = channels * bits // 8
    return struct.pack("<HHIIHH", kind, channels, rate, rate * block, block, bits)


def _samples(data: bytes, kind: int, bits: int, channels: int) -> NDArray[np.float64]:
    """Return samples by channel, full scale being 1."""
    if kind == 3:
        flat = np.frombuffer(data, f"<f{bits // 8}").astype(float)
    elif bits == 8:
        flat = (np.frombuffer(data, np.uint8).astype(float) - 128) / 128
    else:
        wide = np.zeros((len(data) * 8 // bits, 4), np.uint8)
        wide[:, 4 - bits // 8 :] = np.frombuffer(data, np.uint8).reshape(-1, bits // 8)
        flat = wide.view("<i4").ravel() / 2**31
    return flat.reshape(-1, channels).T


def _decoded(sound: NDArray[np.float64]) -> list[tuple[bool, float]]:
    """Return sounds and silences in order, each with its length in seconds."""
    # The loudest within five milliseconds: a tone passes through zero, and is no silence there.
    window = round(0.005 * _RATE)
    loud = np.abs(sound[: len(sound) // window * window]).reshape(-1, window).max(axis=1) > 0.05
    return [(bool(heard), len(list(group)) * window / _RATE) for heard, group in groupby(loud)]


@pytest.mark.parametrize(("kind", "bits", "channels"), _FORMS)
def test_the_rhythm_is_decoded_from_the_samples(tmp_path: Path, kind: int, bits: int, channels: int) -> None:
    """Short long, short short, in every channel, by length and gap; loud enough and without clipping."""
    old, new = tmp_path / "old.wav", tmp_path / "new.wav"
    silence = (b"\x80" if bits == 8 else bytes(bits // 8)) * channels * _RATE
    old.write_bytes(wav(samples=silence, form=_form(kind, bits, channels)))

    write_sign(old, new, Position.START)

    data = b"".join(WAV.content(new) if WAV.content else ())
    assert data.endswith(silence)
    for wave in _samples(data, kind, bits, channels):
        parts = _decoded(wave)[: len(_RHYTHM)]
        assert [heard for heard, _ in parts] == [True, False] * 3 + [True]
        assert [seconds / UNIT_SECONDS for _, seconds in parts] == pytest.approx(_RHYTHM, abs=0.15)
        assert 0.3 < np.abs(wave).max() < 0.9
        # No click: nothing jumps by more than the tone itself moves between two samples.
        assert np.abs(np.diff(wave)).max() < 0.5


@pytest.mark.parametrize(
    ("position", "edges"), [(Position.START, (1, 0)), (Position.END, (0, 1)), (Position.BOTH, (1, 1))]
)
def test_the_sign_stands_beside_the_sound_and_never_on_it(
    tmp_path: Path, position: Position, edges: tuple[int, int]
) -> None:
    """Before, behind or both; with silence between; the file's own samples stay whole, and sizes add up."""
    old, new, own = tmp_path / "old.wav", tmp_path / "new.wav", bytes(range(1, 201))
    old.write_bytes(wav(chunk(b"LIST", b"kept"), chunk(b"AIGC", b"{}"), samples=own))

    write_sign(old, new, position)

    written = new.read_bytes()
    data = b"".join(WAV.content(new) if WAV.content else ())
    sign = (len(data) - len(own)) // sum(edges)
    at = sign * edges[0]
    assert data[at : at + len(own)] == own
    for edge in (data[:at][-2000:], data[at + len(own) :][:2000]):
        assert edge == bytes(len(edge))
    assert struct.unpack("<I", written[4:8])[0] == len(written) - 8
    assert written.endswith(chunk(b"LIST", b"kept") + chunk(b"AIGC", b"{}"))


def test_a_prompt_is_taken_as_it_is(tmp_path: Path) -> None:
    """An operator's recorded words stand where the rhythm would."""
    old, new, prompt = (tmp_path / name for name in ("old.wav", "new.wav", "prompt.wav"))
    old.write_bytes(wav())
    prompt.write_bytes(wav(samples=b"spoken words"))
    write_sign(old, new, Position.START, prompt)
    assert b"".join(WAV.content(new) if WAV.content else ()).startswith(b"spoken words" + bytes(100))


def test_a_prompt_of_another_form_is_converted(tmp_path: Path) -> None:
    """Here stereo of 16 bits at another rate, compressed; into one channel of eight."""
    old, new, prompt = tmp_path / "old.wav", tmp_path / "new.wav", tmp_path / "prompt.mp3"
    old.write_bytes(wav(samples=b"\x80" * _RATE, form=_form(1, 8, 1)))
    sound(prompt, "libmp3lame", 44_100, "stereo")
    write_sign(old, new, Position.START, prompt)
    data = np.frombuffer(b"".join(WAV.content(new) if WAV.content else ()), np.uint8).astype(int)
    assert len(data) > 2 * _RATE
    assert np.abs(data[_RATE // 4 : _RATE // 2] - 128).max() > 10


def test_a_second_label_is_not_made(tmp_path: Path) -> None:
    """What is heard at the start is not put there again."""
    old, new = tmp_path / "old.wav", tmp_path / "new.wav"
    old.write_bytes(wav(samples=bytes(2 * _RATE), form=_form(1, 16, 1)))
    write_sign(old, new, None)
    once = new.read_bytes()
    write_sign(new, old, None)
    assert old.read_bytes() == once != b""


def test_marks_in_the_sound_keep_their_places(tmp_path: Path) -> None:
    """Where something happens at a certain sample, the sign goes to the end."""
    old, new = tmp_path / "old.wav", tmp_path / "new.wav"
    old.write_bytes(wav(chunk(b"cue ", bytes(4))))
    write_sign(old, new, None)
    assert b"".join(WAV.content(new) if WAV.content else ()).startswith(bytes(range(200)))
    with pytest.raises(LabelError, match="marks"):
        write_sign(old, new, Position.START)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (wav(form=struct.pack("<HHIIHH", 7, 1, 8000, 8000, 1, 8)), "compressed"),
        (wav(form=struct.pack("<HHIIHH", 1, 0, 8000, 8000, 0, 16)), "makes no sense"),
        (wav(form=struct.pack("<HHIIHH", 1, 1, 4_000_000_000, 0, 2, 16)), "makes no sense"),
        (wav(samples=bytes(3)), "middle of a sample"),
        (wav(form=b""), "how its samples"),
    ],
)
def test_what_cannot_take_a_sign_says_why(tmp_path: Path, data: bytes, reason: str) -> None:
    """Nothing is put beside samples that are not understood."""
    old = tmp_path / "old.wav"
    old.write_bytes(data)
    with pytest.raises(LabelError, match=reason):
        write_sign(old, tmp_path / "new.wav", Position.BOTH)


def test_interface_is_no_place_in_a_file(tmp_path: Path) -> None:
    """It is for who shows the file."""
    (tmp_path / "a.wav").write_bytes(wav())
    with pytest.raises(LabelError, match="interface"):
        write_sign(tmp_path / "a.wav", tmp_path / "b.wav", Position.INTERFACE)
