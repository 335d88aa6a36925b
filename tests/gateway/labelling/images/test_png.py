"""PNG: where the chunk stands, what goes along, what is refused."""

import zlib
from pathlib import Path

import pytest

from gateway.labelling.formats import read_file, write_label
from gateway.labelling.images.png import PNG
from gateway.labelling.members import LabelError, Verdict
from tests.gateway.labelling.pictures import MEMBERS, OLD_XMP, PICTURES, encoded, noise
from tests.gateway.labelling.vendor_forms import chunk, inner, png, text, written, xmp_png


def test_other_chunks_are_the_same_bytes_in_the_same_order(tmp_path: Path) -> None:
    """Private ones too, and what stands behind the end."""
    extra = chunk(b"prVt", b"private") + chunk(b"tEXt", b"Comment\0hello")
    source = written(tmp_path / "a.png", png(extra) + b"behind the end")
    write_label(source, tmp_path / "b.png", MEMBERS)
    before, after = source.read_bytes(), (tmp_path / "b.png").read_bytes()
    assert after[:33] == before[:33]
    assert after[37:41] == b"iTXt"
    assert after.endswith(before[33:])


@pytest.mark.parametrize("kind", ["zTXt", "iTXt"])
def test_compressed_labels_are_read(tmp_path: Path, kind: str) -> None:
    """Some writers compress what the guide wants plain."""
    packed = zlib.compress(text(inner()))
    data = b"AIGC\0\0" + packed if kind == "zTXt" else b"AIGC\0\1\0\0\0" + packed
    source = written(tmp_path / "a.png", png(chunk(kind.encode(), data)))
    assert read_file(source).reading.verdict is Verdict.IS


def test_file_of_empty_chunks_is_refused(tmp_path: Path) -> None:
    """Before it costs more than a moment."""
    source = written(tmp_path / "a.png", png(chunk(b"prVt", b"") * 100_001))
    assert read_file(source).reading.verdict is Verdict.BROKEN
    with pytest.raises(LabelError, match="100000 chunks"):
        write_label(source, tmp_path / "b.png", MEMBERS)


def test_many_packed_texts_stay_within_a_bound(tmp_path: Path) -> None:
    """Together they unpack to no more than a few mebibytes."""
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3 * 1024 * 1024)))
    source = written(tmp_path / "a.png", png(bomb * 50))
    assert read_file(source).reading.verdict is Verdict.NONE


@pytest.mark.parametrize("megabytes", [3, 5])
def test_packet_that_is_too_long_is_not_written_over(tmp_path: Path, megabytes: int) -> None:
    """Nor does it get a second one beside it."""
    long = OLD_XMP.replace(b"</rdf:Seq>", b" " * megabytes * 1024 * 1024 + b"</rdf:Seq>")
    source = written(tmp_path / "a.png", xmp_png(long))
    with pytest.raises(LabelError, match="XMP packet"):
        write_label(source, tmp_path / "b.png", MEMBERS)


def test_content_is_what_is_shown(tmp_path: Path) -> None:
    """Text and time of writing are not sealed; frames of an animation are."""
    plain = written(tmp_path / "a.png", encoded(noise(), "PNG"))
    assert b"".join(PNG.content(plain)) == b"".join(  # type: ignore[misc]
        PNG.content(written(tmp_path / "b.png", png(chunk(b"tEXt", b"Comment\0x"))))  # type: ignore[misc]
    )
    moving = PICTURES["animated.png"](tmp_path / "c.png")
    assert b"fcTL" in b"".join(PNG.content(moving))  # type: ignore[misc]
