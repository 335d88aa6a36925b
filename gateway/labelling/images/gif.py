"""Labels in GIF: the application extension ``XMP Data`` with the code ``XMP``.

Sources: GIF89a 26, Adobe XMP Part 3 1.1.2 (the packet stands unblocked, and a trailer of descending bytes leads any
reader of blocks out of it), TC260-PG-20259A.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from gateway.labelling import traces, xmp
from gateway.labelling.container import Format
from gateway.labelling.members import LabelError
from gateway.labelling.streams import copy, pieces, read_exactly

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_APPLICATION, _COMMENT = 0xFF, 0xFE
_XMP_NAME = b"XMP DataXMP"
_XMP_TRAILER = b"\x01" + bytes(range(0xFF, -1, -1)) + b"\x00"
_HEAD_BYTES = 13
# Text of all blocks together, since they are held while a label is written.
_MOST_TEXT_BYTES = 2 * xmp.MOST_PACKET_BYTES
_MOST_BLOCKS = 100_000


class _Block(NamedTuple):
    kind: int  # label of an extension, or _IMAGE
    start: int
    size: int
    text: bytes  # of comments and applications; empty for others


def _blocks(file: IO[bytes]) -> Iterator[_Block]:
    """Yield blocks up to the trailer; the file then stands at it."""
    file.seek(0)
    head = read_exactly(file, _HEAD_BYTES)
    start, left = _HEAD_BYTES + _table_bytes(head[10]), _MOST_TEXT_BYTES
    for _ in range(_MOST_BLOCKS):
        file.seek(start)
        introducer = read_exactly(file, 1)[0]
        if introducer == _TRAILER:
            file.seek(start)
            return
        if introducer == _EXTENSION:
            kind = read_exactly(file, 1)[0]
            # Of what is too long the beginning, which tells what it is; a packet cut like that is not written over.
            text = _sub_blocks(file, keep=max(left, _HEAD_BYTES) if kind in (_APPLICATION, _COMMENT) else 0)
            left -= len(text)
        elif introducer == _IMAGE:
            kind, text = _IMAGE, b""
            packed = read_exactly(file, 9)[8]
            file.seek(_table_bytes(packed) + 1, 1)
            _sub_blocks(file, keep=0)
        else:
            raise LabelError("the GIF is damaged: there is no block where one has to be")
        yield _Block(kind, start, file.tell() - start, text)
        start = file.tell()
    raise LabelError(f"the GIF has more than {_MOST_BLOCKS} blocks; no more are read")


def _sub_blocks(file: IO[bytes], *, keep: int) -> bytes:
    """Pass a chain of sub-blocks; return so many bytes of it, with lengths, since a packet stands unblocked."""
    kept = bytearray()
    while size := read_exactly(file, 1)[0]:
        data = read_exactly(file, size)
        if len(kept) < keep:
            kept += bytes((size,)) + data
    return bytes(kept[:keep])


def _table_bytes(packed: int) -> int:
    """Return the length of a colour table (GIF89a 18)."""
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _read(source: Path) -> list[bytes]:
    labels: list[bytes] = []
    with source.open("rb") as file:
        for block in _blocks(file):
            if _is_xmp(block):
                labels += xmp.labels_in(_packet(block))
            elif block.kind == _COMMENT:
                labels += traces.labels_in(_joined(block.text))
    return labels


def _write(source: Path, target: Path, label: bytes) -> None:
    with source.open("rb") as file, target.open("wb") as out:
        blocks = list(_blocks(file))
        old = next((each for each in blocks if _is_xmp(each)), None)
        packet = xmp.packet_with(label, _packet(old) if old else None)
        if b"\0" in packet:
            raise LabelError("the file's XMP packet has a zero byte, which GIF cannot carry")
        place = old.start if old else _place(blocks, file.tell())
        file.seek(0)
        # Extensions came with GIF89a; the picture is the same in both.
        out.write(b"GIF89a" + read_exactly(file, 13)[6:])
        copy(file, out, place - _HEAD_BYTES)
        out.write(bytes((_EXTENSION, _APPLICATION, len(_XMP_NAME))) + _XMP_NAME + packet + _XMP_TRAILER)
        file.seek(place + (old.size if old else 0))
        copy(file, out)


def _place(blocks: list[_Block], trailer_at: int) -> int:
    """Return where a new packet goes: behind other applications' extensions, one of which makes animations loop."""
    for each in blocks:
        if each.kind != _APPLICATION:
            return each.start
    return trailer_at


def _is_xmp(block: _Block) -> bool:
    return block.kind == _APPLICATION and block.text[1:].startswith(_XMP_NAME)


def _is_manifest(block: _Block) -> bool:
    # C2PA 2.4 A.3.4: it signs the picture, and is none of it.
    return block.kind == _APPLICATION and block.text[1:].startswith(b"C2PA_GIF")


def _packet(block: _Block) -> bytes:
    # The trailer begins with 01 FF, and no UTF-8 has a byte FF.
    return block.text[1 + len(_XMP_NAME) :].partition(b"\xff")[0].rstrip(b"\x01")


def _joined(text: bytes) -> bytes:
    joined, at = bytearray(), 0
    while at < len(text):
        joined += text[at + 1 : at + 1 + text[at]]
        at += 1 + text[at]
    return bytes(joined)


def _content(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        blocks = list(_blocks(file))
        file.seek(6)
        yield read_exactly(file, 7)
        yield file.read(blocks[0].start - _HEAD_BYTES) if blocks else b""
        for block in blocks:
            if not (_is_xmp(block) or _is_manifest(block)) and block.kind != _COMMENT:
                file.seek(block.start)
                yield from pieces(file, block.size)


def _sniff(head: bytes) -> bool:
    return head[:6] in (b"GIF87a", b"GIF89a")


GIF = Format("GIF", (".gif",), _sniff, _write, _read, _content)
