"""JPEG: where the segment stands, what is refused."""

from pathlib import Path

import pytest

from gateway.labelling.formats import read_file, write_label
from gateway.labelling.members import LabelError, Verdict
from tests.gateway.labelling.pictures import MEMBERS, OLD_XMP, PICTURES
from tests.gateway.labelling.vendor_forms import jpeg, packet, written

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
