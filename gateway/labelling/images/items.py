"""The tables of a still picture's items: what they are, where they stand, what refers to what.

Source: ISO/IEC 14496-12 8.11.3 (`iloc`), 8.11.6 (`iinf`), 8.11.12 (`iref`), ISO/IEC 23008-12 6.10 and Annex A
(metadata items).
"""

from dataclasses import dataclass, replace

from gateway.labelling.images.boxes import Box, Cursor, boxes
from gateway.labelling.members import LabelError

MOST_ITEMS = 10_000
_MOST_EXTENTS = 100_000
IN_FILE, IN_TABLE = 0, 1
"""Ways an item's place is counted: from the beginning of the file, or inside the box `idat`."""
_XMP_TYPE = b"application/rdf+xml"
_WIDE = 2**32


@dataclass(frozen=True, slots=True)
class Extent:
    """One piece of an item: the index some items have, offset with the base added, length."""

    index: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands.

    Attributes:
        item: its number.
        method: how offsets are counted.
        reference: 0 for this file.
        extents: its pieces.
    """

    item: int
    method: int
    reference: int
    extents: tuple[Extent, ...]

    def moved(self, behind: int, by: int) -> "Place":
        """Return the place after everything behind an offset of the file moved.

        Args:
            behind: offset from which on things move.
            by: bytes they move by.
        """
        if self.method != IN_FILE or self.reference:
            return self
        return replace(
            self,
            extents=tuple(
                replace(each, offset=each.offset + by) if each.offset >= behind else each for each in self.extents
            ),
        )


@dataclass(frozen=True, slots=True)
class Locations:
    """The table `iloc`.

    Attributes:
        version: of the table.
        index_bytes: width of the index of extents.
        places: one for each item.
    """

    version: int
    index_bytes: int
    places: tuple[Place, ...]

    def encoded(self) -> Box:
        """Return the table as a box, with offsets as wide as they have to be and no bases."""
        extents = [extent for place in self.places for extent in place.extents]
        width = 8 if any(each.offset >= _WIDE or each.length >= _WIDE for each in extents) else 4
        id_bytes = 4 if self.version == 2 else 2  # noqa: PLR2004 as 8.11.3.2 says
        body = bytearray((max(self.version, 1), 0, 0, 0, width << 4 | width, self.index_bytes))
        body += len(self.places).to_bytes(id_bytes)
        for place in self.places:
            body += place.item.to_bytes(id_bytes) + place.method.to_bytes(2) + place.reference.to_bytes(2)
            body += len(place.extents).to_bytes(2)
            for each in place.extents:
                body += each.index.to_bytes(self.index_bytes) + each.offset.to_bytes(width)
                body += each.length.to_bytes(width)
        return Box(b"iloc", bytes(body))


def read_locations(body: bytes) -> Locations:
    """Read the table `iloc`."""
    cursor = Cursor(body)
    version = cursor.number(4) >> 24
    if version > 2:  # noqa: PLR2004 the last there is
        raise LabelError("the file has a table of places in a version that is not known here")
    widths = cursor.number(2)
    offset_bytes, length_bytes, base_bytes, index_bytes = (widths >> shift & 15 for shift in (12, 8, 4, 0))
    if {offset_bytes, length_bytes, base_bytes} - {0, 4, 8}:
        raise LabelError("the file is damaged: its table of places has numbers of no known width")
    index_bytes = index_bytes if version else 0
    id_bytes = 4 if version == 2 else 2  # noqa: PLR2004 as 8.11.3.2 says
    count = cursor.number(id_bytes)
    if count > MOST_ITEMS:
        raise LabelError(f"the file says it has {count} items; no more than {MOST_ITEMS} are read")
    places, left = [], _MOST_EXTENTS
    for _ in range(count):
        item, method = cursor.number(id_bytes), cursor.number(2) & 15 if version else IN_FILE
        reference, base, extents = cursor.number(2), cursor.number(base_bytes), []
        pieces = cursor.number(2)
        left -= pieces
        if left < 0:
            raise LabelError(f"the file has items in more than {_MOST_EXTENTS} pieces; no more are read")
        for _ in range(pieces):
            index, offset = cursor.number(index_bytes), cursor.number(offset_bytes)
            extents.append(Extent(index, base + offset, cursor.number(length_bytes)))
        places.append(Place(item, method, reference, tuple(extents)))
    return Locations(version, index_bytes, tuple(places))


def item_types(body: bytes) -> dict[int, bytes]:
    """Return number and type of each item in the table `iinf`; XMP items have the type ``xmp``.

    Args:
        body: the table.
    """
    cursor = Cursor(body)
    cursor.number(2 if cursor.number(4) >> 24 == 0 else 4)
    types = {}
    for entry in boxes(cursor.rest):
        inner = Cursor(entry.body)
        version = inner.number(4) >> 24
        if entry.kind != b"infe" or version < 2:  # noqa: PLR2004 older ones have no type
            continue
        item = inner.number(2 if version == 2 else 4)  # noqa: PLR2004 as 8.11.6.2 says
        inner.number(2)
        kind = inner.take(4)
        content = inner.rest.partition(b"\0")[2].partition(b"\0")[0]
        types[item] = b"xmp" if kind == b"mime" and content == _XMP_TYPE else kind
    return types


def with_xmp_item(body: bytes, item: int) -> Box:
    """Return the table `iinf` with an XMP item more.

    Args:
        body: the table.
        item: the new item's number.
    """
    wide = body[:1] != b"\0"
    cursor = Cursor(body, 4)
    count = cursor.number(4 if wide else 2) + 1
    # Version 3 of an entry has numbers of four bytes.
    version, id_bytes = (2, 2) if item < 2**16 else (3, 4)
    entry = bytes((version, 0, 0, 0)) + item.to_bytes(id_bytes) + bytes(2) + b"mime" + b"\0" + _XMP_TYPE + b"\0"
    head = body[:4] + count.to_bytes(4 if wide else 2)
    return Box(b"iinf", head + cursor.rest + Box(b"infe", entry).encoded())


def with_description(body: bytes | None, item: int, primary: int) -> Box:
    """Return the table `iref` in which an item describes the picture.

    Args:
        body: the table; None where there is none.
        item: number of what describes.
        primary: number of the picture.
    """
    wide = body[:1] != b"\0" if body is not None else max(item, primary) >= 2**16
    head = body if body is not None else bytes((int(wide), 0, 0, 0))
    id_bytes = 4 if wide else 2
    if max(item, primary) >= 2 ** (8 * id_bytes):
        raise LabelError("the file's table of references has no room for another item")
    reference = item.to_bytes(id_bytes) + (1).to_bytes(2) + primary.to_bytes(id_bytes)
    return Box(b"iref", head + Box(b"cdsc", reference).encoded())
