"""The comment `AIGC` of Ogg files, and the pages around it."""

import io
import struct
from pathlib import Path

import mutagen.ogg
import mutagen.oggopus
import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.sound_ogg import OGG, page_checksum
from tests.media import LABEL, OLDER_LABEL, comments, opus, opus_page


def _written(tmp_path: Path, data: bytes) -> bytes:
    old, new = tmp_path / "old.opus", tmp_path / "new.opus"
    old.write_bytes(data)
    OGG.write(old, new, LABEL)
    assert OGG.read(new) == [LABEL]
    assert b"".join(OGG.content(new) if OGG.content else ()) == b"".join(OGG.content(old) if OGG.content else ())
    return new.read_bytes()


def _pages(data: bytes) -> list[mutagen.ogg.OggPage]:
    file, found = io.BytesIO(data), []
    while file.tell() < len(data):
        found.append(mutagen.ogg.OggPage(file))
    return found


def test_comments_are_kept_and_pages_are_whole(tmp_path: Path) -> None:
    """A stranger's reading finds title and label, and the same sound."""
    new = _written(tmp_path, opus(b"TITLE=Kept", b"AIGC=" + OLDER_LABEL))
    found = mutagen.oggopus.OggOpusVComment(io.BytesIO(new), mutagen.oggopus.OggOpusInfo(io.BytesIO(new)))
    assert dict(found) == {"title": ["Kept"], "aigc": [LABEL.decode()]}
    assert [page.packets for page in _pages(new)][2:] == [[b"sound 0"], [b"sound 1"], [b"sound 2"]]


@pytest.mark.parametrize("other", [0, 64_000, 64_900, 65_010, 200_000])
def test_headers_that_outgrow_their_pages_move_the_others(tmp_path: Path, other: int) -> None:
    """Numbers go up by one from page to page, and each checksum is that of its page."""
    many = [b"A=" + bytes([65 + at % 26]) * min(60_000, other - at) for at in range(0, other, 60_000)]
    packet = b"OpusTags" + comments(*many)
    # As an encoder lays it out: full pages first, then what is left.
    pages, flags = [], 0
    while len(packet) >= 255 * 255:
        part, packet = packet[: 255 * 255], packet[255 * 255 :]
        pages.append((flags, b"\xff" * 255, part))
        flags = 1
    lacing = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    pages.append((flags, lacing, packet))
    data = opus_page(2, 0, b"OpusHead\x01\x01" + bytes(9))
    for number, (flags, lacing, part) in enumerate(pages, 1):
        data += _page(flags, number, lacing, part)
    data += b"".join(opus_page(0, len(pages) + 1 + number, b"sound") for number in range(4))

    new = _written(tmp_path, data)

    assert [page.sequence for page in _pages(new)] == list(range(len(_pages(new))))
    at = 0
    for page in _pages(new):
        raw = bytearray(new[at : at + page.size])
        claimed = struct.unpack_from("<I", raw, 22)[0]
        raw[22:26] = bytes(4)
        assert page_checksum(bytes(raw)) == claimed == struct.unpack_from("<I", page.write(), 22)[0]
        at += page.size


def _page(flags: int, sequence: int, lacing: bytes, content: bytes) -> bytes:
    page = mutagen.ogg.OggPage()
    page.serial, page.sequence = 7, sequence
    page.continued = bool(flags & 1)
    page.complete = lacing[-1] < 255
    page.position = 0 if page.complete else -1
    page.packets = [content]
    return bytes(page.write())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"OggS", "ends in the middle"),
        (opus()[:-3] + b"x" * 40, "no Ogg page"),
        (opus() + opus(), "several streams"),
        (opus_page(2, 0, b"\x80theora" + bytes(40)), "neither Vorbis"),
        (opus_page(2, 0, b"OpusHead") + opus_page(0, 1, b"OpusTags" + comments(), b"sound"), "begins on the page"),
        (opus_page(2, 0, b"OpusHead") + opus_page(0, 1, b"nothing"), "not the one with the comments"),
        (opus_page(2, 0, b"OpusHead"), "ends in the middle"),
    ],
)
def test_what_cannot_take_a_label_says_why(tmp_path: Path, data: bytes, reason: str) -> None:
    """A film, a chain of streams and damage are refused."""
    with pytest.raises(LabelError, match=reason):
        _written(tmp_path, data)
