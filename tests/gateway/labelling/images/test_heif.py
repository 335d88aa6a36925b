"""HEIF and AVIF: the item, its place, and that everything else moved with the tables."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gateway.labelling.formats import format_of, read_file, write_label
from gateway.labelling.images.boxes import Box
from gateway.labelling.members import LabelError, Members, Verdict
from tests.gateway.labelling.camera import camera_picture, decoded
from tests.gateway.labelling.conftest import ExifTool
from tests.gateway.labelling.pictures import MEMBERS, PICTURES, PRODUCER, encoded, noise, pixels, rotated
from tests.gateway.labelling.vendor_forms import written


def _as_heic(data: bytes) -> bytes:
    """Return an AVIF as HEIC has it, but for what its pixels are encoded in."""
    return data[:8] + data[8:64].replace(b"avif", b"heic") + data[64:]


def test_heic_keeps_everything(tmp_path: Path) -> None:
    """The container is the same as AVIF's, and turned back into one it decodes to the same pixels."""
    plain = encoded(noise(), "AVIF", exif=rotated())
    source = written(tmp_path / "a.heic", _as_heic(plain))
    assert format_of(source).name == "HEIF"
    write_label(source, tmp_path / "b.heic", MEMBERS)
    assert read_file(tmp_path / "b.heic").reading.members == MEMBERS
    back = (tmp_path / "b.heic").read_bytes().replace(b"heic", b"avif")
    assert pixels(written(tmp_path / "b.avif", back)) == pixels(written(tmp_path / "a.avif", plain))


@pytest.mark.exiftool
def test_picture_of_a_camera_keeps_its_tiles_and_is_read_by_others(tmp_path: Path, exiftool: ExifTool) -> None:
    """A grid in the table itself, hidden items, thumbnail, rotation and EXIF: all decode to what they were."""
    source = camera_picture(tmp_path / "a.heic")
    assert format_of(source).name == "HEIF"
    for target in (tmp_path / "b.heic", tmp_path / "c.heic"):
        write_label(source, target, MEMBERS)
        source = target
    assert read_file(source).reading.members == MEMBERS
    before, after = decoded(tmp_path / "a.heic"), decoded(source)
    assert len(before) == 5
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    first, last = exiftool(tmp_path / "a.heic", source)
    assert "content-1" in str(last["XMP-TC260:Aigc"])
    changing = ("System:", "SourceFile", "XMP-", "QuickTime:MediaData", "QuickTime:MetaImageSize", "Composite:")
    same = {name: value for name, value in first.items() if not name.startswith(changing)}
    assert same["IFD0:Make"] == "A camera"
    assert {name: last.get(name) for name in same} == same


def test_words_are_not_drawn_on_heic(tmp_path: Path) -> None:
    """Nothing here encodes its pixels; the reason says so."""
    with pytest.raises(LabelError, match="no label for people"):
        write_label(camera_picture(tmp_path / "a.heic"), tmp_path / "b.heic", MEMBERS, shown="AI生成")


@pytest.mark.exiftool
def test_exiftool_reads_a_heic(tmp_path: Path, exiftool: ExifTool) -> None:
    """And finds EXIF where it went."""
    exif = Image.Exif()
    exif[0x8298] = "somebody"
    source = written(tmp_path / "a.heic", _as_heic(encoded(noise(), "AVIF", exif=exif)))
    write_label(source, tmp_path / "b.heic", MEMBERS)
    (found,) = exiftool(tmp_path / "b.heic")
    assert "content-1" in str(found["XMP-TC260:Aigc"])
    assert found["IFD0:Copyright"] == "somebody"


def test_last_box_without_an_end_gets_one(tmp_path: Path) -> None:
    """Something follows it now."""
    plain = encoded(noise(), "AVIF")
    at = plain.rindex(b"mdat") - 4
    source = written(tmp_path / "a.avif", plain[:at] + bytes(4) + plain[at + 4 :])
    write_label(source, tmp_path / "b.avif", MEMBERS)
    assert pixels(tmp_path / "b.avif") == pixels(source)


def test_written_again_and_again_it_stays_one_item(tmp_path: Path) -> None:
    """The old packet is gone from the bytes too."""
    target = PICTURES["rich.avif"](tmp_path / "a.avif")
    expected = pixels(target)
    for number in range(5):
        write_label(target, target, Members.first(PRODUCER, f"number-{number}"))
    assert pixels(target) == expected
    data = target.read_bytes()
    assert (data.count(b"application/rdf+xml"), data.count(b"number-")) == (1, 2)


def test_sequences_are_refused(tmp_path: Path) -> None:
    """Their offsets stand in tables that are not moved here."""
    moving = encoded(noise(), "AVIF", save_all=True, append_images=[noise(seed=2)])
    with pytest.raises(LabelError, match="sequence"):
        write_label(written(tmp_path / "a.avif", moving), tmp_path / "b.avif", MEMBERS)


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        Box(b"meta", bytes(4)).encoded(),
        Box(b"meta", bytes(4) + Box(b"iloc", bytes(8)).encoded() + Box(b"iinf", b"").encoded()).encoded(),
        Box(b"meta", bytes(9 * 1024 * 1024)).encoded(),
        b"\0\0\0\xffmeta",
    ],
    ids=["no tables", "empty tables", "short table", "long tables", "cut"],
)
def test_damaged_files_are_broken(tmp_path: Path, rest: bytes) -> None:
    """And take no label."""
    source = written(tmp_path / "a.avif", Box(b"ftyp", b"avif\0\0\0\0avif").encoded() + rest)
    assert read_file(source).reading.verdict is Verdict.BROKEN
    with pytest.raises(LabelError):
        write_label(source, tmp_path / "b.avif", MEMBERS)


def test_picture_opens_with_its_packet(tmp_path: Path) -> None:
    """Another reader finds it as the picture's own."""
    target = PICTURES["plain.avif"](tmp_path / "a.avif")
    write_label(target, target, MEMBERS)
    with Image.open(target) as picture:
        assert b"content-1" in picture.info["xmp"]
