"""FLAC files, and the comments FLAC and Ogg share: the label under the key `AIGC` (TC260-PG-202510A).

Sources: RFC 9639 (FLAC: blocks of metadata in front of the audio frames), the Vorbis comment specification. All other
comments and blocks stay as they are, byte for byte.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gateway.labelling.container import Format
from gateway.labelling.members import LabelError
from gateway.labelling.splice import Kept, Piece, kept_bytes, read_at, size_of, write_spliced

_KEY = b"AIGC="
_STREAM_INFO, _COMMENT = 0, 4
_ID3_HEAD_BYTES = 10
_LAST = 0x80
_MOST_BLOCK_BYTES = (1 << 24) - 1
_MOST_BLOCKS = 10_000
# Held one by one they take ten times what they take in the file; songs have some dozens.
_MOST_ENTRIES = 100_000
# Who wrote the comments: this product has no codec, and the field may be empty.
_NO_VENDOR = b""


class Comments(NamedTuple):
    """A table of comments.

    Attributes:
        vendor: who encoded.
        entries: ``KEY=value`` each.
        rest: what follows the table.
    """

    vendor: bytes
    entries: tuple[bytes, ...]
    rest: bytes

    @property
    def labels(self) -> list[bytes]:
        """Labels among the entries."""
        return [each[len(_KEY) :] for each in self.entries if each[: len(_KEY)].upper() == _KEY]

    def labelled(self, label: bytes | None) -> bytes:
        """Return the table with this label and no other.

        Args:
            label: JSON text; None for a table without.
        """
        entries = [each for each in self.entries if each[: len(_KEY)].upper() != _KEY]
        entries += [] if label is None else [_KEY + label]
        parts = [struct.pack("<I", len(self.vendor)), self.vendor, struct.pack("<I", len(entries))]
        for each in entries:
            parts += [struct.pack("<I", len(each)), each]
        return b"".join(parts) + self.rest


def parse_comments(data: bytes) -> Comments:
    """Take a table of comments apart.

    Raises:
        LabelError: a length in it leads out of it.
    """
    vendor, at = _counted(data, 0)
    if at + 4 > len(data):
        raise LabelError("the table of comments is damaged")
    count, at = struct.unpack_from("<I", data, at)[0], at + 4
    entries = []
    if count > _MOST_ENTRIES:
        raise LabelError(f"the table of comments is damaged, or has more than the {_MOST_ENTRIES} that are read")
    # Each entry takes four bytes at least, so a count made up ends where the table does.
    for _ in range(count):
        entry, at = _counted(data, at)
        entries.append(entry)
    return Comments(vendor, tuple(entries), data[at:])


def _counted(data: bytes, at: int) -> tuple[bytes, int]:
    if at + 4 > len(data):
        raise LabelError("the table of comments is damaged")
    size = struct.unpack_from("<I", data, at)[0]
    if at + 4 + size > len(data):
        raise LabelError("the table of comments is damaged")
    return data[at + 4 : at + 4 + size], at + 4 + size


class Block(NamedTuple):
    """One block of metadata in a FLAC file.

    Attributes:
        kind: type, without the mark of the last one.
        body: first byte of its content.
        end: byte behind it.
    """

    kind: int
    body: int
    end: int


def is_flac(head: bytes) -> bool:
    """Tell a FLAC file by its first bytes, also behind an ID3 tag."""
    return head[_flac_start(head) :][:4] == b"fLaC"


def _flac_start(head: bytes) -> int:
    if head[:3] != b"ID3" or len(head) < _ID3_HEAD_BYTES:
        return 0
    size = 0
    for each in head[6:10]:
        size = size << 7 | each & 0x7F
    return _ID3_HEAD_BYTES + size


def blocks_of(file: BinaryIO) -> list[Block]:
    """Return the blocks of metadata of a FLAC file.

    Raises:
        LabelError: it is no FLAC file, or damaged there.
    """
    at = _flac_start(read_at(file, 0, min(_ID3_HEAD_BYTES, size_of(file))))
    if read_at(file, at, 4) != b"fLaC":
        raise LabelError("the file does not begin as a FLAC file does")
    at += 4
    blocks: list[Block] = []
    while True:
        head = read_at(file, at, 4)
        block = Block(head[0] & ~_LAST, at + 4, at + 4 + int.from_bytes(head[1:]))
        if block.end > size_of(file) or len(blocks) >= _MOST_BLOCKS:
            raise LabelError("the metadata of the FLAC file are damaged")
        blocks.append(block)
        at = block.end
        if head[0] & _LAST:
            return blocks


def flac_pieces(file: BinaryIO, label: bytes) -> Iterator[Piece]:
    """Give what a labelled FLAC file is made of.

    Args:
        file: the file without the label, or with an earlier one.
        label: JSON text of the label.

    Raises:
        LabelError: its metadata are damaged, or would be too long.
    """
    blocks = blocks_of(file)
    if blocks[0].kind != _STREAM_INFO:
        raise LabelError("the FLAC file does not begin with its stream information")
    yield Kept(0, blocks[0].body - 4)
    contents: list[tuple[int, bytes | Kept]] = []
    pending: bytes | None = label
    for block in blocks:
        if block.kind != _COMMENT:
            contents.append((block.kind, Kept(block.body, block.end)))
            continue
        # One table is all the standard allows; a label in a second one goes all the same.
        table = parse_comments(read_at(file, block.body, block.end - block.body))
        contents.append((_COMMENT, table.labelled(pending)))
        pending = None
    if pending is not None:
        contents.insert(1, (_COMMENT, Comments(_NO_VENDOR, (), b"").labelled(pending)))
    for place, (kind, content) in enumerate(contents):
        size = len(content) if isinstance(content, bytes) else content.end - content.start
        if size > _MOST_BLOCK_BYTES:
            raise LabelError("the comments would be longer than a FLAC file can have")
        yield bytes([kind | (_LAST if place == len(contents) - 1 else 0)]) + size.to_bytes(3)
        yield content
    yield Kept(blocks[-1].end, size_of(file))


def _write(source: Path, target: Path, label: bytes) -> None:
    write_spliced(source, target, label, flac_pieces)


def _read(source: Path) -> list[bytes]:
    with source.open("rb") as file:
        tables = [
            parse_comments(read_at(file, block.body, block.end - block.body))
            for block in blocks_of(file)
            if block.kind == _COMMENT
        ]
    return [label for table in tables for label in table.labels]


def _content(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        yield from kept_bytes(file, Kept(blocks_of(file)[-1].end, size_of(file)))


FLAC = Format("FLAC", (".flac",), is_flac, _write, _read, _content)
