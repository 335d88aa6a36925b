"""Proofs of one record: an entry, its place, the path to the root, and the signed checkpoint with that root.

Whoever has the public key can check one without the log, and learns nothing of any other entry but hashes of hashes.
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from gateway.audit.canonical import canonical_json
from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.log_range import LogRange, read_entries
from gateway.audit.note import NoteError, PublicKey
from gateway.audit.segment import ENTRY_LIMIT_BYTES, CorruptLogError
from gateway.audit.tree import HASH_BYTES, ProofError, inclusion_ranges, leaf_hash, range_roots, root_from_inclusion

# An entry whose every byte is escaped, and the rest.
PROOF_LIMIT_BYTES = 6 * ENTRY_LIMIT_BYTES + 64 * 1024
_PATH_LIMIT = 64  # hashes; a tree of so many levels has more leaves than there is room for
_TYPE = "inclusion_proof"


_TOLD_BYTES = 1024 * 1024  # a bar that moved at every entry would take longer than the reading

Advance = Callable[[int], object]


def _unwatched(_: int) -> None:
    """Have nobody watch."""


class Proven(NamedTuple):
    """What a proof shows.

    Attributes:
        entry: the canonical bytes of the entry.
        sequence: its place in the log.
        checkpoint: the checkpoint it lies under.
    """

    entry: bytes
    sequence: int
    checkpoint: Checkpoint


def find_entry(log_directory: Path, request_id: str, advance: Advance = _unwatched) -> int | None:
    """Return the sequence of the entry of a request; None when the log has none.

    Args:
        log_directory: the log.
        request_id: the request.
        advance: is told the bytes of entries that were read since it was told last.

    Raises:
        CorruptLogError: the log is damaged.
        OSError: it cannot be read.
    """
    needle = canonical_json(request_id)
    found = None
    for sequence, entry in enumerate(_told(read_entries(log_directory), advance)):
        # Decoding costs ten times what reading does, so the id is looked for in the bytes first.
        if needle in entry and request_id in orjson.loads(entry).values():
            if orjson.loads(entry).get("type") == "exchange":
                return sequence
            # What was kept of it besides its own entry is shown when that entry is not there.
            found = sequence if found is None else found
    return found


def make_proof(log_directory: Path, sequence: int, part: LogRange, advance: Advance = _unwatched) -> bytes:
    """Return the proof that an entry lies under a checkpoint.

    Args:
        log_directory: the log.
        sequence: where the entry is.
        part: the checkpoint, and what lies under it.
        advance: is told the bytes of entries that were read since it was told last.

    Raises:
        CorruptLogError: the log is damaged, or not what its checkpoint was made of.
        ValueError: the checkpoint does not cover the entry.
        OSError: the log cannot be read.
    """
    checkpoint = part.checkpoint
    ranges = inclusion_ranges(sequence, checkpoint.size)
    # One pass for all: a log of ten million entries takes a minute, and nothing has to be kept for it.
    path = range_roots(map(leaf_hash, _told(read_entries(log_directory), advance)), ranges)
    entry = next(read_entries(log_directory, sequence))
    if root_from_inclusion(leaf_hash(entry), sequence, checkpoint.size, path) != checkpoint.root:
        raise CorruptLogError(
            f"{log_directory}: its entries are not those of its checkpoint; run 'sluice audit verify'"
        )
    return write_proof(entry, sequence, path, part.note)


def write_proof(entry: bytes, sequence: int, path: Sequence[bytes], note: bytes) -> bytes:
    """Return the file of a proof."""
    fields = {
        "v": 1,
        "type": _TYPE,
        # As text and not as an object: what was hashed is these bytes, and no program has to make them again.
        "entry": entry.decode(),
        "sequence": sequence,
        "path": [base64.b64encode(node).decode() for node in path],
        "checkpoint": note.decode(),
    }
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def check_proof(content: bytes, keys: Sequence[PublicKey]) -> Proven:
    """Check a proof.

    Args:
        content: the file.
        keys: keys that sign checkpoints.

    Raises:
        ProofError: it does not show that the entry lies under a checkpoint of one of the keys; says why.
    """
    try:
        fields = orjson.loads(content)
        entry, sequence, note = fields["entry"].encode(), fields["sequence"], fields["checkpoint"].encode()
        path = [base64.b64decode(node, validate=True) for node in fields["path"]]
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ProofError("the file is no proof") from exc
    if (fields.get("v"), fields.get("type")) != (1, _TYPE) or type(sequence) is not int:
        raise ProofError("the file is no proof of version 1")
    if len(path) > _PATH_LIMIT or any(len(node) != HASH_BYTES for node in path):
        raise ProofError("the path is no path of hashes")
    try:
        checkpoint = open_checkpoint(note, keys)
    except NoteError as exc:
        raise ProofError(f"its checkpoint cannot be trusted: {exc}") from exc
    if root_from_inclusion(leaf_hash(entry), sequence, checkpoint.size, path) != checkpoint.root:
        raise ProofError("the entry, its place or its path is not what the checkpoint was made of")
    return Proven(entry, sequence, checkpoint)


def _told(entries: Iterable[bytes], advance: Advance) -> Iterator[bytes]:
    """Pass entries on, and tell every now and then how many bytes of them went by."""
    size = 0
    for entry in entries:
        size += len(entry)
        if size >= _TOLD_BYTES:
            advance(size)
            size = 0
        yield entry
    advance(size)
