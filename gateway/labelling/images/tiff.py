"""Labels in TIFF and BigTIFF: the XMP packet in tag 700 of the first directory.

Sources: TIFF 6.0 section 2, Adobe XMP Part 3 1.1.6, TC260-PG-20259A. The first directory is written anew at the end
of the file, with the packet; pictures, their strips and other directories stay where they are.
"""

import struct
from pathlib import Path
from typing import IO, NamedTuple

from gateway.labelling import xmp
from gateway.labelling.container import Format
from gateway.labelling.images import exif
from gateway.labelling.members import LabelError
from gateway.labelling.streams import copy, go_to, read_exactly

_XMP_TAG = 700
_BYTE, _UNDEFINED = 1, 7
_BIG = 43
_MOST_ENTRIES = 4096


class _Layout(NamedTuple):
    """How numbers stand: classic TIFF counts in 32 bits, BigTIFF in 64."""

    order: str
    entries: str
    offset: str
    first_at: int

    @property
    def entry(self) -> struct.Struct:
        return struct.Struct(f"{self.order}HH{self.offset}")

    @property
    def inline_bytes(self) -> int:
        return struct.calcsize(self.order + self.offset)

    @property
    def entry_bytes(self) -> int:
        return self.entry.size + self.inline_bytes


class _Entry(NamedTuple):
    tag: int
    kind: int
    number: int
    value: bytes  # as it stands: the value itself or its offset


def _layout(head: bytes) -> _Layout:
    order = "<" if head[:2] == b"II" else ">"
    return _Layout(order, "Q", "Q", 8) if _BIG in head[2:4] else _Layout(order, "H", "I", 4)


def _directory(file: IO[bytes]) -> tuple[_Layout, list[_Entry], bytes]:
    """Return the layout, the entries of the first directory, and the offset of the next one as it stands."""
    file.seek(0)
    layout = _layout(read_exactly(file, 8))
    file.seek(layout.first_at)
    go_to(file, _number(file, layout.order + layout.offset))
    count = _number(file, layout.order + layout.entries)
    if not 0 < count <= _MOST_ENTRIES:
        raise LabelError(f"the TIFF is damaged: its first directory says it has {count} entries")
    entries = []
    for _ in range(count):
        raw = read_exactly(file, layout.entry_bytes)
        tag, kind, number = layout.entry.unpack_from(raw)
        entries.append(_Entry(tag, kind, number, raw[layout.entry.size :]))
    return layout, entries, read_exactly(file, layout.inline_bytes)


def _number(file: IO[bytes], form: str) -> int:
    (number,) = struct.unpack(form, read_exactly(file, struct.calcsize(form)))
    return int(number)


def _value(file: IO[bytes], layout: _Layout, entry: _Entry) -> tuple[int, bytes]:
    """Return where a value of bytes stands, and the value; 0 for one that stands in the entry."""
    if entry.number > xmp.MOST_PACKET_BYTES:
        raise LabelError(f"the TIFF's XMP packet has {entry.number} bytes; no more than 2 MiB are read")
    if entry.number <= layout.inline_bytes:
        return 0, entry.value[: entry.number]
    (at,) = struct.unpack(layout.order + layout.offset, entry.value)
    go_to(file, at)
    return at, read_exactly(file, entry.number)


def _read(source: Path) -> list[bytes]:
    labels: list[bytes] = []
    with source.open("rb") as file:
        layout, entries, _ = _directory(file)
        for entry in entries:
            if entry.tag == _XMP_TAG and entry.kind in (_BYTE, _UNDEFINED):
                labels += xmp.labels_in(_value(file, layout, entry)[1])

        def at(offset: int, size: int) -> bytes:
            file.seek(offset)
            return file.read(size)

        # EXIF is a classic TIFF, and a TIFF has EXIF's tags in directories of its own.
        return labels + (exif.labels_at(at) if layout.offset == "I" else [])


def _write(source: Path, target: Path, label: bytes) -> None:
    with source.open("rb") as file, target.open("w+b") as out:
        layout, entries, following = _directory(file)
        old = next((each for each in entries if each.tag == _XMP_TAG), None)
        if old and old.kind not in (_BYTE, _UNDEFINED):
            raise LabelError("the TIFF is damaged: its XMP packet is not made of bytes")
        at, packet = _value(file, layout, old) if old else (0, None)
        packet = xmp.packet_with(label, packet)
        file.seek(0)
        copy(file, out)
        if old and at:
            # What nothing points at any more would still be found by whoever searches the bytes. It parsed as a
            # packet, so it is no picture.
            out.seek(at)
            out.write(bytes(old.number))
        out.seek(0, 2)
        _append(out, layout, [each for each in entries if each.tag != _XMP_TAG], following, packet)


def _append(out: IO[bytes], layout: _Layout, entries: list[_Entry], following: bytes, packet: bytes) -> None:
    packet_at = _aligned(out)
    out.write(packet)
    directory_at = _aligned(out)
    size = (len(entries) + 1) * layout.entry_bytes + 16
    if layout.offset == "I" and directory_at + size >= 2**32:
        raise LabelError("the TIFF would be longer than the 4 GiB its format can say")
    pointer = struct.pack(layout.order + layout.offset, packet_at)
    # TIFF 6.0 section 2: entries stand in the order of their tags.
    written = sorted([*entries, _Entry(_XMP_TAG, _UNDEFINED, len(packet), pointer)], key=lambda each: each.tag)
    out.write(struct.pack(layout.order + layout.entries, len(written)))
    for each in written:
        out.write(layout.entry.pack(each.tag, each.kind, each.number) + each.value)
    out.write(following)
    out.seek(layout.first_at)
    out.write(struct.pack(layout.order + layout.offset, directory_at))


def _aligned(out: IO[bytes]) -> int:
    out.write(bytes(-out.tell() % 8))
    return out.tell()


def _sniff(head: bytes) -> bool:
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


TIFF = Format("TIFF", (".tif", ".tiff"), _sniff, _write, _read)
