"""Labels in WebP: the RIFF chunk ``XMP ``.

Sources: RFC 9649 (WebP container; 2.7 the extended header), TC260-PG-20259A. A file of one chunk gets the extended
header, which is the only one that may have metadata; its picture stays as it is.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from gateway.labelling import xmp
from gateway.labelling.container import Format
from gateway.labelling.images import exif
from gateway.labelling.members import LabelError
from gateway.labelling.streams import copy, pieces, read_exactly

_HEAD_BYTES = 12
_MOST_CHUNKS = 100_000
_MOST_FILE_BYTES = 2**32 - 10
_HAS_XMP, _HAS_ALPHA = 0x04, 0x10
_CONTENT = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"})


class _Chunk(NamedTuple):
    kind: bytes
    size: int
    data_at: int

    @property
    def padded(self) -> int:
        return self.size + self.size % 2


def _chunks(file: IO[bytes]) -> tuple[list[_Chunk], int]:
    """Return the chunks of a file, and where they end."""
    file.seek(0, 2)
    length = file.tell()
    file.seek(4)
    end = 8 + int.from_bytes(read_exactly(file, 4), "little")
    # Some writers leave out the last byte of padding.
    if end > length + 1:
        raise LabelError("the WebP is damaged: it says that it is longer than the file")
    chunks, at = [], _HEAD_BYTES
    while at + 8 <= end:
        file.seek(at)
        head = read_exactly(file, 8)
        chunk = _Chunk(head[:4], int.from_bytes(head[4:], "little"), at + 8)
        if chunk.data_at + chunk.size > min(end, length):
            raise LabelError("the WebP is damaged: a chunk is longer than the file")
        chunks.append(chunk)
        if len(chunks) > _MOST_CHUNKS:
            raise LabelError(f"the WebP has more than {_MOST_CHUNKS} chunks; no more are read")
        at += 8 + chunk.padded
    return chunks, min(end, length)


def _read(source: Path) -> list[bytes]:
    labels: list[bytes] = []
    with source.open("rb") as file:
        for chunk in _chunks(file)[0]:
            if chunk.kind in (b"XMP ", b"EXIF") and chunk.size <= xmp.MOST_PACKET_BYTES:
                file.seek(chunk.data_at)
                data = read_exactly(file, chunk.size)
                labels += xmp.labels_in(data) if chunk.kind == b"XMP " else exif.labels_in(_bare(data))
    return labels


def _write(source: Path, target: Path, label: bytes) -> None:
    with source.open("rb") as file, target.open("wb") as out:
        chunks, end = _chunks(file)
        old = next((each for each in chunks if each.kind == b"XMP "), None)
        packet = xmp.packet_with(label, _data(file, old, xmp.MOST_PACKET_BYTES) if old else None)
        kept = [each for each in chunks if each is not old and each.kind != b"VP8X"]
        body = 18 + sum(8 + each.padded for each in kept) + 8 + len(packet) + len(packet) % 2
        if body + 4 > _MOST_FILE_BYTES:
            raise LabelError("the WebP would be longer than its format can say")
        out.write(b"RIFF" + (body + 4).to_bytes(4, "little") + b"WEBP" + _extended(file, chunks))
        for chunk in kept:
            file.seek(chunk.data_at - 8)
            copy(file, out, 8 + chunk.size)
            out.write(bytes(chunk.size % 2))
        # Behind the picture, where RFC 9649 has it.
        out.write(b"XMP " + len(packet).to_bytes(4, "little") + packet + bytes(len(packet) % 2))
        file.seek(end)
        copy(file, out)


def _extended(file: IO[bytes], chunks: list[_Chunk]) -> bytes:
    """Return the extended header with the flag for XMP, as it is or made from the picture's own header."""
    if not chunks:
        raise LabelError("the WebP is damaged: it has no chunk")
    data = _data(file, chunks[0], 10) if chunks[0].kind == b"VP8X" else _made(file, chunks)
    if len(data) != 10:  # noqa: PLR2004 flags, reserved bytes, width, height
        raise LabelError("the WebP is damaged: its extended header does not have ten bytes")
    return b"VP8X" + (10).to_bytes(4, "little") + bytes((data[0] | _HAS_XMP,)) + data[1:]


def _made(file: IO[bytes], chunks: list[_Chunk]) -> bytes:
    file.seek(chunks[0].data_at)
    head = file.read(10)
    if chunks[0].kind == b"VP8L" and head[:1] == b"\x2f":
        # RFC 9649 3.4: 14 bits of width, 14 of height, then whether there is transparency; less one as in VP8X.
        bits = int.from_bytes(head[1:5], "little")
        width, height, alpha = bits & 0x3FFF, bits >> 14 & 0x3FFF, bits >> 28 & 1
    elif chunks[0].kind == b"VP8 " and head[3:6] == b"\x9d\x01\x2a":
        # RFC 6386 9.1: 14 bits each, two more are a hint for scaling.
        width = (int.from_bytes(head[6:8], "little") & 0x3FFF) - 1
        height = (int.from_bytes(head[8:10], "little") & 0x3FFF) - 1
        alpha = 0
    else:
        raise LabelError("the WebP is damaged: it does not begin with a picture")
    if width < 0 or height < 0:
        raise LabelError("the WebP is damaged: its picture has no size")
    return bytes((_HAS_ALPHA * alpha, 0, 0, 0)) + width.to_bytes(3, "little") + height.to_bytes(3, "little")


def _data(file: IO[bytes], chunk: _Chunk, most: int) -> bytes:
    if chunk.size > most:
        raise LabelError(f"the WebP has metadata of {chunk.size} bytes; no more than {most} are read")
    file.seek(chunk.data_at)
    return read_exactly(file, chunk.size)


def _content(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        for chunk in _chunks(file)[0]:
            if chunk.kind in _CONTENT:
                file.seek(chunk.data_at)
                yield chunk.kind + chunk.size.to_bytes(4)
                yield from pieces(file, chunk.size)


def with_manifest(source: Path, picture: Path, target: Path) -> None:
    """Write a picture with the C2PA manifest of the file it was made from (C2PA 2.4 A.3.7: RIFF chunk ``C2PA``).

    Args:
        source: has the manifest.
        picture: the same drawn on, without.
        target: where it goes.

    Raises:
        LabelError: one of the two is damaged, or both together are too long.
    """
    with source.open("rb") as file, picture.open("rb") as drawn, target.open("wb") as out:
        manifests = [each for each in _chunks(file)[0] if each.kind == b"C2PA"]
        end = _chunks(drawn)[1]
        size = end + end % 2 + sum(8 + each.padded for each in manifests)
        if size > _MOST_FILE_BYTES:
            raise LabelError("the WebP would be longer than its format can say")
        out.write(b"RIFF" + (size - 8).to_bytes(4, "little"))
        drawn.seek(8)
        copy(drawn, out, end - 8)
        out.write(bytes(end % 2))
        for each in manifests:
            file.seek(each.data_at - 8)
            copy(file, out, 8 + each.size)
            out.write(bytes(each.size % 2))


def _bare(block: bytes) -> bytes:
    # The prefix of JPEG does not belong here, and is written all the same.
    return block.removeprefix(b"Exif\0\0")


def _sniff(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


WEBP = Format("WebP", (".webp",), _sniff, _write, _read, _content)
