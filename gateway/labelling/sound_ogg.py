"""Ogg files with Vorbis, Opus or FLAC: the label under `AIGC` in the comment header (TC260-PG-202510A).

Sources: RFC 3533 (pages, their checksum), RFC 7845 (Opus), the Vorbis I specification (three headers; audio begins on
a page of its own), the Ogg FLAC mapping. The header pages are laid out anew; of the pages behind them only number and
checksum change, and those only where the headers take another count of pages than before.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.labelling.container import Format
from gateway.labelling.members import LabelError
from gateway.labelling.sound_comments import Comments, parse_comments
from gateway.labelling.splice import (
    MOST_PART_BYTES,
    MOST_PARTS,
    Kept,
    Piece,
    kept_bytes,
    read_at,
    size_of,
    write_spliced,
)

_HEAD = struct.Struct("<4sBBqIIIB")
_CONTINUED, _BEGINS = 0x01, 0x02
_MOST_SEGMENTS = 255
_NO_POSITION = -1
_MOST_HEADER_PAGES = 10_000
_COUNT_MASK = 0xFFFFFFFF
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
# A header of FLAC in Ogg is a block as in a FLAC file (RFC 9639 section 8.1).
_BLOCK_HEAD_BYTES, _BLOCK_KIND, _COMMENT_BLOCK = 4, 0x7F, 4
_VORBIS_HEADERS, _OPUS_HEADERS = 3, 2


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        flags: continued, first, last.
        position: granule position.
        serial: number of its stream.
        sequence: number of the page in its stream.
        lacing: lengths of its segments.
        start: first byte.
        body: first byte of its content.
        end: byte behind it.
    """

    flags: int
    position: int
    serial: int
    sequence: int
    lacing: bytes
    start: int
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class Headers:
    """The pages in front of the audio.

    Attributes:
        first: the page with the identification header.
        packets: the headers behind it; the first of them has the comments.
        pages: how many pages they take.
        end: byte behind the last of these.
    """

    first: Page
    packets: tuple[bytes, ...]
    pages: int
    end: int


def is_ogg(head: bytes) -> bool:
    """Tell an Ogg file by its first bytes."""
    return head[:4] == b"OggS"


def page_checksum(page: bytes) -> int:
    """Return the checksum of a page whose checksum field is zero (RFC 3533 section 6).

    The polynomial is zlib's with the bits the other way round, so zlib does the work on reversed bytes.
    """
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def page_at(file: BinaryIO, at: int) -> Page:
    """Return the page that begins at a place.

    Raises:
        LabelError: none does.
    """
    mark, version, flags, position, serial, sequence, _, count = _HEAD.unpack(read_at(file, at, _HEAD.size))
    if mark != b"OggS" or version != 0:
        raise LabelError(f"there is no Ogg page at byte {at}, where one should begin")
    lacing = read_at(file, at + _HEAD.size, count)
    body = at + _HEAD.size + count
    return Page(flags, position, serial, sequence, lacing, at, body, body + sum(lacing))


def headers_of(file: BinaryIO) -> Headers:
    """Return the headers of a file's first stream.

    Raises:
        LabelError: there are several streams side by side, or the headers are damaged or of an unknown codec.
    """
    first = page_at(file, 0)
    identification = read_at(file, first.body, first.end - first.body)
    wanted = _header_count(identification)
    packets: list[bytes] = []
    rest, held, at, pages = bytearray(), 0, first.end, 0
    while len(packets) < wanted - 1:
        page = page_at(file, at)
        if page.serial != first.serial:
            raise LabelError("the Ogg file has several streams side by side, such as a film; only sound is labelled")
        content, offset = read_at(file, page.body, page.end - page.body), 0
        held += len(content)
        if held > MOST_PART_BYTES or pages > _MOST_HEADER_PAGES:
            raise LabelError("the headers of the Ogg file are longer than any program writes")
        for length in page.lacing:
            rest += content[offset : offset + length]
            offset += length
            if length < _MOST_SEGMENTS:
                packets.append(bytes(rest))
                rest.clear()
        at, pages = page.end, pages + 1
    if rest or len(packets) > wanted - 1:
        raise LabelError("the audio of the Ogg file begins on the page of its headers, which no standard allows")
    return Headers(first, tuple(packets), pages, at)


def _header_count(identification: bytes) -> int:
    if identification[:7] == b"\x01vorbis":
        return _VORBIS_HEADERS
    if identification[:8] == b"OpusHead":
        return _OPUS_HEADERS
    if identification[:5] == b"\x7fFLAC" and identification[7:9].ljust(2, b"\0") != b"\0\0":
        return 1 + int.from_bytes(identification[7:9])
    raise LabelError("the Ogg file has neither Vorbis nor Opus nor FLAC inside, and no other is known here")


def _split(packet: bytes) -> tuple[bytes, bytes]:
    """Return what stands in front of the comments, and the comments."""
    for mark in (b"\x03vorbis", b"OpusTags"):
        if packet.startswith(mark):
            return mark, packet[len(mark) :]
    if len(packet) > _BLOCK_HEAD_BYTES and packet[0] & _BLOCK_KIND == _COMMENT_BLOCK:
        return packet[:_BLOCK_HEAD_BYTES], packet[_BLOCK_HEAD_BYTES:]
    raise LabelError("the second header of the Ogg file is not the one with the comments")


def _labelled(packet: bytes, label: bytes) -> bytes:
    mark, table = _split(packet)
    content = parse_comments(table).labelled(label)
    # A FLAC block counts its own length.
    return (mark[:1] + len(content).to_bytes(3) if len(mark) == _BLOCK_HEAD_BYTES else mark) + content


def _laid_out(packets: tuple[bytes, ...], serial: int) -> list[bytes]:
    """Return the pages of headers, numbered from 1 behind the identification header."""
    lacing = b"".join(b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in packets)
    content = b"".join(packets)
    pages: list[bytes] = []
    offset, continued = 0, False
    for start in range(0, len(lacing), _MOST_SEGMENTS):
        segments = lacing[start : start + _MOST_SEGMENTS]
        ends_packet = any(length < _MOST_SEGMENTS for length in segments)
        part = content[offset : offset + sum(segments)]
        offset += len(part)
        pages.append(
            make_page(
                _CONTINUED if continued else 0,
                0 if ends_packet else _NO_POSITION,
                serial,
                len(pages) + 1,
                segments,
                part,
            )
        )
        continued = segments[-1] == _MOST_SEGMENTS
    return pages


def make_page(flags: int, position: int, serial: int, sequence: int, lacing: bytes, content: bytes) -> bytes:
    """Return a page with its checksum; the arguments are the fields of RFC 3533 section 6."""

    def built(checksum: int) -> bytes:
        head = _HEAD.pack(b"OggS", 0, flags, position, serial, sequence & _COUNT_MASK, checksum, len(lacing))
        return head + lacing + content

    return built(page_checksum(built(0)))


def ogg_pieces(file: BinaryIO, label: bytes) -> Iterator[Piece]:
    """Give what a labelled Ogg file is made of.

    Args:
        file: the file without the label, or with an earlier one.
        label: JSON text of the label.

    Raises:
        LabelError: several streams follow or accompany each other, or the file is damaged.
    """
    headers = headers_of(file)
    packets = (_labelled(headers.packets[0], label), *headers.packets[1:])
    pages = _laid_out(packets, headers.first.serial)
    yield Kept(0, headers.first.end)
    yield from pages
    moved = len(pages) - headers.pages
    start = at = headers.end
    size, count = size_of(file), 0
    while at < size:
        page, count = page_at(file, at), count + 1
        # A stream behind this one has comments of its own, and a file is to have one label.
        if page.flags & _BEGINS or page.serial != headers.first.serial or count > MOST_PARTS:
            raise LabelError("the Ogg file has several streams, one after the other; take them apart first")
        if moved:
            content = read_at(file, page.body, page.end - page.body)
            yield make_page(page.flags, page.position, page.serial, page.sequence + moved, page.lacing, content)
        at = page.end
    if not moved:
        yield Kept(start, size)


def _comments(file: BinaryIO) -> Comments:
    return parse_comments(_split(headers_of(file).packets[0])[1])


def _write(source: Path, target: Path, label: bytes) -> None:
    write_spliced(source, target, label, ogg_pieces)


def _read(source: Path) -> list[bytes]:
    with source.open("rb") as file:
        return _comments(file).labels


def _content(source: Path) -> Iterator[bytes]:
    # Without the heads of the pages, whose numbers depend on the label.
    with source.open("rb") as file:
        at = headers_of(file).end
        while at < size_of(file):
            page = page_at(file, at)
            yield from kept_bytes(file, Kept(page.body, page.end))
            at = page.end


OGG = Format("Ogg", (".ogg", ".oga", ".opus"), is_ogg, _write, _read, _content)
