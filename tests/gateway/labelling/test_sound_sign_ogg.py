"""A label to be heard in Opus files, whose packets stay as they are."""

from pathlib import Path

import mutagen.oggopus
import numpy as np
import pytest

from gateway.labelling.formats import read_file, write_label
from gateway.labelling.members import LabelError, Verdict
from gateway.labelling.sound_sign_ogg import write_ogg_sign
from gateway.protocol.labels import Position
from tests.gateway.labelling.pictures import MEMBERS
from tests.gateway.labelling.sounds import RHYTHM, decoded_rhythm, packets, samples, sound


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_the_rhythm_is_decoded_and_every_packet_stays(tmp_path: Path, layout: str) -> None:
    """By a decoder of others; the length grows by the label."""
    old, new = sound(tmp_path / "old.opus", "libopus", 48_000, layout), tmp_path / "new.opus"
    write_label(old, new, MEMBERS, shown="内容由AI生成")

    assert read_file(new).reading.verdict is Verdict.IS
    own, whole = packets(old), packets(new)
    assert whole[-len(own) :] == own
    wave = samples(new)[0]
    parts = decoded_rhythm(wave[: 48_000 * 2], 48_000)
    at = next(number for number, (loud, _) in enumerate(parts) if loud)
    assert [units for _, units in parts[at : at + 7]] == pytest.approx(RHYTHM, abs=0.2)
    assert np.abs(wave).max() < 0.9
    grown = mutagen.oggopus.OggOpus(new).info.length - mutagen.oggopus.OggOpus(old).info.length  # type: ignore[attr-defined]
    assert grown == pytest.approx((len(whole) - len(own)) * 0.02)


def test_a_second_label_is_not_made(tmp_path: Path) -> None:
    """The rhythm that is there is heard."""
    old = sound(tmp_path / "old.opus", "libopus", 48_000)
    write_ogg_sign(old, tmp_path / "once.opus")
    write_ogg_sign(tmp_path / "once.opus", tmp_path / "twice.opus")
    assert (tmp_path / "twice.opus").read_bytes() == (tmp_path / "once.opus").read_bytes() != old.read_bytes()


def test_what_cannot_take_a_label_says_why(tmp_path: Path) -> None:
    """Vorbis, many channels, several streams, the end."""
    new = tmp_path / "new.ogg"
    opus = sound(tmp_path / "a.opus", "libopus", 48_000)
    opus.write_bytes(opus.read_bytes().replace(b"OpusHead\x01", b"\x7fFLAC\x01\0\0\x01"))
    with pytest.raises(LabelError, match="Vorbis or FLAC"):
        write_ogg_sign(opus, new)
    with pytest.raises(LabelError, match="more than two channels"):
        write_ogg_sign(sound(tmp_path / "b.opus", "libopus", 48_000, "5.1"), new)
    old = sound(tmp_path / "c.opus", "libopus", 48_000)
    with pytest.raises(LabelError, match="at the start"):
        write_ogg_sign(old, new, Position.END)
    old.write_bytes(old.read_bytes() * 2)
    with pytest.raises(LabelError, match="several streams"):
        write_ogg_sign(old, new)
