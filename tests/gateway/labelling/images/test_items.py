"""The tables of items say the same after they were written anew."""

import pytest

from gateway.labelling.images.boxes import boxes
from gateway.labelling.images.items import (
    Extent,
    Locations,
    Place,
    item_types,
    read_locations,
    with_description,
    with_xmp_item,
)
from gateway.labelling.members import LabelError

_EMPTY_ITEMS = bytes(4) + bytes(2)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_places_are_read_as_written(version: int) -> None:
    """Whatever the width of numbers and the count of pieces."""
    wide = Place(2, 0, 0, (Extent(0, 2**33, 7),))
    for places in [(Place(1, 1, 0, (Extent(0, 5, 6), Extent(0, 11, 2))),), (Place(1, 0, 0, ()), wide)]:
        written = Locations(version, 0, places).encoded()
        assert read_locations(written.body).places == places


def test_bases_are_added() -> None:
    """A place is told by its sum."""
    body = bytes((0, 0, 0, 0, 0x44, 0x40)) + (1).to_bytes(2) + (9).to_bytes(2) + bytes(2)
    body += (100).to_bytes(4) + (1).to_bytes(2) + (5).to_bytes(4) + (6).to_bytes(4)
    assert read_locations(body).places == (Place(9, 0, 0, (Extent(0, 105, 6),)),)


def test_only_what_lies_behind_moves() -> None:
    """And only what counts from the beginning of this file."""
    before, behind = Extent(0, 10, 1), Extent(0, 50, 1)
    assert Place(1, 0, 0, (before, behind)).moved(50, 7).extents == (before, Extent(0, 57, 1))
    for other in (Place(1, 1, 0, (behind,)), Place(1, 0, 1, (behind,))):
        assert other.moved(0, 7) == other


@pytest.mark.parametrize(
    "body",
    [
        bytes((3, 0, 0, 0)) + bytes(20),
        bytes((0, 0, 0, 0, 0x33, 0)) + bytes(20),
        bytes((0, 0, 0, 0, 0x44, 0)) + b"\xff\xff" + bytes(20),
        bytes((0, 0, 0, 0, 0, 0)) + b"\0\xff" + b"\0\1\0\0\xff\xff" * 255,
    ],
    ids=["version", "width", "items", "pieces"],
)
def test_strange_tables_are_refused(body: bytes) -> None:
    """Unknown versions and widths, and more than anybody needs."""
    with pytest.raises(LabelError):
        read_locations(body)


@pytest.mark.parametrize("item", [7, 70_000])
def test_xmp_item_is_added_and_describes_the_picture(item: int) -> None:
    """Under numbers of either width."""
    table = with_xmp_item(_EMPTY_ITEMS, item)
    assert item_types(table.body) == {item: b"xmp"}
    assert item_types(with_xmp_item(table.body, item + 1).body) == {item: b"xmp", item + 1: b"xmp"}
    references = with_description(None, item, 1).body
    assert [each.kind for each in boxes(references[4:])] == [b"cdsc"]
    again = with_description(references, item, 1).body
    assert [each.kind for each in boxes(again[4:])] == [b"cdsc", b"cdsc"]
    with pytest.raises(LabelError):
        with_description(bytes(4), 70_000, 1)
