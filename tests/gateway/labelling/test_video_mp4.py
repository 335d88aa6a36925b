"""MP4 files: samples stay where the index says they are."""

import struct
from pathlib import Path

import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.video_mp4 import MP4, is_m4a, is_mp4
from tests.media import LABEL, box, mp4


def _written(tmp_path: Path, data: bytes) -> bytes:
    old, new = tmp_path / "old.mp4", tmp_path / "new.mp4"
    old.write_bytes(data)
    MP4.write(old, new, LABEL)
    assert MP4.read(new) == [LABEL]
    assert b"".join(MP4.content(new) if MP4.content else ()) == b"".join(MP4.content(old) if MP4.content else ())
    return new.read_bytes()


def _place(data: bytes, kind: bytes) -> int:
    at = data.index(kind) + 12
    return int(struct.unpack_from(">I" if kind == b"stco" else ">Q", data, at)[0])


@pytest.mark.parametrize("table", [b"stco", b"co64"])
def test_the_index_follows_the_samples(tmp_path: Path, table: bytes) -> None:
    """What the table names is the first sample, before and after, and after a second label as well."""
    new = _written(tmp_path, mp4(table=table))
    assert new[_place(new, table) :].startswith(b"the samples")
    assert _written(tmp_path, new) == new


def test_places_in_front_of_the_index_stay(tmp_path: Path) -> None:
    """A file whose index comes last moves nothing."""
    movie = box(
        b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stco", bytes(7), b"\x01\0\0\0\x18")))))
    )
    new = _written(tmp_path, box(b"ftyp", b"isom", bytes(4)) + box(b"mdat", b"the samples") + movie)
    assert new[_place(new, b"stco") :].startswith(b"the samples")


def test_fragments_with_places_of_their_own_follow(tmp_path: Path) -> None:
    """A fragment's base and the index of fragments name bytes from the start of the file."""
    head = box(b"ftyp", b"iso5", bytes(4)) + box(b"moov", box(b"trak"))
    base = box(b"tfhd", bytes([0, 0, 0, 1]), struct.pack(">IQ", 1, len(head)))
    relative = box(b"tfhd", bytes([0, 2, 0, 0]), struct.pack(">I", 1))
    fragment = box(b"moof", box(b"traf", base), box(b"traf", relative)) + box(b"mdat", b"samples")
    index = b"".join(
        box(
            b"tfra",
            bytes([version, 0, 0, 0]),
            struct.pack(">III", 1, 0, 1),
            struct.pack(form, 0, len(head)),
            b"\1\1\1",
        )
        for version, form in ((0, ">II"), (1, ">QQ"))
    )
    new = _written(tmp_path, head + fragment + box(b"mfra", index))

    moof = new.index(b"moof") - 4
    assert struct.unpack_from(">Q", new, new.index(b"tfhd") + 12)[0] == moof
    assert struct.unpack_from(">I", new, new.index(b"tfra") + 24)[0] == moof
    assert struct.unpack_from(">Q", new, new.rindex(b"tfra") + 28)[0] == moof
    assert relative in new


@pytest.mark.parametrize("typed", [0, 1])
def test_encryption_data_follow(tmp_path: Path, typed: int) -> None:
    """Tables of auxiliary data name places too."""
    head = struct.pack(">I", typed) + b"cenc\0\0\0\0" * typed
    saio = box(b"saio", head, struct.pack(">II", 1, 500))
    old = mp4(udta=box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", saio)))), samples=bytes(400))
    new = _written(tmp_path, old)
    assert struct.unpack_from(">I", new, new.index(b"saio") + 4 + len(head) + 4)[0] == 500 + len(new) - len(old)


def _reaching(place: int) -> bytes:
    table = box(b"stco", bytes(4), struct.pack(">II", 1, place))
    return box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", table))))) + box(b"mdat", b"x")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\0\0\0\x08ftyp", "0 movie boxes"),
        (mp4() + box(b"moov"), "2 movie boxes"),
        (mp4()[:-3], "damaged"),
        (mp4() + b"\0\0\0", "middle of a box"),
        (_reaching(0xFFFFFFFF), "outgrow 32 bits"),
        (_reaching(100).replace(b"\0\0\0\x01\0\0\0\x64", b"\0\0\x01\0\0\0\0\x64"), "table of places"),
        (mp4(udta=box(b"cmov")), "compressed"),
        (mp4(before=box(b"sidx", bytes(20))), "index of segments"),
        (mp4(before=box(b"meta", bytes(4), box(b"iloc"))), "places of its own"),
        (box(b"moov") + box(b"mfra", box(b"tfra", bytes(8), struct.pack(">II", 0, 9))), "index of fragments"),
    ],
)
def test_what_cannot_take_a_label_says_why(tmp_path: Path, data: bytes, reason: str) -> None:
    """A file in which something would point wrong is refused: it would be noticed only when somebody plays it."""
    with pytest.raises(LabelError, match=reason):
        _written(tmp_path, data)


def test_pictures_and_sound_are_told_from_films() -> None:
    """They are of one family, and begin alike."""
    assert is_mp4(mp4())
    assert is_mp4(box(b"wide") + mp4())
    assert is_m4a(mp4().replace(b"isom", b"M4A "))
    assert not is_mp4(mp4().replace(b"isom", b"M4A "))
    assert not any(check(box(b"ftyp", brand, bytes(4))) for check in (is_mp4, is_m4a) for brand in (b"heic", b"avif"))
