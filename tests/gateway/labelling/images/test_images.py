"""Every kind of picture carries a label, is read by programs no one here wrote, and keeps its pixels."""

import json
from pathlib import Path

import pytest
from PIL import Image

from gateway.labelling.formats import read_file, write_label
from gateway.labelling.members import LabelError, Members, Verdict, compact_json
from tests.gateway.labelling.conftest import ExifTool
from tests.gateway.labelling.pictures import MEMBERS, OTHER, PICTURES, PRODUCER, pixels


@pytest.mark.parametrize("name", PICTURES)
def test_label_is_read_back_and_no_pixel_changes(tmp_path: Path, name: str) -> None:
    """Written twice there is one label still, the newer one; every frame decodes to what it was."""
    source = PICTURES[name](tmp_path / name)
    target = tmp_path / f"labelled-{name}"
    write_label(source, target, Members.first(PRODUCER, "older"))
    write_label(target, target, MEMBERS)
    found = read_file(target)
    assert (found.reading.verdict, found.reading.members, found.reading.problems) == (Verdict.IS, MEMBERS, ())
    assert pixels(target) == pixels(source)
    data = target.read_bytes()
    assert (data.count(b"ContentProducer"), data.count(b"older")) == (1, 0)


@pytest.mark.exiftool
def test_exiftool_reads_the_labels_and_finds_no_fault(tmp_path: Path, exiftool: ExifTool) -> None:
    """The XMP property is there, and everything a file said before is as it was."""
    sources = [make(tmp_path / name) for name, make in PICTURES.items()]
    targets = [tmp_path / f"labelled-{source.name}" for source in sources]
    for source, target in zip(sources, targets, strict=True):
        write_label(source, target, MEMBERS)
    answers = exiftool(*sources, *targets)
    for before, after in zip(answers[: len(sources)], answers[len(sources) :], strict=True):
        name = after["SourceFile"]
        assert json.loads(str(after["XMP-TC260:Aigc"])) == MEMBERS.named(), name
        assert not {"ExifTool:Warning", "ExifTool:Error"} & after.keys(), name
        kept = {key: value for key, value in before.items() if _is_kept(key)}
        assert {key: after.get(key) for key in kept} == kept, name


def _is_kept(key: str) -> bool:
    # What tells of the file as such, of the packet's place in it, and of the writer of packets may change.
    changing = ("System:", "ExifTool:", "SourceFile", "XMP-x:", "RIFF:WebP_Flags", "RIFF:WebPFlags", "File:FileType")
    named = ("GIFVersion", "MediaDataOffset", "MediaDataSize", "StripOffsets", "FileSize", "FileTypeExtension")
    return not key.startswith(changing) and not key.endswith(named)


@pytest.mark.parametrize("name", ["xmp.jpg", "rich.webp", "rich.avif"])
def test_packet_that_is_there_is_kept(tmp_path: Path, name: str) -> None:
    """What somebody else said of the picture stands beside the label."""
    target = tmp_path / f"labelled-{name}"
    write_label(PICTURES[name](tmp_path / name), target, MEMBERS)
    with Image.open(target) as picture:
        packet = picture.info["xmp"]
    assert "张三".encode() in packet
    assert b"TC260:AIGC" in packet


@pytest.mark.parametrize("name", ["plain.png", "xmp.jpg", "rich.webp", "animated.gif", "plain.tif", "rich.avif"])
def test_label_of_another_producer_stays(tmp_path: Path, name: str) -> None:
    """Writing over it would take a foreign label away; nothing is written."""
    target = tmp_path / f"labelled-{name}"
    write_label(PICTURES[name](tmp_path / name), target, Members.first(OTHER, "theirs"))
    before = target.read_bytes()
    with pytest.raises(LabelError, match="not of this producer"):
        write_label(target, target, MEMBERS)
    assert target.read_bytes() == before
    assert list(tmp_path.glob(".label-*")) == []


@pytest.mark.parametrize("name", PICTURES)
def test_cut_file_is_refused_or_broken_and_never_a_crash(tmp_path: Path, name: str) -> None:
    """At every sixth of its length the label is read, or the file is broken, or there is none."""
    whole = tmp_path / name
    write_label(PICTURES[name](whole), whole, MEMBERS)
    data = whole.read_bytes()
    cut = tmp_path / f"cut{whole.suffix}"
    for sixth in range(1, 6):
        cut.write_bytes(data[: max(len(data) * sixth // 6, 20)])
        assert read_file(cut).reading.members in (None, MEMBERS)
        try:
            write_label(cut, tmp_path / f"again{whole.suffix}", Members.first(PRODUCER, "again"))
        except LabelError:
            assert not (tmp_path / f"again{whole.suffix}").exists()


def test_what_is_written_is_the_label_alone(tmp_path: Path) -> None:
    """The bytes between are the file's own: scan data of a JPEG and IDAT of a PNG are the same bytes."""
    jpeg, png = PICTURES["plain.jpg"](tmp_path / "a.jpg"), PICTURES["plain.png"](tmp_path / "a.png")
    for source in (jpeg, png):
        write_label(source, tmp_path / f"out{source.suffix}", MEMBERS)
    scan = jpeg.read_bytes()
    assert (tmp_path / "out.jpg").read_bytes().endswith(scan[scan.index(b"\xff\xdb") :])
    chunks = png.read_bytes()
    assert (tmp_path / "out.png").read_bytes().endswith(chunks[33:])
    assert compact_json(MEMBERS).replace(b'"', b"&quot;") not in chunks
