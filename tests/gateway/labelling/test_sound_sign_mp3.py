"""A label to be heard in MP3 files, without encoding a frame of theirs again."""

from pathlib import Path
from typing import Any

import mutagen.mp3
import numpy as np
import pytest

from gateway.labelling import media
from gateway.labelling.formats import Heard, read_file, write_label
from gateway.labelling.members import LabelError, Verdict
from gateway.labelling.sound_sign_mp3 import write_mp3_sign
from gateway.protocol.labels import Position
from tests.gateway.labelling.pictures import MEMBERS
from tests.gateway.labelling.sounds import RHYTHM, decoded_rhythm, samples, sound

_KINDS: dict[str, dict[str, Any]] = {
    "speech": {"rate": 24_000, "b": "64000"},
    "stereo": {"rate": 44_100, "layout": "stereo", "b": "128000"},
    "high": {"rate": 48_000, "layout": "stereo", "b": "320000"},
    "low": {"rate": 8_000, "b": "8000"},
    "variable": {"rate": 44_100, "layout": "stereo", "flags": "+qscale", "global_quality": "354"},
    "unjoined": {"rate": 16_000, "b": "48000", "joint_stereo": "0", "layout": "stereo"},
}


def _place(found: Any, own: Any) -> int:  # noqa: ANN401 arrays
    """Return where samples from a second's middle on are found again."""
    middle = len(own[0]) // 2
    first = np.flatnonzero(found[0] == own[0][middle])
    return next(
        int(at) - middle for at in first if np.array_equal(found[0][at : at + 99], own[0][middle : middle + 99])
    )


@pytest.mark.parametrize(
    ("kind", "position"),
    [("speech", Position.START), ("speech", Position.END), *((kind, Position.BOTH) for kind in _KINDS)],
)
def test_the_rhythm_is_decoded_and_every_own_sample_stays(tmp_path: Path, kind: str, position: Position) -> None:
    """Durations and gaps by a decoder of others; no clipping; the content decodes to what it was."""
    old = sound(tmp_path / "old.mp3", "libmp3lame", **_KINDS[kind])
    new, rate = tmp_path / "new.mp3", int(_KINDS[kind]["rate"])
    write_mp3_sign(old, new, position)

    before, after = samples(old), samples(new)
    place = _place(after, before)
    assert np.array_equal(after[:, place : place + before.shape[1]], before)
    assert np.abs(after).max() < 0.9
    for edge in {Position.BOTH: ("start", "end")}.get(position, (position.value,)):
        for channel in after[:, :place] if edge == "start" else after[:, place + before.shape[1] :]:
            parts = decoded_rhythm(channel, rate)
            at = next(number for number, (loud, _) in enumerate(parts) if loud and parts[number - 1][1] > 0.5)
            assert [units for _, units in parts[at : at + 7]] == pytest.approx(RHYTHM, abs=0.15)
            assert parts[at + 7 if edge == "start" else at - 1][1] > 3.5


def _seconds(path: Path) -> float:
    return float(mutagen.mp3.MP3(path).info.length)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["speech", "variable"])
def test_length_and_places_are_told_anew(tmp_path: Path, kind: str) -> None:
    """By the index players read: frames, bytes, and the sums of the LAME tag."""
    old = sound(tmp_path / "old.mp3", "libmp3lame", **_KINDS[kind])
    write_mp3_sign(old, tmp_path / "new.mp3", Position.BOTH)
    before, after = (_seconds(path) for path in (old, tmp_path / "new.mp3"))
    own, whole = samples(old).shape[1], samples(tmp_path / "new.mp3").shape[1]
    assert after - before == pytest.approx((whole - own) / int(_KINDS[kind]["rate"]))


def test_a_second_label_is_not_made(tmp_path: Path) -> None:
    """The rhythm is heard at either end; what is missing of both is added."""
    old = sound(tmp_path / "old.mp3", "libmp3lame")
    once, twice, both = (tmp_path / f"{name}.mp3" for name in ("once", "twice", "both"))
    write_mp3_sign(old, once)
    write_mp3_sign(once, twice)
    assert twice.read_bytes() == once.read_bytes()
    write_mp3_sign(once, both, Position.BOTH)
    write_mp3_sign(both, twice, Position.BOTH)
    assert twice.read_bytes() == both.read_bytes()
    assert samples(both).shape[1] > samples(once).shape[1]


def test_an_operators_prompt_is_heard_once(tmp_path: Path) -> None:
    """Any sound file; converted to the rate and channels of the file."""
    swell = np.sin(np.arange(24_000) / 5) * np.abs(np.sin(np.arange(24_000) / 3000)) * 0.8
    prompt, old, new = (tmp_path / name for name in ("prompt.mp3", "old.mp3", "new.mp3"))
    prompt.write_bytes(b"".join(media.encoded(swell, "libmp3lame", 24_000, 1, {"b": "64000"})))
    sound(old, "libmp3lame", 44_100, "stereo")
    write_label(old, new, MEMBERS, shown="内容由AI生成", heard=Heard(prompt=prompt))
    assert read_file(new).reading.verdict is Verdict.IS
    assert np.abs(samples(new)).max() > 0.6
    length = samples(new).shape[1]
    write_label(new, new, MEMBERS, shown="内容由AI生成", heard=Heard(prompt=prompt))
    assert samples(new).shape[1] == length > samples(old).shape[1] + 44_100


def test_tags_at_the_end_stay_there(tmp_path: Path) -> None:
    """ID3v1 and APE follow the last frame."""
    ape = b"APETAGEX" + (2000).to_bytes(4, "little") + (32).to_bytes(4, "little") + bytes(16)
    old = sound(tmp_path / "old.mp3", "libmp3lame", write_id3v1="0")
    old.write_bytes(old.read_bytes() + ape + b"TAG" + bytes(125))
    write_mp3_sign(old, tmp_path / "new.mp3", Position.END)
    assert (tmp_path / "new.mp3").read_bytes().endswith(ape + b"TAG" + bytes(125))


def test_what_cannot_take_a_label_says_why(tmp_path: Path) -> None:
    """No frames; a beginning in the middle of a sound; an index of another kind; a silent prompt."""
    old = sound(tmp_path / "old.mp3", "libmp3lame", 44_100, "stereo", b="128000")
    data = old.read_bytes()
    frames = [at for at in range(len(data) - 4) if data[at : at + 2] == b"\xff\xfb"]
    for content, problem in (
        (data[frames[8] :], "middle of a sound"),
        (b"\0" * 5000, "no MP3 frames"),
        (data[frames[0] :][:36] + b"VBRI" + data[frames[0] + 40 :], "VBRI"),
    ):
        old_path = tmp_path / "bad.mp3"
        old_path.write_bytes(content)
        with pytest.raises(LabelError, match=problem):
            write_mp3_sign(old_path, tmp_path / "new.mp3")
    silent = tmp_path / "silent.mp3"
    silent.write_bytes(b"".join(media.encoded(np.zeros(9000), "libmp3lame", 24_000, 1, {})))
    with pytest.raises(LabelError, match="silent"):
        write_mp3_sign(old, tmp_path / "new.mp3", prompt=silent)
