"""A label to be heard in FLAC files, whose samples stay what they are."""

from pathlib import Path

import mutagen.flac
import numpy as np
import pytest

from gateway.labelling.formats import Heard, read_file, write_label
from gateway.labelling.members import LabelError, Verdict
from gateway.labelling.sound_sign_flac import write_flac_sign
from gateway.protocol.labels import Position
from tests.gateway.labelling.pictures import MEMBERS
from tests.gateway.labelling.sounds import RHYTHM, decoded_rhythm, samples, sound


@pytest.mark.parametrize(("options", "bits"), [({}, 16), ({"layout": "stereo", "bits_per_raw_sample": "24"}, 24)])
@pytest.mark.parametrize("position", [Position.START, Position.BOTH])
def test_the_rhythm_is_decoded_and_every_sample_stays(
    tmp_path: Path, options: dict[str, str], bits: int, position: Position
) -> None:
    """Title, depth, and samples by number; the digest of all of them is new."""
    old, new = sound(tmp_path / "old.flac", "flac", **options), tmp_path / "new.flac"  # type: ignore[arg-type]
    write_label(old, new, MEMBERS, shown="内容由AI生成", heard=Heard(position))

    assert read_file(new).reading.verdict is Verdict.IS
    own, whole = samples(old), samples(new)
    place = round(1.5 * 24_000)
    assert np.array_equal(whole[:, place : place + own.shape[1]], own)
    assert whole.shape[1] == own.shape[1] + place * (2 if position is Position.BOTH else 1)
    parts = decoded_rhythm(whole[0] / np.iinfo(whole.dtype).max, 24_000)
    assert [units for _, units in parts[:7]] == pytest.approx(RHYTHM, abs=0.15)
    said = mutagen.flac.FLAC(new)
    assert said["title"] == ["Kept"]
    assert said.info.bits_per_sample == mutagen.flac.FLAC(old).info.bits_per_sample
    assert said.info.total_samples == whole.shape[1]
    assert said.info.md5_signature != 0


def test_a_second_label_is_not_made(tmp_path: Path) -> None:
    """The rhythm that is there is heard."""
    old = sound(tmp_path / "old.flac", "flac")
    write_flac_sign(old, tmp_path / "once.flac")
    write_flac_sign(tmp_path / "once.flac", tmp_path / "twice.flac")
    assert (tmp_path / "twice.flac").read_bytes() == (tmp_path / "once.flac").read_bytes() != old.read_bytes()


def test_damaged_sound_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    """Also not the file in between."""
    old = sound(tmp_path / "old.flac", "flac")
    old.write_bytes(old.read_bytes()[:200] + bytes(500))
    with pytest.raises(LabelError):
        write_flac_sign(old, tmp_path / "new.flac")
    assert not list(tmp_path.glob("new*.flac.flac"))
