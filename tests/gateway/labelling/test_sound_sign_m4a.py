"""A label to be heard in M4A files, whose packets stay as they are."""

from pathlib import Path

import av
import mutagen.mp4
import numpy as np
import pytest

from gateway.labelling.formats import read_file, write_label
from gateway.labelling.members import LabelError, Verdict
from gateway.labelling.sound_sign_m4a import write_m4a_sign
from gateway.protocol.labels import Position
from tests.gateway.labelling.pictures import MEMBERS
from tests.gateway.labelling.sounds import RHYTHM, decoded_rhythm, packets, samples, sound


def _m4a(path: Path, codec: str = "aac", layout: str = "mono", rate: int = 24_000) -> Path:
    """Write sound under the name of M4A, whose marks the library only writes for that name."""
    return sound(path.with_suffix(".m4a"), codec, rate, layout)


@pytest.mark.parametrize(("layout", "rate"), [("mono", 24_000), ("stereo", 44_100)])
def test_the_rhythm_is_decoded_and_every_packet_stays(tmp_path: Path, layout: str, rate: int) -> None:
    """With the title; the content decodes to what it was."""
    old, new = _m4a(tmp_path / "old", layout=layout, rate=rate), tmp_path / "new.m4a"
    write_label(old, new, MEMBERS, shown="内容由AI生成")

    assert read_file(new).reading.verdict is Verdict.IS
    assert mutagen.mp4.MP4(new)["\xa9nam"] == ["Kept"]
    own, whole = packets(old), packets(new)
    assert whole[-len(own) :] == own
    wave = samples(new)[0]
    parts = decoded_rhythm(wave[: 2 * rate], rate)
    at = next(number for number, (loud, _) in enumerate(parts) if loud)
    assert [units for _, units in parts[at : at + 7]] == pytest.approx(RHYTHM, abs=0.25)
    assert np.abs(wave).max() < 0.9
    with av.open(str(old)) as before, av.open(str(new)) as after:
        grown = (after.duration or 0) - (before.duration or 0)
    assert grown / 1e6 == pytest.approx((len(whole) - len(own)) * 1024 / rate, abs=0.05)


def test_a_second_label_is_not_made(tmp_path: Path) -> None:
    """The rhythm that is there is heard."""
    old = _m4a(tmp_path / "old")
    write_m4a_sign(old, tmp_path / "once.m4a")
    write_m4a_sign(tmp_path / "once.m4a", tmp_path / "twice.m4a")
    assert (tmp_path / "twice.m4a").read_bytes() == (tmp_path / "once.m4a").read_bytes() != old.read_bytes()


def test_what_cannot_take_a_label_says_why(tmp_path: Path) -> None:
    """Another codec, many channels, the end."""
    with pytest.raises(LabelError, match="not AAC of the usual kind"):
        write_m4a_sign(_m4a(tmp_path / "a", "alac"), tmp_path / "new.m4a")
    with pytest.raises(LabelError, match="not AAC of the usual kind"):
        write_m4a_sign(_m4a(tmp_path / "b", layout="5.1"), tmp_path / "new.m4a")
    with pytest.raises(LabelError, match="at the start"):
        write_m4a_sign(_m4a(tmp_path / "c"), tmp_path / "new.m4a", Position.END)
