"""TIFF: a new first directory at the end, everything else where it was."""

import struct
from pathlib import Path

import pytest
from PIL import Image

from gateway.labelling.formats import read_file, write_label
from gateway.labelling.members import LabelError, Verdict
from tests.gateway.labelling.pictures import MEMBERS, PICTURES
from tests.gateway.labelling.vendor_forms import exif, inner, text, written


@pytest.mark.parametrize("name", ["plain.tif", "big.tif"])
def test_everything_stays_where_it_was(tmp_path: Path, name: str) -> None:
    """But for the pointer to the first directory."""
    source = PICTURES[name](tmp_path / name)
    write_label(source, tmp_path / "b.tif", MEMBERS)
    before, after = source.read_bytes(), (tmp_path / "b.tif").read_bytes()
    assert after[16 : len(before)] == before[16:]
    with Image.open(tmp_path / "b.tif") as picture:
        tags = list(picture.tag_v2)  # type: ignore[attr-defined]
    assert tags == sorted(tags)
    assert 700 in tags


def test_big_endian_is_written_as_such(tmp_path: Path) -> None:
    """Both orders of bytes are in use."""
    data = _swapped(tmp_path)
    write_label(data, tmp_path / "b.tif", MEMBERS)
    assert (tmp_path / "b.tif").read_bytes()[:4] == b"MM\0*"
    assert read_file(tmp_path / "b.tif").reading.verdict is Verdict.IS
    with Image.open(data) as old, Image.open(tmp_path / "b.tif") as new:
        assert old.tobytes() == new.tobytes()


def _swapped(tmp_path: Path) -> Path:
    """Write a grey picture of 2 x 2 in the order of bytes that few programs write today."""
    tags = [(256, 2), (257, 2), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 2), (279, 4)]
    data = struct.pack(">2sHI", b"MM", 42, 12) + b"\x01\x80\xfe\x40" + struct.pack(">H", len(tags))
    data += b"".join(struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in tags) + bytes(4)
    return written(tmp_path / "swapped.tif", data)


def test_comment_of_a_vendor_is_read(tmp_path: Path) -> None:
    """EXIF's tags stand in a TIFF as they do in EXIF."""
    source = written(tmp_path / "a.tif", exif(0x9286, b"ASCII\0\0\0" + text({"AIGC": inner()})))
    assert read_file(source).reading.verdict is Verdict.IS


@pytest.mark.parametrize(
    "data",
    [
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\0\0",
        b"II*\0\x08\0\0\0\xff\xff",
        b"II+\0\x08\0\0\0" + b"\xff" * 8,
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 700, 7, 2**31, 8) + bytes(4),
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 700, 7, 64, 2**31) + bytes(4),
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 700, 4, 64, 8) + bytes(4),
    ],
    ids=["outside", "empty", "many", "far", "long packet", "packet outside", "packet of numbers"],
)
def test_damaged_files_take_no_label(tmp_path: Path, data: bytes) -> None:
    """Whatever an offset or a count says."""
    source = written(tmp_path / "a.tif", data)
    assert read_file(source).reading.verdict in (Verdict.BROKEN, Verdict.NONE)
    with pytest.raises(LabelError):
        write_label(source, tmp_path / "b.tif", MEMBERS)
