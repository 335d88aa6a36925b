"""Labels in HEIF (HEIC) and AVIF stills: an item of the type ``application/rdf+xml`` that describes the picture.

Sources: ISO/IEC 23008-12 Annex A, TC260-PG-20259A. The packet is put at the end of the file; the tables in front of
the picture grow, and every offset behind them moves with it. Sequences have offsets in tables of their own and are
refused.
"""

from dataclasses import replace
from pathlib import Path
from typing import IO, NamedTuple

from gateway.labelling import xmp
from gateway.labelling.container import Format
from gateway.labelling.images import exif
from gateway.labelling.images.boxes import Box, Cursor, FileBox, boxes, file_boxes
from gateway.labelling.images.items import (
    IN_FILE,
    IN_TABLE,
    Extent,
    Locations,
    Place,
    item_types,
    read_locations,
    with_description,
    with_xmp_item,
)
from gateway.labelling.members import LabelError
from gateway.labelling.streams import copy, go_to, read_exactly

_MOST_META_BYTES = 8 * 1024 * 1024
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_SEQUENCES = frozenset({b"moov", b"moof", b"sidx", b"mfra"})


class _File(NamedTuple):
    """The parts of a file that say where things are."""

    meta: FileBox
    boxes: list[FileBox]
    tables: list[Box]
    locations: Locations
    types: dict[int, bytes]

    def table(self, kind: bytes) -> bytes | None:
        return next((each.body for each in self.tables if each.kind == kind), None)

    def place(self, kind: bytes) -> Place | None:
        return next((each for each in self.locations.places if self.types.get(each.item) == kind), None)


def _open(file: IO[bytes]) -> _File:
    found = list(file_boxes(file))
    meta = next((each for each in found if each.kind == b"meta"), None)
    if meta is None:
        raise LabelError("the file is damaged: it has no table of its pictures")
    if meta.size > _MOST_META_BYTES:
        raise LabelError(f"the file's tables have {meta.size} bytes; no more than {_MOST_META_BYTES} are read")
    file.seek(meta.start + meta.head_bytes)
    tables = boxes(read_exactly(file, meta.size - meta.head_bytes)[4:])
    named = {each.kind: each.body for each in tables}
    if b"iloc" not in named or b"iinf" not in named:
        raise LabelError("the file is damaged: it does not say what it holds, or where")
    return _File(meta, found, tables, read_locations(named[b"iloc"]), item_types(named[b"iinf"]))


def _read(source: Path) -> list[bytes]:
    labels: list[bytes] = []
    with source.open("rb") as file:
        opened = _open(file)
        for place in opened.locations.places:
            kind = opened.types.get(place.item)
            if kind == b"xmp":
                labels += xmp.labels_in(_data(file, opened, place))
            elif kind == b"Exif":
                # ISO/IEC 23008-12 A.2.1: four bytes say how far the block itself is.
                data = _data(file, opened, place)
                labels += exif.labels_in(data[4 + int.from_bytes(data[:4]) :])
    return labels


def _data(file: IO[bytes], opened: _File, place: Place) -> bytes:
    if sum(each.length for each in place.extents) > xmp.MOST_PACKET_BYTES:
        raise LabelError("the file has metadata of more than 2 MiB; no more are read")
    if place.reference or place.method not in (IN_FILE, IN_TABLE):
        return b""
    pieces = []
    inner = opened.table(b"idat") or b""
    for each in place.extents:
        if place.method == IN_TABLE:
            pieces.append(inner[each.offset : each.offset + each.length])
        else:
            go_to(file, each.offset)
            pieces.append(read_exactly(file, each.length))
    return b"".join(pieces)


def _write(source: Path, target: Path, label: bytes) -> None:
    with source.open("rb") as file, target.open("w+b") as out:
        opened = _open(file)
        if any(each.kind in _SEQUENCES for each in opened.boxes):
            raise LabelError(
                "the file holds a sequence or a film; its label is not written here, only that of stills"
            )
        old = opened.place(b"xmp")
        packet = xmp.packet_with(label, _data(file, opened, old) if old else None)
        length = opened.boxes[-1].start + opened.boxes[-1].size
        # Once to know how much longer the tables get, once with places that are true after that.
        grown = len(_meta(opened, old, Extent(0, length, len(packet)), 0)) - opened.meta.size
        extent = Extent(0, length + grown + 8, len(packet))
        meta = _meta(opened, old, extent, grown)
        if len(meta) != opened.meta.size + grown or extent.offset + len(packet) >= 2**32:
            raise LabelError("the file is longer than the 4 GiB that are taken here")
        for each in opened.boxes:
            out.write(meta) if each.start == opened.meta.start else _copy_box(file, out, each)
        out.write(Box(b"mdat", packet).encoded())
        if old and old.method == IN_FILE and not old.reference:
            _blank(out, old.moved(opened.meta.start + opened.meta.size, grown))


def _meta(opened: _File, old: Place | None, extent: Extent, grown: int) -> bytes:
    """Return the box of tables with the packet in it."""
    behind = opened.meta.start + opened.meta.size
    places = [each.moved(behind, grown) for each in opened.locations.places if each is not old]
    item = old.item if old else max([*opened.types, *(each.item for each in places), 0]) + 1
    places.append(Place(item, IN_FILE, 0, (extent,)))
    version = 2 if item >= 2**16 else opened.locations.version
    changed = {b"iloc": replace(opened.locations, version=version, places=tuple(places)).encoded()}
    if old is None:
        changed[b"iinf"] = with_xmp_item(opened.table(b"iinf") or b"", item)
        changed[b"iref"] = with_description(opened.table(b"iref"), item, _primary(opened))
    tables = [changed.pop(each.kind, each) for each in opened.tables]
    return Box(b"meta", bytes(4) + b"".join(each.encoded() for each in [*tables, *changed.values()])).encoded()


def _primary(opened: _File) -> int:
    body = opened.table(b"pitm")
    if body is None:
        raise LabelError("the file is damaged: it does not say which picture is its first")
    cursor = Cursor(body)
    return cursor.number(2 if cursor.number(4) >> 24 == 0 else 4)


def _copy_box(file: IO[bytes], out: IO[bytes], box: FileBox) -> None:
    file.seek(box.start)
    if box.open_ended:
        # Something follows it now, so it has to say where it ends.
        if box.size >= 2**32:
            raise LabelError("the file is longer than the 4 GiB that are taken here")
        file.seek(4, 1)
        out.write(box.size.to_bytes(4))
        copy(file, out, box.size - 4)
    else:
        copy(file, out, box.size)


def _blank(out: IO[bytes], place: Place) -> None:
    # It parsed as a packet, so it is no picture; unreferenced it would still be found by who searches the bytes.
    for each in place.extents:
        out.seek(each.offset)
        out.write(bytes(each.length))


def _brands(head: bytes) -> set[bytes]:
    if head[4:8] != b"ftyp":
        return set()
    size = min(int.from_bytes(head[:4]), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, size, 4))}


def _sniff_heif(head: bytes) -> bool:
    brands = _brands(head)
    return bool(brands & _HEIF_BRANDS) and not brands & _AVIF_BRANDS


def _sniff_avif(head: bytes) -> bool:
    return bool(_brands(head) & _AVIF_BRANDS)


HEIF = Format("HEIF", (".heic", ".heif", ".hif"), _sniff_heif, _write, _read)
AVIF = Format("AVIF", (".avif",), _sniff_avif, _write, _read)
