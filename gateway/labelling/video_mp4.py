"""MP4, QuickTime and M4A files, fragmented ones too: the label goes into `moov`, and what points behind it follows.

Source: ISO/IEC 14496-12. Places in the file are named by `stco` and `co64` (chunks), `saio` (data about encryption),
`tfhd` (a fragment's base, where it has one) and `tfra` (index of fragments); all else is relative. Samples stay as
they are, byte for byte. What else names places is refused, since a wrong one is noticed only when somebody plays it.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gateway.labelling.container import Format
from gateway.labelling.members import LabelError
from gateway.labelling.splice import Kept, Piece, kept_bytes, read_at, write_spliced
from gateway.labelling.video_boxes import Box, boxes_of, children, make_box
from gateway.labelling.video_keys import labelled_moov, labels_in

_PICTURE_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}
)
_SOUND_BRANDS = frozenset({b"M4A ", b"M4B "})
_QUICKTIME_STARTS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_TABLES = {b"stco": 4, b"co64": 8}
_PATHS = frozenset({b"trak", b"mdia", b"minf", b"stbl"})
_WIDTHS = {4: "I", 8: "Q"}
_HEAD_BYTES = 8
_HAS_BASE = 0x01
_SAIO_TYPED = 0x01


def is_mp4(head: bytes) -> bool:
    """Tell a film by a file's first bytes."""
    kind = head[4:8]
    if kind == b"ftyp":
        return head[8:12] not in _PICTURE_BRANDS | _SOUND_BRANDS
    return kind in _QUICKTIME_STARTS


def is_m4a(head: bytes) -> bool:
    """Tell sound in an MP4 file by its first bytes."""
    return head[4:8] == b"ftyp" and head[8:12] in _SOUND_BRANDS


class _Shift:
    """Places in the file before the label went in, and after."""

    def __init__(self, behind: int, by: int) -> None:
        self._behind = behind
        self._by = by

    def table(self, data: bytearray, at: int, count: int, width: int, end: int) -> None:
        """Move the places in a table.

        Raises:
            LabelError: the table leads out of its box, or a place outgrows its width.
        """
        if at + count * width > end:
            raise LabelError("a table of places in the file is damaged")
        form = f">{count}{_WIDTHS[width]}"
        places = struct.unpack_from(form, data, at)
        try:
            struct.pack_into(form, data, at, *map(self.place, places))
        except struct.error:
            raise LabelError(
                "places in the file would outgrow 32 bits; rewrite it with 64-bit offsets first"
            ) from None

    def place(self, place: int) -> int:
        """Return where something is now."""
        return place + self._by if place >= self._behind else place

    @property
    def nothing(self) -> bool:
        """True when everything stays where it is."""
        return not self._by


def mp4_pieces(file: BinaryIO, label: bytes) -> Iterator[Piece]:
    """Give what a labelled file is made of.

    Args:
        file: the file without the label, or with an earlier one.
        label: JSON text of the label.

    Raises:
        LabelError: the file is damaged, or names places in a way that is not known here.
    """
    boxes = list(boxes_of(file))
    moov = _movie(boxes)
    new = bytearray(make_box(b"moov", labelled_moov(read_at(file, moov.body, moov.end - moov.body), label)))
    by = len(new) - (moov.end - moov.start)
    shift = _Shift(moov.end, by if any(box.start >= moov.end for box in boxes) else 0)
    if not shift.nothing:
        _refuse_unknown(boxes, moov, file)
        _move_tables(new, Box(b"moov", 0, _HEAD_BYTES, len(new)), shift)
    for box in boxes:
        if box is moov:
            yield bytes(new)
        elif box.kind in (b"moof", b"mfra") and not shift.nothing:
            yield _moved(bytearray(read_at(file, box.start, box.end - box.start)), box.kind, shift)
        else:
            yield Kept(box.start, box.end)


def _movie(boxes: list[Box]) -> Box:
    movies = [box for box in boxes if box.kind == b"moov"]
    if len(movies) != 1:
        raise LabelError(f"the file has {len(movies)} movie boxes (moov); one is needed to carry a label")
    return movies[0]


def _refuse_unknown(boxes: list[Box], moov: Box, file: BinaryIO) -> None:
    for box in boxes:
        if box.kind == b"sidx" and box.start < moov.start:
            raise LabelError("an index of segments (sidx) stands in front of the movie box, and would point wrong")
        if box.kind == b"meta":
            data = read_at(file, box.body, box.end - box.body)
            if any(each.kind == b"iloc" for each in children(data, min(4, len(data)))):
                raise LabelError("the file has items at places of its own (iloc) beside the film")


def _move_tables(data: bytearray, parent: Box, shift: _Shift) -> None:
    for box in _inside(data, parent.body, parent.end):
        if box.kind in _PATHS:
            _move_tables(data, box, shift)
        elif box.kind == b"cmov":
            raise LabelError("the movie box is compressed; rewrite the file without that first")
        elif box.kind in _TABLES:
            _move_counted(data, box, _TABLES[box.kind], shift)
        elif box.kind == b"saio":
            typed = _word(data, box.body, box.end) & _SAIO_TYPED
            _move_counted(data, box, 8 if data[box.body] else 4, shift, skipped=8 if typed else 0)


def _inside(data: bytearray, start: int, end: int) -> list[Box]:
    part = bytes(data[start:end])
    return [Box(box.kind, box.start + start, box.body + start, box.end + start) for box in children(part)]


def _move_counted(data: bytearray, box: Box, width: int, shift: _Shift, skipped: int = 0) -> None:
    at = box.body + 4 + skipped
    shift.table(data, at + 4, _word(data, at, box.end), width, box.end)


def _word(data: bytearray, at: int, end: int) -> int:
    if at + 4 > end:
        raise LabelError("a table of places in the file is damaged")
    return int(struct.unpack_from(">I", data, at)[0])


def _moved(data: bytearray, kind: bytes, shift: _Shift) -> bytes:
    for box in _inside(data, _body_of(data), len(data)):
        if kind == b"mfra" and box.kind == b"tfra":
            _move_index(data, box, shift)
        elif kind == b"moof" and box.kind == b"traf":
            for each in _inside(data, box.body, box.end):
                if each.kind == b"tfhd" and _word(data, each.body, each.end) & _HAS_BASE:
                    shift.table(data, each.body + 8, 1, 8, each.end)
    return bytes(data)


def _body_of(data: bytearray) -> int:
    return 2 * _HEAD_BYTES if data[:4] == b"\0\0\0\x01" else _HEAD_BYTES


def _move_index(data: bytearray, box: Box, shift: _Shift) -> None:
    lengths, count = _word(data, box.body + 8, box.end), _word(data, box.body + 12, box.end)
    width = 8 if data[box.body] else 4
    entry = 2 * width + sum((lengths >> each & 3) + 1 for each in (4, 2, 0))
    if box.body + 16 + count * entry > box.end:
        raise LabelError("the index of fragments is damaged")
    for number in range(count):
        shift.table(data, box.body + 16 + number * entry + width, 1, width, box.end)


def _write(source: Path, target: Path, label: bytes) -> None:
    write_spliced(source, target, label, mp4_pieces)


def _read(source: Path) -> list[bytes]:
    with source.open("rb") as file:
        movies = [box for box in boxes_of(file) if box.kind == b"moov"]
        return [label for box in movies for label in labels_in(read_at(file, box.body, box.end - box.body))]


def _content(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        for box in list(boxes_of(file)):
            if box.kind == b"mdat":
                yield from kept_bytes(file, Kept(box.body, box.end))


M4A = Format("M4A", (".m4a", ".m4b"), is_m4a, _write, _read, _content)
MP4 = Format("MP4", (".mp4", ".mov", ".m4v"), is_mp4, _write, _read, _content)
