"""Segment files: how entries lie on disk. `docs/audit-format.md` says the same for readers in other languages.

A log is a directory ``DIR/<log_id>/``; its segments are named by the sequence of their first entry, twenty digits and
``.seg``. A segment is lines, each ``CCCCCCCC ENTRY LF`` with ``CCCCCCCC`` the CRC-32 of ENTRY in hexadecimal; the
first line is a header, every other is one entry. A sequence is not written down: it is the segment's plus the line's.
The header holds the edge of the tree over all entries before the segment, so that a writer takes the tree up there.

Rules: a segment ends where the next one begins, so entries that reach into the next segment's sequences are void (a
write that failed, and was made again there). Only the end of the last segment may be torn.

Lines, because canonical JSON holds no raw line feed and any tool can then read a log. CRC and not the leaf hash,
because it is a seventh of the size; the leaf hash follows from the entry.
"""

import base64
import contextlib
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from gateway.audit.canonical import canonical_json
from gateway.audit.tree import Tree

ENTRY_LIMIT_BYTES = 256 * 1024
BATCH_LIMIT_BYTES = 1024 * 1024
# What a crash can leave half written is one batch, and the entry that took it over its limit.
TORN_LIMIT_BYTES = 2 * BATCH_LIMIT_BYTES

_FORMAT_VERSION = 1
_CRC_CHARACTERS = 8
_ENTRY_START = _CRC_CHARACTERS + 1
_SEGMENT_NAME = re.compile(r"[0-9]{20}\.seg")
# Anything else under the directory (lost+found, an operator's copy) is not ours to read or claim.
_LOG_NAME = re.compile(r"[0-9a-f]{16}")


class CorruptLogError(Exception):
    """A log is damaged in a way that no crash explains; names the file and the place, never the content."""


class Tail(NamedTuple):
    """What a segment holds.

    Attributes:
        entries: whole entries in it.
        end: offset behind the last whole line, in bytes.
    """

    entries: int
    end: int


def segment_name(first_sequence: int) -> str:
    """Return the file name of the segment that begins with an entry."""
    return f"{first_sequence:020d}.seg"


def first_sequence(path: Path) -> int:
    """Return the sequence of a segment's first entry."""
    return int(path.name.removesuffix(".seg"))


def segment_paths(log_directory: Path) -> list[Path]:
    """Return the segments of a log, oldest first."""
    # Names of one width sort as their numbers do.
    return sorted(path for path in log_directory.iterdir() if _SEGMENT_NAME.fullmatch(path.name))


def log_directories(directory: Path) -> list[Path]:
    """Return the logs under an audit directory; one that does not exist has none."""
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if _LOG_NAME.fullmatch(path.name))


def frame(entry: bytes) -> bytes:
    """Return an entry as a line."""
    # The checksum finds faults of the disk, not forgers: those the hashes of the tree are for.
    return b"%08x %s\n" % (zlib.crc32(entry), entry)


def unframe(line: bytes) -> bytes | None:
    """Return the entry of a line without its line feed; None when the line is damaged."""
    entry = line[_ENTRY_START:]
    return entry if line[:_ENTRY_START] == b"%08x " % zlib.crc32(entry) else None


def header(log_id: str, first: int, edge: Sequence[bytes]) -> bytes:
    """Return the first line of a segment.

    Args:
        log_id: the id of the log.
        first: sequence of the segment's first entry.
        edge: the edge of the tree over all entries before it.
    """
    tree = [base64.b64encode(node).decode() for node in edge]
    fields = {"v": _FORMAT_VERSION, "type": "segment", "log_id": log_id, "first_sequence": first, "tree": tree}
    return frame(canonical_json(fields))


def read_header(path: Path, line: bytes) -> Tree:
    """Return the tree a segment goes on from; its first line is given with its line feed.

    Raises:
        CorruptLogError: the header is damaged, of another version, or belongs to another file.
    """
    found = unframe(line[:-1])
    version = None
    # Whatever is wrong with the fields, the answer is the same: this is not the header this file has to have.
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
        fields = orjson.loads(found or b"")
        version = fields.get("v")
        tree = Tree(first_sequence(path), [base64.b64decode(node, validate=True) for node in fields["tree"]])
        if line == header(path.parent.name, tree.size, tree.edge):
            return tree
    # Never the line itself: messages go to the log, which holds no content.
    raise CorruptLogError(
        f"{path}: the header is not that of this segment (format version {version or 'unreadable'}); "
        "was the file renamed, moved, or written by another release?"
    )


def log_id_of(line: bytes) -> str | None:
    """Return the log id in a header with its line feed; None when it holds none."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        log_id = orjson.loads(unframe(line[:-1]) or b"")["log_id"]
        return log_id if isinstance(log_id, str) else None
    return None


def is_torn(rest: bytes) -> bool:
    """Say whether a segment's end, from its first damaged line on, is what a crash leaves behind.

    It is short, and no whole line follows the damage; or the damage holds NULs, which an entry never does and a file
    system shows in place of pages it had not written yet, whatever came after them.
    """
    if len(rest) > TORN_LIMIT_BYTES:
        return False
    damaged, *following = rest.split(b"\n")
    return b"\0" in damaged or all(unframe(line) is None for line in following)


def scan(path: Path) -> Tail:
    """Read the last segment of a log to its last whole line.

    Raises:
        CorruptLogError: it is damaged, and not only at its torn end.
    """
    data = path.read_bytes()
    end = data.find(b"\n") + 1
    read_header(path, data[:end])
    lines = data[end:].split(b"\n")[:-1]  # what follows the last line feed is no whole line
    count = next((index for index, line in enumerate(lines) if unframe(line) is None), len(lines))
    end += sum(len(line) + 1 for line in lines[:count])
    if end < len(data) and not is_torn(data[end:]):
        raise CorruptLogError(f"{path}: damaged at byte {end}; restore the file, or move the log away")
    return Tail(count, end)
