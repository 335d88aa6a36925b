"""Zip archives as office documents are: parts read with bounds, some replaced, all others kept byte for byte.

Source: PKWARE APPNOTE 4.4. What is kept is copied compressed as it is; nothing is unpacked but the few parts that are
looked into, and these only up to a bound, whatever size they claim.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from gateway.labelling.members import LabelError
from gateway.labelling.splice import Kept, Piece, read_at, size_of

_END, _CENTRAL, _LOCAL = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
_END_HEAD = struct.Struct("<4sHHHHIIH")
_CENTRAL_HEAD = struct.Struct("<4sHHHHHHIIIHHHHHII")
_LOCAL_HEAD = struct.Struct("<4sHHHHHIIIHH")
_MOST_COMMENT_BYTES = 0xFFFF
_MOST_DIRECTORY_BYTES = 8 * 1024 * 1024
_MOST_ENTRIES = 20_000
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x0001, 0x0800
_VERSION = 20
# 1 January 1980, the earliest day the format knows: a label says when by its number, and files stay reproducible.
_DAY = 0x21
_IS_64 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an archive.

    Attributes:
        name: as people see it.
        flags: general purpose flags.
        method: how it is compressed.
        packed_bytes: compressed size.
        start: first byte of its local head.
        end: byte behind all that belongs to it.
        record: its record in the central directory.
    """

    name: str
    flags: int
    method: int
    packed_bytes: int
    start: int
    end: int
    record: bytes


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive taken apart.

    Attributes:
        entries: in the order of their places in the file.
        comment: of the archive.
        start: first byte of the first entry.
    """

    entries: tuple[Entry, ...]
    comment: bytes
    start: int

    def find(self, name: str) -> Entry | None:
        """Return the entry of a name, which office programs compare without regard to case."""
        return next((each for each in self.entries if each.name.lower() == name.lower()), None)


def archive_of(file: BinaryIO) -> Archive:
    """Take an archive apart.

    Raises:
        LabelError: it is damaged, encrypted, or built to mislead.
    """
    size = size_of(file)
    tail_bytes = min(size, _END_HEAD.size + _MOST_COMMENT_BYTES)
    tail = read_at(file, size - tail_bytes, tail_bytes)
    place = tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_HEAD.size:
        raise LabelError("the document is no whole zip archive")
    _, disk, first_disk, _, count, length, offset, _ = _END_HEAD.unpack_from(tail, place)
    if disk or first_disk or _IS_64 in (length, offset) or count > _MOST_ENTRIES:
        raise LabelError("the archive is of a kind that no document is (64-bit, in volumes, too many entries)")
    if offset + length > size - tail_bytes + place:
        raise LabelError("the archive's directory is damaged")
    directory = read_at(file, offset, length, _MOST_DIRECTORY_BYTES)
    entries = _entries(file, directory, count, offset)
    return Archive(entries, tail[place + _END_HEAD.size :], entries[0].start)


def _entries(file: BinaryIO, directory: bytes, count: int, end: int) -> tuple[Entry, ...]:
    records = sorted(_records(directory, count), key=lambda each: each[1])
    if not records:
        raise LabelError("the archive is empty")
    names: set[str] = set()
    entries = []
    # Each entry reaches to the next: what stands between, such as sizes behind the data, belongs to the first.
    for (record, start), (_, stop) in zip(records, [*records[1:], (b"", end)], strict=True):
        entry = _entry(file, record, start, stop)
        if entry.name.lower() in names:
            raise LabelError("the archive has two entries of one name, of which programs take different ones")
        names.add(entry.name.lower())
        entries.append(entry)
    return tuple(entries)


def _records(directory: bytes, count: int) -> Iterator[tuple[bytes, int]]:
    at = 0
    for _ in range(count):
        if directory[at : at + 4] != _CENTRAL or at + _CENTRAL_HEAD.size > len(directory):
            raise LabelError("the archive's directory is damaged")
        fields = _CENTRAL_HEAD.unpack_from(directory, at)
        end = at + _CENTRAL_HEAD.size + fields[10] + fields[11] + fields[12]
        yield directory[at:end], fields[16]
        at = end


def _entry(file: BinaryIO, record: bytes, start: int, stop: int) -> Entry:
    fields = _CENTRAL_HEAD.unpack_from(record)
    flags, method, packed, name_bytes = fields[3], fields[4], fields[8], fields[10]
    local = read_at(file, start, _LOCAL_HEAD.size)
    head = _LOCAL_HEAD.unpack(local)
    if head[0] != _LOCAL or start + _LOCAL_HEAD.size + head[9] + head[10] + packed > stop:
        raise LabelError("entries of the archive overlap or are damaged")
    if flags & _ENCRYPTED:
        raise LabelError("the archive is encrypted; label the document before it is")
    name = record[_CENTRAL_HEAD.size :][:name_bytes].decode("utf-8" if flags & _UTF8 else "cp437", "replace")
    return Entry(name, flags, method, packed, start, stop, record)


def read_entry(file: BinaryIO, entry: Entry, most: int) -> bytes:
    """Return the content of an entry.

    Args:
        file: the archive.
        entry: which one.
        most: how many bytes it may have, unpacked.

    Raises:
        LabelError: it has more, is damaged, or packed in an unknown way.
    """
    head = _LOCAL_HEAD.unpack(read_at(file, entry.start, _LOCAL_HEAD.size))
    packed = read_at(file, entry.start + _LOCAL_HEAD.size + head[9] + head[10], entry.packed_bytes, most)
    if entry.method == _STORED:
        return packed
    if entry.method != _DEFLATED:
        raise LabelError(f"{entry.name} is packed in a way that office documents do not use")
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        # Unpacked up to the bound and no further: the size in the head is a claim.
        content = unpacker.decompress(packed, most + 1)
    except zlib.error:
        raise LabelError(f"{entry.name} is damaged") from None
    if len(content) > most:
        raise LabelError(f"{entry.name} unpacks to more than {most} bytes")
    if not unpacker.eof:
        raise LabelError(f"{entry.name} is damaged")
    return content


def archive_pieces(archive: Archive, changed: Mapping[str, bytes]) -> Iterator[Piece]:
    """Give what an archive with some entries replaced or added is made of.

    Args:
        archive: as it is.
        changed: contents by name.
    """
    at, records = archive.start, []
    left = dict(changed)
    if archive.start:
        yield Kept(0, archive.start)
    for entry in archive.entries:
        content = left.pop(entry.name, None)
        if content is None:
            yield Kept(entry.start, entry.end)
            records.append(entry.record[:42] + at.to_bytes(4, "little") + entry.record[46:])
            at += entry.end - entry.start
            continue
        packed, record = _packed(entry.name, content, at)
        yield packed
        records.append(record)
        at += len(packed)
    for name, content in left.items():
        packed, record = _packed(name, content, at)
        yield packed
        records.append(record)
        at += len(packed)
    directory = b"".join(records)
    if at + len(directory) >= _IS_64:
        raise LabelError("the document would outgrow the 4 GiB a zip archive can have")
    yield directory
    count = len(records)
    yield _END_HEAD.pack(_END, 0, 0, count, count, len(directory), at, len(archive.comment)) + archive.comment


def _packed(name: str, content: bytes, at: int) -> tuple[bytes, bytes]:
    """Return an entry and its record in the directory."""
    shown, packer = name.encode(), zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(content) + packer.flush()
    common = (_UTF8, _DEFLATED, 0, _DAY, zlib.crc32(content), len(packed), len(content), len(shown), 0)
    local = _LOCAL_HEAD.pack(_LOCAL, _VERSION, *common) + shown + packed
    record = _CENTRAL_HEAD.pack(_CENTRAL, _VERSION, _VERSION, *common, 0, 0, 0, 0, at) + shown
    return local, record
