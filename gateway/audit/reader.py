"""Reads entries back from a log, also while it is written.

Rules: every line's checksum is checked; where the last segment ends torn or in mid-line, reading ends, for more may
come. Reading goes on from a position, and a position stays good when its segment was given up and written again.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gateway.audit import segment
from gateway.audit.segment import CorruptLogError


class Position(NamedTuple):
    """A place between two entries of a log.

    Attributes:
        segment: file name of the segment it was found in.
        byte_offset: offset of the next line in that file.
        sequence: sequence of the next entry.
    """

    segment: str = ""
    byte_offset: int = 0
    sequence: int = 0


class StoredEntry(NamedTuple):
    """An entry as it lies in its log.

    Attributes:
        sequence: its place in the log, from 0.
        entry: its canonical bytes.
        after: where the next entry begins.
    """

    sequence: int
    entry: bytes
    after: Position


START = Position()
# A damaged file may have lost its line ends: it must not be read into memory as one line.
_LINE_LIMIT_BYTES = 2 * segment.ENTRY_LIMIT_BYTES


def read_log(log_directory: Path, position: Position = START) -> Iterator[StoredEntry]:
    """Yield the entries of a log from a position on, up to the last whole one.

    Raises:
        CorruptLogError: a segment is damaged, ends before the next begins, or ends before the position.
    """
    paths = segment.segment_paths(log_directory)
    firsts = [segment.first_sequence(path) for path in paths]
    # The position's sequence says where to go on, not its segment: what lay there may have been written again.
    begin = max((index for index, first in enumerate(firsts) if first <= position.sequence), default=0)
    for index, path in enumerate(paths[begin:], begin):
        end = firsts[index + 1] if index + 1 < len(paths) else None
        start = position if path.name == position.segment else Position(path.name, 0, firsts[index])
        for stored in _read_segment(path, start, end):
            if stored.sequence >= position.sequence:
                yield stored


def _read_segment(path: Path, start: Position, end: int | None) -> Iterator[StoredEntry]:
    """Yield a segment's entries, up to the first sequence of the next segment where there is one."""
    sequence, offset = start.sequence, start.byte_offset
    with path.open("rb") as file:
        # Reading there would find nothing and look like the log's end: a shortened trail would pass.
        if offset > file.seek(0, 2):
            raise CorruptLogError(f"{path}: ends before byte {offset}, up to which it was read; rebuild the index")
        file.seek(offset)
        if not offset:
            line = file.readline(_LINE_LIMIT_BYTES)
            segment.read_header(path, line)
            offset = len(line)
        # What lies behind the next segment's first sequence is void, however whole it looks.
        while sequence != end:
            line = file.readline(_LINE_LIMIT_BYTES)
            entry = segment.unframe(line[:-1]) if line.endswith(b"\n") else None
            if entry is None:
                _check_end(path, offset, line, file, end)
                return
            offset += len(line)
            yield StoredEntry(sequence, entry, Position(path.name, offset, sequence + 1))
            sequence += 1


def _check_end(path: Path, offset: int, line: bytes, file: BinaryIO, end: int | None) -> None:
    """Decide whether a segment may end at a line that is missing, unfinished or damaged."""
    # Only the last segment is still written; an earlier one that ends short has lost entries.
    if end is not None:
        raise CorruptLogError(
            f"{path}: ends at byte {offset}, before entry {end}, with which the next segment begins"
        )
    # A line without its end is being written, or was when the writer died: either way not ours to judge.
    unfinished = len(line) < _LINE_LIMIT_BYTES and not line.endswith(b"\n")
    if not unfinished and not segment.is_torn(line + file.read(segment.TORN_LIMIT_BYTES + 1)):
        raise CorruptLogError(f"{path}: damaged at byte {offset}; restore the file, or move the log away")
