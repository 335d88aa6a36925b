"""The frame `TXXX` of MP3 files, in every version of the tag."""

import io
from pathlib import Path

import mutagen.id3
import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.sound_id3 import MP3, is_mp3, tags_of
from tests.media import LABEL, MP3_FRAME, OLDER_LABEL, frame, id3

_AUDIO = MP3_FRAME * 3


def _written(tmp_path: Path, data: bytes) -> bytes:
    old, new = tmp_path / "old.mp3", tmp_path / "new.mp3"
    old.write_bytes(data)
    MP3.write(old, new, LABEL)
    assert MP3.read(new) == [LABEL]
    return new.read_bytes()


def _title(version: int, text: bytes = b"\0Kept") -> bytes:
    return frame(version, b"TT2" if version == 2 else b"TIT2", text)


@pytest.mark.parametrize(
    "tag",
    [
        b"",
        id3(2, _title(2)),
        id3(3, _title(3), padding=40),
        id3(4, _title(4)),
        id3(3, _title(3), frame(3, b"TXXX", b"\0AIGC\0older")),
        id3(4, _title(4), frame(4, b"TXXX", b"\x03aigc\0older")),
        id3(3, _title(3), frame(3, b"TXXX", b"\x01" + "AIGC".encode("utf-16") + b"\0\0" + "o".encode("utf-16"))),
        id3(2, _title(2), frame(2, b"TXX", b"\0AIGC\0older")),
        id3(3, _title(3)) + id3(4, frame(4, b"TXXX", b"\0AIGC\0older")),
        # Unsynchronised as a whole, with an extended header, with a footer.
        id3(3, _title(3, b"\x01\xff\xfeK\0e\0p\0t\0").replace(b"\xff", b"\xff\0"), flags=0x80),
        id3(3, b"\0\0\0\x06\0\0\0\0\0\0", _title(3), flags=0x40),
        id3(4, _title(4), flags=0x10) + b"3DI\x04\0\x10\0\0\0\0",
    ],
)
def test_a_stranger_reads_the_label_and_the_title(tmp_path: Path, tag: bytes) -> None:
    """The label is the only one, the title is kept, the audio is what it was."""
    new = _written(tmp_path, tag + _AUDIO)

    found = mutagen.id3.ID3(io.BytesIO(new))
    assert [each.text for each in found.getall("TXXX")] == [[LABEL.decode()]]
    assert [str(each) for each in found.getall("TIT2")] == (["Kept"] if tag else [])
    assert new.endswith(_AUDIO)


def test_frames_of_others_stay_as_they_are(tmp_path: Path) -> None:
    """Also those that nobody here could take apart, such as compressed ones."""
    compressed = b"APIC" + (20).to_bytes(4) + b"\0\x80" + bytes(range(20))
    assert compressed in _written(tmp_path, id3(3, compressed) + _AUDIO)


def test_frames_with_plain_sizes_in_2_4_are_walked(tmp_path: Path) -> None:
    """Programs that took 2.4 for 2.3 wrote them, and players cope."""
    picture = b"APIC" + (300).to_bytes(4) + bytes(2) + bytes(300)
    new = _written(tmp_path, id3(4, picture, _title(4)) + _AUDIO)
    assert picture in new
    assert b"Kept" in new


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"ID3\x09\0\0\0\0\0\0", "version 2.9"),
        (b"ID3\x03\0\0\0\0\x7f\x7f", "ends in the middle"),
        (id3(3, b"TIT2\x7f\0\0\0\0\0xx") + _AUDIO, "damaged"),
        (id3(3, b"????\0\0\0\x01\0\0x") + _AUDIO, "damaged"),
        (id3(2, flags=0x40) + _AUDIO, "compressed"),
        (id3(3, _title(3), bytes(20), _title(3)) + _AUDIO, "damaged"),
        (id3(3) * 20 + _AUDIO, "more ID3 tags"),
        (id3(3) + b"fLaC", "another format"),
    ],
)
def test_what_cannot_take_a_label_says_why(tmp_path: Path, data: bytes, reason: str) -> None:
    """A damaged tag is not written over: what it held would be lost."""
    with pytest.raises(LabelError, match=reason):
        _written(tmp_path, data)


def test_an_audio_frame_is_told_from_other_ones() -> None:
    """A mark of UTF-16 or a JPEG begin nearly alike."""
    assert is_mp3(MP3_FRAME)
    assert not any(map(is_mp3, [b"\xff\xfe#\0", b"\xff\xd8\xff\xe0", b"\xff\xfb\xf0\x00", b"\xff\xfb", b"RIFF"]))


def test_many_frames_are_walked_in_one_pass() -> None:
    """A tag of many megabytes of frames, which is asked for its padding once and not for each of them."""
    many = id3(4, *[b"PRIV\0\0\1\1\0\0" + bytes(129)] * 60_000, b"TIT2\0\0\0\2\0\0\0x")
    assert len(tags_of(io.BytesIO(many))[0].frames) == 60_001


def test_older_label_is_gone(tmp_path: Path) -> None:
    """Overwritten, not hidden."""
    held = b"TXXX" + (6 + len(OLDER_LABEL)).to_bytes(4) + bytes(2) + b"\0AIGC\0" + OLDER_LABEL
    assert b"an-earlier-request" not in _written(tmp_path, id3(3, held) + _AUDIO)
