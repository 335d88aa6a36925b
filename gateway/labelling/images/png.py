"""Labels in PNG and APNG: an uncompressed ``iTXt`` chunk with the XMP packet.

Sources: W3C PNG (Third Edition) 5 and 11.3.3, TC260-PG-20259A. Text chunks with the keyword ``AIGC``, as some vendors
write them, are read as well, and go when the same producer writes the label anew.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from gateway.labelling import traces, xmp
from gateway.labelling.container import Format
from gateway.labelling.images import exif
from gateway.labelling.members import LabelError
from gateway.labelling.streams import copy, pieces, read_exactly

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP_KEYWORD = b"XML:com.adobe.xmp"
# At 8 KiB each they are a file of 800 MB; a file of empty ones is an attack on the reader's time.
_MOST_CHUNKS = 100_000
_MOST_CHUNK_BYTES = 2**31 - 1
# Text of all chunks together: packet and legacy forms have room, a bomb of many chunks has none.
_MOST_TEXT_BYTES = 2 * xmp.MOST_PACKET_BYTES
_MANIFEST = b"caBX"
_MOST_KEYWORD_BYTES = 80
_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
# What a viewer shows; everything else may change without the picture changing.
_CONTENT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"IDAT"})


class _Chunk(NamedTuple):
    kind: bytes
    size: int
    data_at: int


class _Text(NamedTuple):
    chunk: _Chunk
    keyword: bytes
    text: bytes


def _chunks(file: IO[bytes]) -> Iterator[_Chunk]:
    """Yield the chunks of a file, which may be moved about between two of them."""
    file.seek(0, 2)
    end, at = file.tell(), len(_SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = read_exactly(file, 8)
        size, kind = int.from_bytes(head[:4]), head[4:]
        at += 8
        if size > _MOST_CHUNK_BYTES or at + size + 4 > end:
            raise LabelError("the PNG is damaged: a chunk is longer than the file")
        yield _Chunk(kind, size, at)
        at += size + 4
        if kind == b"IEND":
            return
    raise LabelError(f"the PNG has more than {_MOST_CHUNKS} chunks; no more are read")


def _texts(file: IO[bytes], chunks: list[_Chunk]) -> Iterator[_Text]:
    left = _MOST_TEXT_BYTES
    for chunk in chunks:
        if chunk.kind not in _TEXTS:
            continue
        file.seek(chunk.data_at)
        # Of one that is too long the beginning: it is no packet any more, and one of those is not written over.
        found = _text(chunk, read_exactly(file, min(chunk.size, max(left, _MOST_KEYWORD_BYTES))), max(left, 1))
        left -= max(chunk.size, len(found.text))
        yield found


def _text(chunk: _Chunk, data: bytes, most: int) -> _Text:
    keyword, _, rest = data.partition(b"\0")
    if chunk.kind == b"tEXt":
        return _Text(chunk, keyword, rest)
    if chunk.kind == b"zTXt":
        return _Text(chunk, keyword, _inflated(rest[1:], most))
    compressed, rest = rest[:1], rest[2:]
    text = rest.partition(b"\0")[2].partition(b"\0")[2]  # behind language and translated keyword
    return _Text(chunk, keyword, _inflated(text, most) if compressed == b"\1" else text)


def _inflated(data: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, most)
    except zlib.error:
        return b""


def _read(source: Path) -> list[bytes]:
    labels: list[bytes] = []
    with source.open("rb") as file:
        chunks = list(_chunks(file))
        for found in _texts(file, chunks):
            if found.keyword == _XMP_KEYWORD:
                labels += xmp.labels_in(found.text)
            elif _is_label(found):
                labels.append(found.text)
            else:
                labels += traces.labels_in(found.text)
        for chunk in chunks:
            if chunk.kind == b"eXIf" and chunk.size <= xmp.MOST_PACKET_BYTES:
                file.seek(chunk.data_at)
                labels += exif.labels_in(read_exactly(file, chunk.size))
    return labels


def _write(source: Path, target: Path, label: bytes) -> None:
    with source.open("rb") as file, target.open("wb") as out:
        chunks = list(_chunks(file))
        texts = list(_texts(file, chunks))
        packets = [each for each in texts if each.keyword == _XMP_KEYWORD]
        packet = xmp.packet_with(label, packets[0].text if packets else None)
        gone = {each.chunk for each in packets[:1]} | {each.chunk for each in texts if _is_label(each)}
        out.write(_SIGNATURE)
        for chunk in chunks:
            if chunk not in gone:
                file.seek(chunk.data_at - 8)
                copy(file, out, chunk.size + 12)
            if chunk.kind == b"IHDR":
                # Right behind the header, so that a reader of the beginning meets it.
                out.write(_encoded(b"iTXt", _XMP_KEYWORD + b"\0\0\0\0\0" + packet))
        file.seek(chunks[-1].data_at + chunks[-1].size + 4)
        copy(file, out)  # what stands behind the end is not ours to drop


def _content(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        for chunk in list(_chunks(file)):
            if chunk.kind in _CONTENT:
                file.seek(chunk.data_at)
                yield chunk.kind + chunk.size.to_bytes(4)
                yield from pieces(file, chunk.size)


def _is_label(text: _Text) -> bool:
    return b"AIGC" in text.keyword


def _encoded(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def with_manifest(source: Path, picture: Path, target: Path) -> None:
    """Write a picture with the C2PA manifest of the file it was made from (C2PA 2.4 A.3.2: chunk ``caBX``).

    Args:
        source: has the manifest.
        picture: the same drawn on, without.
        target: where it goes.

    Raises:
        LabelError: one of the two is damaged.
    """
    with source.open("rb") as file, picture.open("rb") as drawn, target.open("wb") as out:
        head = next(_chunks(drawn))
        drawn.seek(0)
        copy(drawn, out, head.data_at + head.size + 4)
        for chunk in _chunks(file):
            if chunk.kind == _MANIFEST:
                file.seek(chunk.data_at - 8)
                copy(file, out, chunk.size + 12)
        copy(drawn, out)


def _sniff(head: bytes) -> bool:
    return head.startswith(_SIGNATURE)


PNG = Format("PNG", (".png", ".apng"), _sniff, _write, _read, _content)
