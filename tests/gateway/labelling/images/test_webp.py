"""WebP: the extended header, what goes along, what is refused."""

from pathlib import Path

import pytest
from PIL import Image

from gateway.labelling.formats import read_file, write_label
from gateway.labelling.members import LabelError, Verdict
from tests.gateway.labelling.pictures import MEMBERS, encoded, noise, saved
from tests.gateway.labelling.vendor_forms import written


@pytest.mark.parametrize(("channels", "lossless"), [(3, False), (3, True), (4, True)])
def test_simple_file_gets_the_extended_header(tmp_path: Path, channels: int, *, lossless: bool) -> None:
    """With size and transparency of the picture, whose chunk is the same bytes."""
    source = saved(tmp_path / "a.webp", noise(33, 77, channels), lossless=lossless)
    if channels == 3:
        assert source.read_bytes()[12:16] != b"VP8X"
    write_label(source, tmp_path / "b.webp", MEMBERS)
    after = (tmp_path / "b.webp").read_bytes()
    assert after[12:16] == b"VP8X"
    assert after[20] & 0x04
    assert bool(after[20] & 0x10) is (channels == 4)
    assert int.from_bytes(after[24:27], "little") + 1 == 77
    assert int.from_bytes(after[27:30], "little") + 1 == 33
    assert int.from_bytes(after[4:8], "little") == len(after) - 8
    with Image.open(tmp_path / "b.webp") as picture:
        assert picture.size == (77, 33)


def test_file_without_its_last_padding_is_taken(tmp_path: Path) -> None:
    """Some writers leave it out."""
    data = encoded(noise(), "WEBP")
    odd = data + b"XTRA" + (3).to_bytes(4, "little") + b"abc"
    odd = odd[:4] + (len(odd) + 1 - 8).to_bytes(4, "little") + odd[8:]
    source = written(tmp_path / "a.webp", odd)
    write_label(source, tmp_path / "b.webp", MEMBERS)
    assert read_file(tmp_path / "b.webp").reading.verdict is Verdict.IS
    assert b"XTRA\3\0\0\0abc\0" in (tmp_path / "b.webp").read_bytes()


@pytest.mark.parametrize(
    "chunks",
    [
        b"",
        b"VP8X\4\0\0\0abcd",
        b"VP8 \x0a\0\0\0" + bytes(10),
        b"JUNK\0\0\0\0",
        b"VP8 \xff\0\0\0",
        b"JUNK\0\0\0\0" * 100_001,
    ],
    ids=["none", "short header", "no key frame", "no picture", "too long", "too many"],
)
def test_damaged_files_take_no_label(tmp_path: Path, chunks: bytes) -> None:
    """The reason is told."""
    source = written(tmp_path / "a.webp", b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WEBP" + chunks)
    with pytest.raises(LabelError, match=r"damaged|more than"):
        write_label(source, tmp_path / "b.webp", MEMBERS)
