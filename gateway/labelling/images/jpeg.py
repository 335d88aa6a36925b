"""Labels in JPEG: the XMP packet in an ``APP1`` segment.

Sources: ITU-T T.81 Annex B, Adobe XMP Part 3 1.1.3, TC260-PG-20259A. Vendors also write EXIF comments and bare text
near the header; these are read, and blanked when the label is written where the standard has it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from gateway.labelling import traces, xmp
from gateway.labelling.container import Format
from gateway.labelling.images import exif
from gateway.labelling.members import LabelError
from gateway.labelling.streams import copy, pieces, read_exactly, truncated

_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF_HEADER = b"Exif\0\0"
_SOI, _SOS, _EOI, _APP0, _APP1, _APP15, _COM = 0xD8, 0xDA, 0xD9, 0xE0, 0xE1, 0xEF, 0xFE
_APP11 = 0xEB
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_MOST_SEGMENT_BYTES = 0xFFFF - 2
# A picture has some dozens; colour profiles and depth maps come in hundreds.
_MOST_SEGMENTS = 20_000
# They are held while a label is written. Depth maps and the like fill some megabytes.
_MOST_HEADER_BYTES = 32 * 1024 * 1024
# Decoders skip bytes between segments, and some vendor's label stands there.
_MOST_GAP_BYTES = 64 * 1024


class _Segment(NamedTuple):
    marker: int  # 0 for bytes between segments
    start: int
    data: bytes


def _segments(file: IO[bytes]) -> Iterator[_Segment]:
    """Yield everything in front of the first scan; the file then stands at its marker."""
    read_exactly(file, 2)  # the start of image, which sniffing saw
    for _ in range(_MOST_SEGMENTS):
        start = file.tell()
        gap, marker = _next_marker(file)
        if gap:
            yield _Segment(0, start, gap)
            start += len(gap)
        if marker in (_SOS, _EOI):
            file.seek(start)
            return
        if marker in _ALONE:
            yield _Segment(marker, start, b"")
            continue
        size = int.from_bytes(read_exactly(file, 2)) - 2
        if size < 0:
            raise LabelError("the JPEG is damaged: a segment is shorter than its own length")
        if start + size > _MOST_HEADER_BYTES:
            raise LabelError(
                f"the JPEG has more than {_MOST_HEADER_BYTES} bytes before its picture; no more are read"
            )
        yield _Segment(marker, start, read_exactly(file, size))
    raise LabelError(f"the JPEG has more than {_MOST_SEGMENTS} segments before its picture; no more are read")


def _next_marker(file: IO[bytes]) -> tuple[bytes, int]:
    """Return the bytes in front of the next marker, without fill bytes, and the marker; the file stands behind it."""
    start = file.tell()
    window = file.read(2)
    if len(window) < 2 or window[0] != 0xFF or window[1] in (0x00, 0xFF):  # noqa: PLR2004 what nearly always stands
        window += file.read(_MOST_GAP_BYTES)
    at = window.find(b"\xff")
    while 0 <= at < len(window) - 1:
        if window[at + 1] not in (0x00, 0xFF):
            file.seek(start + at + 2)
            return window[:at], window[at + 1]
        at = window.find(b"\xff", at + 1)
    if len(window) < _MOST_GAP_BYTES:
        raise truncated()
    raise LabelError("the JPEG is damaged: there is no marker where one has to be")


def _read(source: Path) -> list[bytes]:
    labels: list[bytes] = []
    with source.open("rb") as file:
        for segment in _segments(file):
            labels += xmp.labels_in(segment.data[len(_XMP_HEADER) :]) if _is_xmp(segment) else _traces(segment)
    return labels


def _traces(segment: _Segment) -> list[bytes]:
    """Return the labels in a segment that was not made for one."""
    if segment.marker == _APP1 and segment.data.startswith(_EXIF_HEADER):
        return exif.labels_in(segment.data[len(_EXIF_HEADER) :])
    if not _is_xmp(segment) and (segment.marker == 0 or _APP0 <= segment.marker <= _COM):
        return traces.labels_in(segment.data)
    return []


def _write(source: Path, target: Path, label: bytes) -> None:
    with source.open("rb") as file, target.open("wb") as out:
        segments = list(_segments(file))
        scan_at = file.tell()
        packets = [each for each in segments if _is_xmp(each)]
        old = packets[0] if packets else None
        _check_places(segments, old)
        packet = xmp.packet_with(label, old.data[len(_XMP_HEADER) :] if old else None)
        data = _XMP_HEADER + packet
        if len(data) > _MOST_SEGMENT_BYTES:
            raise LabelError("the file's XMP packet leaves no room for a label in its 65,533 bytes")
        place = old.start if old else _place(segments, scan_at)
        file.seek(0)
        copy(file, out, place)
        out.write(bytes((0xFF, _APP1)) + (len(data) + 2).to_bytes(2) + data)
        file.seek(place + 4 + len(old.data) if old else place)
        copy(file, out)
        _blank(out, segments, place, out.tell() - file.tell())


def _blank(out: IO[bytes], segments: list[_Segment], place: int, moved: int) -> None:
    """Overwrite the labels in other places, which the one that was written replaces."""
    for each in segments:
        if found := _traces(each):
            # Bytes between segments have no head.
            start = each.start + (4 if each.marker else 0)
            out.seek(start + moved if each.start >= place else start)
            out.write(traces.blanked(each.data, found))


def _place(segments: list[_Segment], scan_at: int) -> int:
    """Return where a new packet goes: behind JFIF and EXIF, which readers want first."""
    for each in segments:
        if each.marker != _APP0 and not (each.marker == _APP1 and each.data.startswith(_EXIF_HEADER)):
            return each.start
    return scan_at


def _check_places(segments: list[_Segment], old: _Segment | None) -> None:
    # CIPA DC-007: a multi-picture index counts from its own place to pictures behind this one.
    index = next((each.start for each in segments if each.data.startswith(b"MPF\0")), None)
    if old is not None and index is not None and index < old.start:
        raise LabelError(
            "the JPEG has an index of several pictures before its XMP packet, which a label would displace"
        )


def _content(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        for segment in _segments(file):
            if segment.marker and not _APP0 <= segment.marker <= _APP15 and segment.marker != _COM:
                yield bytes((segment.marker,)) + len(segment.data).to_bytes(2) + segment.data
        yield from pieces(file, None)


def with_manifest(source: Path, picture: Path, target: Path) -> None:
    """Write a picture with the C2PA manifest of the file it was made from (C2PA 2.4 A.3.1: ``APP11``, ISO 19566-5).

    Args:
        source: has the manifest.
        picture: the same drawn on, without.
        target: where it goes.

    Raises:
        LabelError: one of the two is damaged.
    """
    with source.open("rb") as file, picture.open("rb") as drawn, target.open("wb") as out:
        place = _place(list(_segments(drawn)), drawn.tell())
        drawn.seek(0)
        copy(drawn, out, place)
        for each in _segments(file):
            if each.marker == _APP11 and each.data.startswith(b"JP"):
                out.write(bytes((0xFF, _APP11)) + (len(each.data) + 2).to_bytes(2) + each.data)
        copy(drawn, out)


def _is_xmp(segment: _Segment) -> bool:
    return segment.marker == _APP1 and segment.data.startswith(_XMP_HEADER)


def _sniff(head: bytes) -> bool:
    return head.startswith(bytes((0xFF, _SOI, 0xFF)))


JPEG = Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), _sniff, _write, _read, _content)
