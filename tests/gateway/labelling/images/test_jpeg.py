"""JPEG: where the segment stands, what is refused."""

import json
from pathlib import Path

import pytest

from gateway.labelling.formats import read_file, write_label
from gateway.labelling.members import LabelError, Reading, Verdict
from tests.gateway.labelling.conftest import ExifTool
from tests.gateway.labelling.pictures import MEMBERS, OLD_XMP, PICTURES, pixels
from tests.gateway.labelling.vendor_forms import exif, jpeg, packet, written

_XMP = b"http://ns.adobe.com/xap/1.0/\0"


def test_packet_stands_behind_jfif_and_exif(tmp_path: Path) -> None:
    """Readers want these two first."""
    source = PICTURES["rotated.jpg"](tmp_path / "a.jpg")
    write_label(source, tmp_path / "b.jpg", MEMBERS)
    after = (tmp_path / "b.jpg").read_bytes()
    assert after.index(b"JFIF") < after.index(b"Exif\0\0") < after.index(_XMP) < after.index(b"ICC_PROFILE")


def test_packet_that_fills_its_segment_leaves_no_room(tmp_path: Path) -> None:
    """It is told, and nothing is cut off."""
    full = packet(f'<rdf:Description rdf:about=""><a xmlns="x:y">{"x" * 65000}</a></rdf:Description>')
    source = written(tmp_path / "a.jpg", jpeg((0xE1, _XMP + full)))
    with pytest.raises(LabelError, match="no room"):
        write_label(source, tmp_path / "b.jpg", MEMBERS)


def test_index_of_several_pictures_is_not_displaced(tmp_path: Path) -> None:
    """A packet in front of the index moves both; one behind it would move only what the index points at."""
    front = written(tmp_path / "a.jpg", jpeg((0xE1, _XMP + OLD_XMP), (0xE2, b"MPF\0II*\0")))
    write_label(front, tmp_path / "b.jpg", MEMBERS)
    behind = written(tmp_path / "c.jpg", jpeg((0xE2, b"MPF\0II*\0"), (0xE1, _XMP + OLD_XMP)))
    with pytest.raises(LabelError, match="index of several pictures"):
        write_label(behind, tmp_path / "d.jpg", MEMBERS)


def test_fill_bytes_and_lone_markers_are_passed(tmp_path: Path) -> None:
    """T.81 B.1.1.2 allows any number of FF before a marker."""
    source = written(tmp_path / "a.jpg", jpeg(between=b"\xff\xff\xff\x01"))
    write_label(source, tmp_path / "b.jpg", MEMBERS)
    assert read_file(tmp_path / "b.jpg").reading.verdict is Verdict.IS


@pytest.mark.parametrize(
    "between",
    [b"\xff\xe5\0\2" * 20_001, b"x" * 70_000, (b"\xff\xe5\xff\xff" + bytes(65533)) * 520],
    ids=["segments", "gap", "megabytes"],
)
def test_head_without_end_is_refused(tmp_path: Path, between: bytes) -> None:
    """Too many segments, no marker, more bytes than any head has."""
    source = written(tmp_path / "a.jpg", jpeg(between=between))
    assert read_file(source).reading.verdict is Verdict.BROKEN


def test_label_in_a_comment_is_blanked_when_it_is_written_anew(tmp_path: Path, exiftool: ExifTool) -> None:
    """EXIF keeps its shape and its other values, whether it stands in front of the packet or behind."""
    own = json.dumps({"AIGC": MEMBERS.named()}).encode()
    comment = exif(0x9286, b"ASCII\0\0\0" + own)
    described = exif(0x010E, b"a cat, AIGC" + json.dumps(MEMBERS.named()).encode() + b"\0")
    old = b"http://ns.adobe.com/xap/1.0/\0" + OLD_XMP
    for number, parts in enumerate(([comment], [old, comment], [comment, old], [described], [old, described])):
        head = [(0xE1, part if part is old else b"Exif\0\0" + part) for part in parts]
        source, target = written(tmp_path / f"{number}.jpg", jpeg(*head)), tmp_path / f"{number}-b.jpg"
        write_label(source, target, MEMBERS)
        assert read_file(target).reading == Reading(Verdict.IS, MEMBERS)
        assert pixels(target) == pixels(source)
        (said,) = exiftool(target)
        assert "Warning" not in str(said)
        assert ("a cat," in str(said.get("IFD0:ImageDescription"))) is (described in parts)
        assert ("XMP-dc:Creator" in said) is (old in parts)


def test_label_in_a_comment_of_another_encoding_is_not_written_over(tmp_path: Path) -> None:
    """It is read, and a second one beside it is refused."""
    own = json.dumps({"AIGC": MEMBERS.named()}).encode("utf-16-le")
    source = written(tmp_path / "a.jpg", jpeg((0xE1, b"Exif\0\0" + exif(0x9286, b"UNICODE\0" + own))))
    assert read_file(source).reading.verdict is Verdict.IS
    with pytest.raises(LabelError, match="would have two"):
        write_label(source, tmp_path / "b.jpg", MEMBERS)
