"""The comment `AIGC` of FLAC files."""

from pathlib import Path

import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.sound_comments import FLAC, is_flac, parse_comments
from tests.media import LABEL, OLDER_LABEL, comments, flac, id3

_AUDIO = b"\xff\xf8audio"


def _written(tmp_path: Path, data: bytes) -> bytes:
    old, new = tmp_path / "old.flac", tmp_path / "new.flac"
    old.write_bytes(data)
    FLAC.write(old, new, LABEL)
    assert FLAC.read(new) == [LABEL]
    return new.read_bytes()


def test_comments_and_blocks_are_kept(tmp_path: Path) -> None:
    """Vendor, title, picture and padding stay; the older label goes, in either case of letters."""
    table = comments(b"TITLE=Kept", b"aigc=" + OLDER_LABEL, b"ARTIST=\xe4\xbd\xa0")
    new = _written(tmp_path, flac((4, table), (6, b"picture"), (1, bytes(9))))
    assert new == flac(
        (4, comments(b"TITLE=Kept", b"ARTIST=\xe4\xbd\xa0", b"AIGC=" + LABEL)), (6, b"picture"), (1, bytes(9))
    )


def test_a_file_without_comments_gets_a_table(tmp_path: Path) -> None:
    """Behind the stream information, which has to be first."""
    assert _written(tmp_path, flac()) == flac((4, comments(b"AIGC=" + LABEL, vendor=b"")))


def test_a_second_table_loses_its_label(tmp_path: Path) -> None:
    """The standard allows one table; a label hidden in a second one would be a second label."""
    new = _written(tmp_path, flac((4, comments()), (4, comments(b"AIGC=older", b"A=b"))))
    assert new == flac((4, comments(b"AIGC=" + LABEL)), (4, comments(b"A=b")))


def test_a_tag_in_front_is_kept(tmp_path: Path) -> None:
    """Some programs put ID3 in front of FLAC."""
    tag = id3(3, padding=20)
    assert is_flac(tag + flac())
    assert _written(tmp_path, tag + flac()).startswith(tag + b"fLaC")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"fLaC", "ends in the middle"),
        (b"OggS" + bytes(9), "does not begin"),
        (b"fLaC\x81\0\0\x01x", "stream information"),
        (b"fLaC\x80\xff\xff\xff", "damaged"),
        (flac((4, b"\xff\xff\xff\x7f")), "comments is damaged"),
        (flac((4, comments()[:-4] + b"\xff\xff\xff\xff")), "comments is damaged"),
        (flac((4, comments(*[b"ab"] * 100_001))), "more than the 100000"),
        (flac((4, comments(bytes((1 << 24) - 40)))), "longer"),
    ],
)
def test_what_cannot_take_a_label_says_why(tmp_path: Path, data: bytes, reason: str) -> None:
    """Lengths and counts of strangers end where the file does."""
    with pytest.raises(LabelError, match=reason):
        _written(tmp_path, data)


def test_what_follows_a_table_is_kept() -> None:
    """Opus allows padding there, Vorbis ends it with a bit."""
    assert parse_comments(comments(b"A=b") + b"rest").labelled(None) == comments(b"A=b") + b"rest"
