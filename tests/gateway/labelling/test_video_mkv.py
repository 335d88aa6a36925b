"""Matroska files: what names places in the segment follows the label."""

from pathlib import Path

import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.video_elements import Element, children, make_element
from gateway.labelling.video_mkv import MATROSKA, is_matroska
from tests.media import LABEL, OLDER_LABEL, element, mkv

_TRACKS = element("1654ae6b", b"tracks?")
_BLOCK = element("a3", b"\x81\0\0\0picture")


def _cluster(*fields: bytes) -> bytes:
    return element("1f43b675", element("e7", b"\0"), *fields, _BLOCK)


def _tag(name: bytes, text: bytes) -> bytes:
    return element("7373", element("63c0"), element("67c8", element("45a3", name), element("4487", text)))


def _seek(name: str, place: int) -> bytes:
    return element("4dbb", element("53ab", bytes.fromhex(name)), element("53ac", place.to_bytes(2)))


def _written(tmp_path: Path, data: bytes) -> bytes:
    old, new = tmp_path / "old.mkv", tmp_path / "new.mkv"
    old.write_bytes(data)
    MATROSKA.write(old, new, LABEL)
    assert MATROSKA.read(new) == [LABEL]
    assert b"".join(MATROSKA.content(new) if MATROSKA.content else ()) == b"".join(
        MATROSKA.content(old) if MATROSKA.content else ()
    )
    return new.read_bytes()


def _segment(data: bytes) -> tuple[int, dict[bytes, Element]]:
    """Return where the content of the segment begins, and its elements by id."""
    segment = children(data)[1]
    parts = children(data, segment.body, segment.end)
    return segment.body, {each.name: each for each in parts}


def _numbers(data: bytes, parent: Element, *path: str) -> list[int]:
    if not path:
        return [int.from_bytes(data[parent.body : parent.end])]
    inner = [each for each in children(data, parent.body, parent.end) if each.name.hex() == path[0]]
    return [number for each in inner for number in _numbers(data, each, *path[1:])]


@pytest.mark.parametrize("checksum", [b"", element("bf", bytes(4))])
@pytest.mark.parametrize("index_first", [True, False])
def test_every_place_leads_to_what_it_led_to(tmp_path: Path, index_first: bool, checksum: bytes) -> None:  # noqa: FBT001 both orders
    """Seek heads and cues, in front of the clusters or behind, with two clusters that know their own place."""
    tags = element("1254c367", _tag(b"TITLE", b"Kept"), _tag(b"AIGC", OLDER_LABEL))

    def built(places: list[int]) -> list[bytes]:
        cues = element(
            "1c53bb6b",
            checksum,
            *(
                element(
                    "bb", element("b3", b"\0"), element("b7", element("f7", b"\1"), element("f1", at.to_bytes(2)))
                )
                for at in places[:2]
            ),
        )
        head = element(
            "114d9b74",
            checksum,
            _seek("1654ae6b", places[2]),
            _seek("1254c367", places[3]),
            _seek("1c53bb6b", places[4]),
        )
        clusters = [_cluster(element("a7", places[at].to_bytes(2))) for at in (0, 1)]
        first, last = ([cues], []) if index_first else ([], [cues])
        return [head, _TRACKS, *first, *clusters, tags, *last]

    order = [3, 4, 1, 5, 2] if index_first else [2, 3, 1, 4, 5]
    sizes = [len(each) for each in built([0] * 5)]
    old = mkv(*built([sum(sizes[:at]) for at in order]))

    for data in (new := _written(tmp_path, old), _written(tmp_path, new)):
        start, parts = _segment(data)
        clusters = [each for each in children(data, start) if each.name.hex() == "1f43b675"]
        places = [each.start - start for each in clusters]
        assert _numbers(data, parts[bytes.fromhex("1c53bb6b")], "bb", "b7", "f1") == places
        assert [_numbers(data, each, "a7") for each in clusters] == [[place] for place in places]
        seeks = _numbers(data, parts[bytes.fromhex("114d9b74")], "4dbb", "53ac")
        assert [data[start + place :][:4].hex() for place in seeks] == ["1654ae6b", "1254c367", "1c53bb6b"]
        assert b"Kept" in data
        assert OLDER_LABEL not in data


def test_tags_with_nothing_else_are_overwritten_whole(tmp_path: Path) -> None:
    """Who looked for the old tags is led to the new ones."""
    head = element("114d9b74", _seek("1254c367", 0))
    old = mkv(
        element("114d9b74", _seek("1254c367", len(head))), element("1254c367", _tag(b"aigc", OLDER_LABEL)), _cluster()
    )
    data = _written(tmp_path, old)
    start, parts = _segment(data)
    (place,) = _numbers(data, parts[bytes.fromhex("114d9b74")], "4dbb", "53ac")
    assert place == parts[bytes.fromhex("1254c367")].start - start


def test_a_live_stream_keeps_its_unknown_lengths(tmp_path: Path) -> None:
    """Nobody knew how long segment and clusters would be; nothing names a place in them."""
    unknown = b"\x01" + b"\xff" * 7
    cluster = b"\x1f\x43\xb6\x75" + unknown + element("e7", b"\0") + _BLOCK
    old = element("1a45dfa3", element("4282", b"webm")) + b"\x18\x53\x80\x67" + unknown + _TRACKS + cluster * 2
    new = _written(tmp_path, old)
    assert new.endswith(cluster * 2)
    assert b"\x18\x53\x80\x67" + unknown + _TRACKS in new


def test_a_short_length_of_the_segment_grows(tmp_path: Path) -> None:
    """A length of one byte cannot hold the label; the longer one moves no place, which count from behind it."""
    old = element("1a45dfa3", element("4282", b"webm")) + make_element(b"\x18\x53\x80\x67", _cluster())
    _, parts = _segment(_written(tmp_path, old))
    assert set(parts) == {bytes.fromhex("1254c367"), bytes.fromhex("1f43b675")}


def test_a_recording_that_was_cut_off_is_labelled(tmp_path: Path) -> None:
    """It plays up to there, and what is lacking stays lacking."""
    old = mkv(_TRACKS, _cluster(), _cluster())[:-5]
    assert _written(tmp_path, old).endswith(_cluster()[:-5])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x1a\x45\xdf\xa3" + bytes(9), "does not begin"),
        (element("1a45dfa3", element("4282", b"webm")), "no segment"),
        (mkv() + mkv(), "several segments"),
        (mkv(_TRACKS[:-2]), "in the middle"),
        (mkv(b"\x16\x54\xae\x6b\xff"), "how long it is"),
        (mkv(element("1c53bb6b", element("bb", element("b7", element("f1", b"\x63")))), _cluster()), "not there"),
        (mkv(element("1254c367", b"\x73\x73\x99")), "leads nowhere"),
    ],
)
def test_what_cannot_take_a_label_says_why(tmp_path: Path, data: bytes, reason: str) -> None:
    """An index that leads nowhere is not carried on as if it did."""
    with pytest.raises(LabelError, match=reason):
        _written(tmp_path, data)


def test_other_ebml_is_none_of_ours() -> None:
    """The document type tells."""
    assert is_matroska(mkv(kind=b"matroska"))
    assert not is_matroska(mkv(kind=b"other"))
