"""The chunk `AIGC` of WAV files, and the sizes around it."""

import struct
from pathlib import Path

import mutagen.wave
import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.sound_wav import WAV
from tests.media import LABEL, OLDER_LABEL, chunk, wav

_SAMPLES = bytes(range(200))


def _written(tmp_path: Path, data: bytes) -> bytes:
    old, new = tmp_path / "old.wav", tmp_path / "new.wav"
    old.write_bytes(data)
    WAV.write(old, new, LABEL)
    assert WAV.read(new) == [LABEL]
    assert b"".join(WAV.content(new) if WAV.content else ()) == b"".join(WAV.content(old) if WAV.content else ())
    return new.read_bytes()


def test_the_label_is_the_only_difference(tmp_path: Path) -> None:
    """Cut out again, the chunk leaves the file as it was, but for the size in its head."""
    old = wav(chunk(b"LIST", b"odd"), chunk(b"bext", b"even"))

    new = _written(tmp_path, old)

    at = new.index(b"AIGC")
    assert new[8:at] + new[at + 8 + len(LABEL) + len(LABEL) % 2 :] == old[8:]
    assert struct.unpack("<I", new[4:8])[0] == len(new) - 8


def test_a_stranger_finds_the_chunk(tmp_path: Path) -> None:
    """Another program's reading of RIFF sees the label, and the samples at their length."""
    _written(tmp_path, wav())
    with (tmp_path / "new.wav").open("rb") as file:
        found = mutagen.wave._WaveFile(file)
        assert found["AIGC"].read() == LABEL
        assert found["data"].read() == _SAMPLES


@pytest.mark.parametrize("place", [0, 1])
def test_an_older_label_is_overwritten(tmp_path: Path, place: int) -> None:
    """One file has one label, wherever the older one stood and however many there were."""
    labels = [chunk(b"AIGC", OLDER_LABEL), chunk(b"LIST", b"kept")]
    new = _written(tmp_path, wav(*labels, chunk(b"AIGC", b"x")) if place else wav(labels[0]))
    assert struct.unpack("<I", new[4:8])[0] == len(new) - 8
    assert OLDER_LABEL not in new


def test_64_bit_sizes_follow(tmp_path: Path) -> None:
    """RF64 has its sizes in `ds64`, and none in the head."""
    samples = bytes(50)
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 8 + 36 + 24 + 58, len(samples), 25, 0))
    form = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16))
    old = b"RF64\xff\xff\xff\xffWAVE" + ds64 + form + b"data\xff\xff\xff\xff" + samples + chunk(b"LIST", b"kept")

    new = _written(tmp_path, old)

    grown = len(new) - len(old)
    form_bytes, data_bytes, count = struct.unpack_from("<QQQ", new, new.index(b"ds64") + 8)
    assert (form_bytes, data_bytes, count) == (8 + 36 + 24 + 58 + grown, 50, 25)
    assert new.startswith(b"RF64\xff\xff\xff\xff")
    assert new.endswith(b"data\xff\xff\xff\xff" + samples + chunk(b"LIST", b"kept"))


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_size_nobody_filled_in_stays_so(tmp_path: Path, size: int) -> None:
    """A pipe's file says nothing of its length; the label stands in front of the samples, and is not played."""
    old = wav()
    old = old[:4] + struct.pack("<I", size) + old[8:].replace(b"data\xc8\0\0\0", b"data\xff\xff\xff\xff")

    new = _written(tmp_path, old)

    assert struct.unpack("<I", new[4:8])[0] == size
    assert new.endswith(b"data\xff\xff\xff\xff" + _SAMPLES)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"RIFF\x04\0\0\0WAVE", "no samples"),
        (b"RIFF\x04\0\0\0AVI ", "does not begin"),
        (b"RIFF", "ends in the middle"),
        (b"RIFF\xf0\xff\xff\xff" + wav()[8:], "4 GiB"),
    ],
)
def test_what_cannot_take_a_label_says_why(tmp_path: Path, data: bytes, reason: str) -> None:
    """Nothing is guessed about a file that is not as it should be."""
    with pytest.raises(LabelError, match=reason):
        _written(tmp_path, data)
