"""Matroska and WebM files: the label in `Segment.Tags.Tag.SimpleTag`, named `AIGC` (TC260-PG-20257A).

Source: RFC 9559. The tag goes in front of the first cluster, where programs that read a file from its beginning see
it; what names places in the segment (`SeekHead`, `Cues`, a cluster's own `Position`) follows. Blocks, and with them
the streams and their times, stay as they are, byte for byte.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.labelling.container import HEAD_BYTES, Format
from gateway.labelling.members import LabelError
from gateway.labelling.splice import MOST_PARTS, Kept, Piece, kept_bytes, read_at, size_of, write_spliced
from gateway.labelling.video_elements import (
    CHECKSUM,
    VOID,
    Element,
    children,
    element_at,
    make_element,
    size_field,
)

_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_POSITION = b"\x11\x4d\x9b\x74", b"\x4d\xbb", b"\x53\xab", b"\x53\xac"
_CLUSTER, _CLUSTER_POSITION = b"\x1f\x43\xb6\x75", b"\xa7"
_CUES, _CUE_POINT, _CUE_TRACK = b"\x1c\x53\xbb\x6b", b"\xbb", b"\xb7"
_CUE_PLACES = frozenset({b"\xf1", b"\xea"})
_TAGS, _TAG, _TARGETS = b"\x12\x54\xc3\x67", b"\x73\x73", b"\x63\xc0"
_SIMPLE_TAG, _TAG_NAME, _TAG_STRING = b"\x67\xc8", b"\x45\xa3", b"\x44\x87"
_LEVEL_1 = frozenset({
    _SEEK_HEAD, _CLUSTER, _CUES, _TAGS,
    b"\x15\x49\xa9\x66", b"\x16\x54\xae\x6b", b"\x10\x43\xa7\x70", b"\x19\x41\xa4\x69",
})  # fmt: skip
_KEY = b"AIGC"
_PLACE_BYTES = 8
# A cluster's position, if it has one, is among its first elements, in front of the blocks.
_CLUSTER_HEAD_BYTES = 64


def is_matroska(head: bytes) -> bool:
    """Tell a Matroska or WebM file by its first bytes."""
    return head[:4] == _EBML and (b"matroska" in head[:64] or b"webm" in head[:64])


@dataclass(frozen=True, slots=True)
class Segment:
    """The one segment of a file.

    Attributes:
        head: its own element.
        parts: elements inside, each with an end.
        end: byte behind the last of them.
    """

    head: Element
    parts: tuple[Element, ...]
    end: int


def segment_of(file: BinaryIO) -> Segment:
    """Return the segment of a file.

    Raises:
        LabelError: there is none, more than one, or it is damaged.
    """
    if not is_matroska(read_at(file, 0, min(HEAD_BYTES, size_of(file)))):
        raise LabelError("the file does not begin as a Matroska or WebM file does")
    at, size = 0, size_of(file)
    while at < size:
        head = element_at(file, at)
        if head.name == _SEGMENT:
            return _segment(file, head, size)
        if head.end is None:
            break
        at = head.end
    raise LabelError("the file has no segment")


def _segment(file: BinaryIO, head: Element, size: int) -> Segment:
    end = size if head.end is None else min(head.end, size)
    if read_at(file, end, min(len(_EBML), size - end)) in {_SEGMENT, _EBML}:
        raise LabelError("the file has several segments; take them apart first")
    parts: list[Element] = []
    at = head.body
    while at < end:
        part = _ended(file, element_at(file, at), end)
        if part.name in {_SEGMENT, _EBML}:
            raise LabelError("the file has several segments; take them apart first")
        parts.append(part)
        at = int(part.end or end)
        if len(parts) > MOST_PARTS:
            raise LabelError("the file has more elements than any program writes")
    return Segment(head, tuple(parts), at)


def _ended(file: BinaryIO, part: Element, end: int) -> Element:
    if part.end is not None:
        # A recording that was cut off ends in the middle of its last cluster, and plays up to there.
        if part.end > end and part.name != _CLUSTER:
            raise LabelError("the file ends in the middle")
        return part._replace(end=min(part.end, end))
    if part.name != _CLUSTER:
        raise LabelError("an element other than a cluster does not say how long it is")
    at, seen = part.body, 0
    while at < end:
        child = element_at(file, at)
        if child.name in _LEVEL_1:
            break
        seen += 1
        if child.end is None or seen > MOST_PARTS:
            raise LabelError(f"the cluster at byte {part.start} is damaged")
        at = min(child.end, end)
    return part._replace(end=at)


def mkv_pieces(file: BinaryIO, label: bytes) -> Iterator[Piece]:
    """Give what a labelled file is made of.

    Args:
        file: the file without the label, or with an earlier one.
        label: JSON text of the label.

    Raises:
        LabelError: the file is damaged, or names places that are not there.
    """
    segment = segment_of(file)
    contents = _contents(file, segment, _own_tags(label))
    places, inside = _places(segment, contents)
    yield Kept(0, segment.head.start)
    yield _segment_head(file, segment, inside)
    for part, content in contents:
        if part is None or isinstance(content, Kept):
            yield from (
                _cluster(file, part, content, places, segment) if part and part.name == _CLUSTER else (content,)
            )
        elif part.name in (_SEEK_HEAD, _CUES):
            yield _moved(content, part.name, places)
        elif content:
            yield content
    yield Kept(segment.end, size_of(file))


def _contents(file: BinaryIO, segment: Segment, tags: bytes) -> list[tuple[Element | None, Piece]]:
    """Return what the segment will be made of; places in it still say what they said, in their final width."""
    contents: list[tuple[Element | None, Piece]] = []
    placed = False
    starts = {part.start - segment.head.body for part in segment.parts if part.name != VOID}
    for part in segment.parts:
        end = int(part.end or segment.end)
        if part.name == _CLUSTER and not placed:
            contents.append((None, tags))
            placed = True
        if part.name == _SEEK_HEAD:
            contents.append((part, _wide_seek_head(read_at(file, part.body, end - part.body), starts)))
        elif part.name == _CUES:
            contents.append((part, _wide_cues(read_at(file, part.body, end - part.body))))
        elif part.name == _TAGS:
            contents.append((part, _without_label(read_at(file, part.body, end - part.body))))
        else:
            contents.append((part, Kept(part.start, end)))
    return contents if placed else [*contents, (None, tags)]


def _places(segment: Segment, contents: list[tuple[Element | None, Piece]]) -> tuple[dict[int, int], int]:
    """Return where each part of the segment goes, by where it was, and how long the segment is."""
    places, at, own = {}, 0, 0
    for part, content in contents:
        if part is None:
            own = at
        else:
            places[part.start - segment.head.body] = at
        at += len(content) if isinstance(content, bytes) else content.end - content.start
    # Tags that had nothing but the old label are gone; who looks for them finds the new ones.
    gone = [part for part, content in contents if part is not None and not content]
    return places | {part.start - segment.head.body: own for part in gone}, at


def _segment_head(file: BinaryIO, segment: Segment, inside: int) -> bytes:
    head = segment.head
    if head.end is None:
        return read_at(file, head.start, head.body - head.start)
    # What a file that was cut off lacks is lacking still; places count from the content, so a longer head moves none.
    missing = head.end - segment.end
    width = head.body - head.start - len(head.name)
    return head.name + size_field(inside + missing, width if inside + missing < (1 << 7 * width) - 1 else 8)


def _wide_seek_head(data: bytes, starts: set[int]) -> bytes:
    seeks = []
    for seek in (each for each in children(data) if each.name == _SEEK):
        fields = children(data, seek.body, seek.end)
        name = b"".join(data[each.body : each.end] for each in fields if each.name == _SEEK_ID)
        place = next((_number(data, each) for each in fields if each.name == _SEEK_POSITION), -1)
        # A hint that leads nowhere is of no use to anybody, and cannot be moved either.
        if place in starts:
            seeks.append(make_element(_SEEK, make_element(_SEEK_ID, name), _place(_SEEK_POSITION, place)))
    return make_element(_SEEK_HEAD, *_checked(data, b"".join(seeks)))


def _wide_cues(data: bytes) -> bytes:
    points = []
    for point in (each for each in children(data) if each.name not in (CHECKSUM, VOID)):
        if point.name != _CUE_POINT:
            points.append(data[point.start : point.end])
            continue
        points.append(make_element(_CUE_POINT, *_wide_point(data, point)))
    return make_element(_CUES, *_checked(data, b"".join(points)))


def _wide_point(data: bytes, point: Element) -> Iterator[bytes]:
    for field in children(data, point.body, point.end):
        if field.name != _CUE_TRACK:
            yield data[field.start : field.end]
            continue
        yield make_element(
            _CUE_TRACK,
            *(
                _place(each.name, _number(data, each)) if each.name in _CUE_PLACES else data[each.start : each.end]
                for each in children(data, field.body, field.end)
            ),
        )


def _number(data: bytes, field: Element) -> int:
    return int.from_bytes(data[field.body : field.end][-_PLACE_BYTES:])


def _place(name: bytes, place: int) -> bytes:
    # Always of the same width, so that moving it moves nothing else.
    return make_element(name, place.to_bytes(_PLACE_BYTES))


def _checked(old: bytes, new: bytes) -> tuple[bytes, bytes]:
    """Return a new content behind its checksum, if the old one had one (RFC 8794 section 11.3.1)."""
    first = next(iter(children(old)), None)
    if first is None or first.name != CHECKSUM:
        return b"", new
    return make_element(CHECKSUM, zlib.crc32(new).to_bytes(4, "little")), new


def _moved(content: bytes, name: bytes, places: dict[int, int]) -> bytes:
    whole = children(content)[0]
    data = bytearray(content[whole.body : whole.end])
    if name == _SEEK_HEAD:
        found = [each for seek in _named(data, _SEEK) for each in _inner(data, seek) if each.name == _SEEK_POSITION]
    else:
        tracks = [
            each for point in _named(data, _CUE_POINT) for each in _inner(data, point) if each.name == _CUE_TRACK
        ]
        found = [each for track in tracks for each in _inner(data, track) if each.name in _CUE_PLACES]
    for each in found:
        old = _number(bytes(data[each.body : each.end]), Element(each.name, 0, 0, _PLACE_BYTES))
        # Zero says that a codec's state is that of the track, which is no place.
        new = places.get(old) if old or each.name != b"\xea" else 0
        if new is None:
            raise LabelError("the index of the file names a cluster that is not there")
        data[each.body : each.end] = new.to_bytes(_PLACE_BYTES)
    rest = bytes(data)
    first = next(iter(children(rest)), None)
    if first is not None and first.name == CHECKSUM:
        rest = b"".join(_checked(rest, rest[first.end :]))
    return make_element(name, rest)


def _named(data: bytearray, name: bytes) -> list[Element]:
    return [each for each in children(bytes(data)) if each.name == name]


def _inner(data: bytearray, parent: Element) -> list[Element]:
    part = bytes(data[parent.body : parent.end])
    return [
        Element(each.name, each.start + parent.body, each.body + parent.body, int(each.end or 0) + parent.body)
        for each in children(part)
    ]


def _cluster(
    file: BinaryIO, part: Element, content: Piece, places: dict[int, int], segment: Segment
) -> Iterator[Piece]:
    """Give a cluster, with its own place in it put right."""
    head = _cluster_head(file, part)
    if all(child.name != _CLUSTER_POSITION for child in head):
        yield content
        return
    yield Kept(part.start, part.body)
    for child in head:
        if child.name == CHECKSUM:
            # It would be wrong; the id of nothing is as long, so nothing moves.
            yield VOID + read_at(file, child.start + 1, int(child.end or 0) - child.start - 1)
        elif child.name == _CLUSTER_POSITION:
            yield _own_place(file, child, places[part.start - segment.head.body])
        else:
            yield Kept(child.start, int(child.end or 0))
    yield Kept(int(head[-1].end or 0), int(part.end or 0))


def _cluster_head(file: BinaryIO, part: Element) -> list[Element]:
    """Return the elements in front of a cluster's blocks."""
    head: list[Element] = []
    at, end = part.body, min(int(part.end or 0), part.body + _CLUSTER_HEAD_BYTES)
    while at < end:
        child = element_at(file, at)
        if child.end is None or child.end > end:
            break
        head.append(child)
        at = child.end
    return head


def _own_place(file: BinaryIO, field: Element, place: int) -> bytes:
    width = int(field.end or 0) - field.body
    head = read_at(file, field.start, field.body - field.start)
    if place >> 8 * width:
        return VOID + head[1:] + bytes(width)
    return head + place.to_bytes(width)


def _own_tags(label: bytes) -> bytes:
    simple = make_element(_SIMPLE_TAG, make_element(_TAG_NAME, _KEY), make_element(_TAG_STRING, label))
    # Without a target a tag speaks of the whole file.
    return make_element(_TAGS, make_element(_TAG, make_element(_TARGETS), simple))


def _label_in(data: bytes, simple: Element) -> bytes | None:
    fields = children(data, simple.body, simple.end)
    name = next((data[each.body : each.end] for each in fields if each.name == _TAG_NAME), b"")
    if name.strip(b"\0").upper() != _KEY:
        return None
    return next((data[each.body : each.end].strip(b"\0") for each in fields if each.name == _TAG_STRING), b"")


def _without_label(data: bytes) -> bytes:
    """Return tags without the label; nothing when they had no more than that."""
    tags = []
    for tag in (each for each in children(data) if each.name not in (CHECKSUM, VOID)):
        fields = children(data, tag.body, tag.end)
        kept = [each for each in fields if each.name != _SIMPLE_TAG or _label_in(data, each) is None]
        if len(kept) == len(fields):
            tags.append(data[tag.start : tag.end])
        elif any(each.name == _SIMPLE_TAG for each in kept):
            tags.append(make_element(tag.name, *(data[each.start : each.end] for each in kept)))
    return make_element(_TAGS, *_checked(data, b"".join(tags))) if tags else b""


def _write(source: Path, target: Path, label: bytes) -> None:
    write_spliced(source, target, label, mkv_pieces)


def _read(source: Path) -> list[bytes]:
    found: list[bytes] = []
    with source.open("rb") as file:
        for part in segment_of(file).parts:
            if part.name == _TAGS and part.end is not None:
                data = read_at(file, part.body, part.end - part.body)
                found += _labels_in(data)
    return found


def _labels_in(data: bytes) -> Iterator[bytes]:
    for tag in (each for each in children(data) if each.name == _TAG):
        for simple in children(data, tag.body, tag.end):
            label = _label_in(data, simple) if simple.name == _SIMPLE_TAG else None
            if label is not None:
                yield label


def _content(source: Path) -> Iterator[bytes]:
    # From each cluster the blocks; its place in the file depends on the label.
    with source.open("rb") as file:
        for part in segment_of(file).parts:
            if part.name == _CLUSTER and part.end is not None:
                yield from _blocks(file, part)


def _blocks(file: BinaryIO, cluster: Element) -> Iterator[bytes]:
    at, end = cluster.body, int(cluster.end or 0)
    while at < end:
        child = element_at(file, at)
        stop = end if child.end is None else min(child.end, end)
        if child.name not in (CHECKSUM, VOID, _CLUSTER_POSITION):
            yield from kept_bytes(file, Kept(child.start, stop))
        at = stop


MATROSKA = Format("Matroska", (".mkv", ".webm", ".mka"), is_matroska, _write, _read, _content)
