"""WAV files: the label in a chunk `AIGC` of its own (TC260-PG-202510A), and samples put in front and behind.

Sources: Multimedia Programming Interface (RIFF), EBU Tech 3306 (RF64: sizes of 64 bits in `ds64`). The chunk goes in
front of the samples: they may run to the end of the file with a size nobody filled in, as programs that write to a
pipe leave it, and what follows would be played.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.labelling.container import Format
from gateway.labelling.members import MOST_LABEL_BYTES, LabelError
from gateway.labelling.splice import MOST_PARTS, Kept, Piece, kept_bytes, read_at, size_of, write_spliced

_HEAD_BYTES = 12
_NOT_SAID = 0xFFFFFFFF
_LABEL_ID = b"AIGC"
_DS64_BYTES = 28
_FACT_BYTES, _FORM_BYTES = 4, 16


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk.

    Attributes:
        name: its four characters.
        start: first byte of its head.
        body: first byte of its content.
        size: bytes of content that are in the file.
        claimed: bytes of content its head names.
        end: byte behind it and its padding.
    """

    name: bytes
    start: int
    body: int
    size: int
    claimed: int
    end: int


def is_wav(head: bytes) -> bool:
    """Tell a WAV file by its first bytes."""
    return head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def chunks_of(file: BinaryIO) -> list[Chunk]:
    """Return the chunks of a file in order.

    Raises:
        LabelError: it is no WAV file, or one with more chunks than any recorder writes.
    """
    if not is_wav(read_at(file, 0, _HEAD_BYTES)):
        raise LabelError("the file does not begin as a WAV file does")
    found: list[Chunk] = []
    at, size, data_bytes = _HEAD_BYTES, size_of(file), _NOT_SAID
    # To the end of the file and not of the RIFF form: labels appended by a careless hand are to be found as well.
    while at + 8 <= size:
        chunk = _chunk_at(file, at, size, data_bytes)
        if chunk.name == b"ds64" and chunk.size >= _DS64_BYTES:
            data_bytes = struct.unpack("<Q", read_at(file, chunk.body + 8, 8))[0]
        found.append(chunk)
        if len(found) > MOST_PARTS // 10:
            raise LabelError("the WAV file has more chunks than any recorder writes")
        at = chunk.end
    return found


def _chunk_at(file: BinaryIO, at: int, size: int, data_bytes: int) -> Chunk:
    name, claimed = struct.unpack("<4sI", read_at(file, at, 8))
    claimed = data_bytes if name == b"data" and claimed == _NOT_SAID else claimed
    end = min(at + 8 + claimed, size)
    return Chunk(name, at, at + 8, end - at - 8, claimed, min(end + claimed % 2, size))


def wav_pieces(file: BinaryIO, label: bytes | None, before: bytes = b"", after: bytes = b"") -> Iterator[Piece]:
    """Give what a labelled WAV file is made of.

    Args:
        file: the file without the label, or with an earlier one.
        label: JSON text of the label; None leaves the one there is.
        before: samples to put in front of the file's own, as the file stores them.
        after: samples to put behind.

    Raises:
        LabelError: there are no samples, or the file would outgrow what its head can say.
    """
    chunks = chunks_of(file)
    data = next((chunk for chunk in chunks if chunk.name == b"data"), None)
    if data is None:
        raise LabelError("the WAV file has no samples (no data chunk)")
    if after and data.claimed != data.size:
        raise LabelError("the WAV file does not say where its samples end, so none can be put behind them")
    own = b"" if label is None else _chunk(_LABEL_ID, label)
    gone = [] if label is None else [chunk for chunk in chunks if chunk.name == _LABEL_ID]
    added = _Added.between(file, chunks, len(own), gone, len(before) + len(after))
    yield added.head
    for chunk in chunks:
        if chunk in gone:
            continue
        if chunk is data:
            yield own
            yield from _samples(data, added, before, after)
        elif chunk.name == b"ds64" and chunk.size >= _DS64_BYTES:
            yield from added.ds64(file, chunk)
        elif chunk.name == b"fact" and chunk.size >= _FACT_BYTES and before + after:
            yield from added.fact(file, chunk)
        else:
            yield Kept(chunk.start, chunk.end)


@dataclass(frozen=True, slots=True)
class _Added:
    """By how much the sizes in the heads grow."""

    head: bytes
    form_bytes: int
    sample_bytes: int
    frame_bytes: int

    @classmethod
    def between(
        cls, file: BinaryIO, chunks: list[Chunk], own_bytes: int, gone: list[Chunk], samples: int
    ) -> "_Added":
        name, old, form = struct.unpack("<4sI4s", read_at(file, 0, _HEAD_BYTES))
        data = next(chunk for chunk in chunks if chunk.name == b"data")
        inside = [each for each in gone if old == _NOT_SAID or each.start < old + 8]
        # Padding belongs to the form and follows from the new number of samples.
        padding = (data.size + samples) % 2 - (data.end - data.body - data.size) if samples else 0
        grown = own_bytes + samples + padding - sum(each.end - each.start for each in inside)
        unsaid = old in (0, _NOT_SAID)
        if not unsaid and old + grown >= _NOT_SAID:
            raise LabelError("the file would outgrow the 4 GiB a WAV file can have; convert it to RF64 first")
        head = struct.pack("<4sI4s", name, old if unsaid else old + grown, form)
        return cls(head, grown, samples, _frame_bytes(file, chunks))

    def ds64(self, file: BinaryIO, chunk: Chunk) -> Iterator[Piece]:
        form, data, samples = struct.unpack("<QQQ", read_at(file, chunk.body, 24))
        frames = self.sample_bytes // self.frame_bytes
        yield Kept(chunk.start, chunk.body)
        yield struct.pack(
            "<QQQ", form + self.form_bytes, data + self.sample_bytes, samples + frames if samples else 0
        )
        yield Kept(chunk.body + 24, chunk.end)

    def fact(self, file: BinaryIO, chunk: Chunk) -> Iterator[Piece]:
        (frames,) = struct.unpack("<I", read_at(file, chunk.body, _FACT_BYTES))
        yield Kept(chunk.start, chunk.body)
        yield struct.pack("<I", min(frames + self.sample_bytes // self.frame_bytes, _NOT_SAID))
        yield Kept(chunk.body + _FACT_BYTES, chunk.end)


def _frame_bytes(file: BinaryIO, chunks: list[Chunk]) -> int:
    form = next((chunk for chunk in chunks if chunk.name == b"fmt " and chunk.size >= _FORM_BYTES), None)
    if form is None:
        return 1
    return int(struct.unpack("<H", read_at(file, form.body + 12, 2))[0]) or 1


def _samples(data: Chunk, added: _Added, before: bytes, after: bytes) -> Iterator[Piece]:
    if not added.sample_bytes:
        yield Kept(data.start, data.end)
        return
    size = data.size + added.sample_bytes
    # A size nobody filled in stays so: RF64 has it in `ds64`, and a pipe's file has none.
    yield (
        Kept(data.start, data.body)
        if data.claimed != data.size or size >= _NOT_SAID
        else struct.pack("<4sI", data.name, size)
    )
    yield before
    yield Kept(data.body, data.body + data.size)
    yield after
    yield bytes(size % 2)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2)


def _write(source: Path, target: Path, label: bytes) -> None:
    write_spliced(source, target, label, wav_pieces)


def _read(source: Path) -> list[bytes]:
    with source.open("rb") as file:
        return [
            read_at(file, chunk.body, min(chunk.size, MOST_LABEL_BYTES + 1))
            for chunk in chunks_of(file)
            if chunk.name == _LABEL_ID
        ]


def _content(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        for chunk in chunks_of(file):
            if chunk.name == b"data":
                yield from kept_bytes(file, Kept(chunk.body, chunk.body + chunk.size))


WAV = Format("WAV", (".wav", ".wave"), is_wav, _write, _read, _content)
