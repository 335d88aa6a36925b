"""GIF: the extension, its trailer, and what stays in front of it."""

from pathlib import Path

import pytest
from PIL import Image

from gateway.labelling.formats import read_file, write_label
from gateway.labelling.images.gif import GIF
from gateway.labelling.members import LabelError, Verdict
from tests.gateway.labelling.pictures import MEMBERS, PICTURES, encoded, noise
from tests.gateway.labelling.vendor_forms import inner, text, written


def test_animation_goes_on_looping(tmp_path: Path) -> None:
    """Its own extension stays in front, times and order of frames stay."""
    source = PICTURES["animated.gif"](tmp_path / "a.gif")
    write_label(source, tmp_path / "b.gif", MEMBERS)
    data = (tmp_path / "b.gif").read_bytes()
    assert data.index(b"NETSCAPE2.0") < data.index(b"XMP DataXMP")
    with Image.open(tmp_path / "b.gif") as picture:
        assert (picture.info["loop"], picture.info["duration"], picture.n_frames) == (0, 80, 4)  # type: ignore[attr-defined]


def test_reader_of_blocks_passes_the_packet(tmp_path: Path) -> None:
    """Whatever byte of the packet it takes for a length, it gets out: labels of every length from 1 to 300."""
    source = written(tmp_path / "a.gif", encoded(noise(), "GIF"))
    for length in range(1, 300):
        GIF.write(source, tmp_path / "b.gif", b"x" * length)
        assert GIF.read(tmp_path / "b.gif") == [b"x" * length]
        assert (tmp_path / "b.gif").read_bytes().endswith(b"\0\x3b")


def test_first_version_becomes_the_second(tmp_path: Path) -> None:
    """Extensions came with it."""
    source = written(tmp_path / "a.gif", b"GIF87a" + encoded(noise(), "GIF")[6:])
    write_label(source, tmp_path / "b.gif", MEMBERS)
    assert (tmp_path / "b.gif").read_bytes()[:6] == b"GIF89a"


def test_label_in_a_comment_is_read(tmp_path: Path) -> None:
    """Across the lengths that stand between its pieces."""
    comment = b"AIGC" + text(inner()) + b" " * 300
    source = written(tmp_path / "a.gif", encoded(noise(), "GIF", comment=comment))
    assert read_file(source).reading.verdict is Verdict.IS


@pytest.mark.parametrize("megabytes", [3, 5])
def test_packet_that_is_too_long_is_not_written_over(tmp_path: Path, megabytes: int) -> None:
    """Nor does it get a second one beside it, also behind comments that fill all there is room for."""
    plain = encoded(noise(), "GIF")
    block = b"\xff" + b" " * 255
    packet = b"\x21\xff\x0bXMP DataXMP" + block * (megabytes * 4096) + b"\0"
    source = written(tmp_path / "a.gif", plain[:-1] + packet + b"\x3b")
    with pytest.raises(LabelError, match="XMP packet"):
        write_label(source, tmp_path / "b.gif", MEMBERS)


@pytest.mark.parametrize("tail", [b"", b"\x99", b"\x21\xfe\x05ab", b"\x21\xfe\0" * 100_001])
def test_damaged_files_take_no_label(tmp_path: Path, tail: bytes) -> None:
    """No end, no block, a comment that is cut, blocks without end."""
    source = written(tmp_path / "a.gif", encoded(noise(), "GIF")[:-1] + tail)
    with pytest.raises(LabelError, match=r"damaged|more than"):
        write_label(source, tmp_path / "b.gif", MEMBERS)
