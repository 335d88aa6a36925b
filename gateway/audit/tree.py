"""The Merkle tree over a log's entries, and proofs from it (RFC 6962 §2.1, RFC 9162 §2.1).

Rules: pure; a leaf is the hash of an entry's canonical bytes; a tree of n leaves is kept as its *edge*, the roots of
the perfect subtrees it consists of, one for each bit set in n. An edge is all that growing a tree and its root need,
so neither writing nor verifying holds more than 64 hashes, however long the log is.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()  # RFC 6962 §2.1: the root of no leaves

_LEAF_PREFIX = b"\x00"  # RFC 6962 §2.1: keeps a leaf from being taken for an inner node of the tree
_NODE_PREFIX = b"\x01"
_sha256 = hashlib.sha256


class Range(NamedTuple):
    """Leaves that lie side by side.

    Attributes:
        start: sequence of the first one.
        end: sequence behind the last one.
    """

    start: int
    end: int


class ProofError(ValueError):
    """A proof does not show what it should; the message says what is wrong with it."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash an entry has as a leaf of the tree: SHA-256 of 0x00 and the entry (RFC 6962 §2.1)."""
    return _sha256(_LEAF_PREFIX + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 of 0x01 and its children's hashes (RFC 6962 §2.1)."""
    return _sha256(_NODE_PREFIX + left + right).digest()


class Tree:
    """A tree that grows at its right end, kept as its edge.

    Attributes:
        size: number of leaves.
        edge: roots of its perfect subtrees, from the left and largest to the right and smallest.
    """

    __slots__ = ("edge", "size")

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        """Take up a tree.

        Raises:
            ValueError: a tree of this size has another number of perfect subtrees, or a hash has the wrong length.
        """
        if len(edge) != size.bit_count() or any(len(node) != HASH_BYTES for node in edge):
            raise ValueError(
                f"the edge of a tree of {size} leaves is {size.bit_count()} hashes of {HASH_BYTES} bytes"
            )
        self.size = size
        self.edge = list(edge)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaves by their hashes."""
        size, edge = self.size, self.edge
        for leaf in leaves:
            node, bits = leaf, size
            # Each trailing one bit of the size is a subtree as large as the one in hand: the two become one.
            while bits & 1:
                # Spelled out, because this runs once for every entry and a call costs a third of a hash.
                node = _sha256(_NODE_PREFIX + edge.pop() + node).digest()
                bits >>= 1
            edge.append(node)
            size += 1
        self.size = size

    def extend_entries(self, entries: Iterable[bytes]) -> None:
        """Add entries; the path of every entry that is written or verified."""
        self.extend([_sha256(_LEAF_PREFIX + entry).digest() for entry in entries])

    def root(self) -> bytes:
        """Return the root hash."""
        if not self.edge:
            return EMPTY_ROOT
        *rest, root = self.edge
        for node in reversed(rest):
            root = node_hash(node, root)
        return root


def inclusion_ranges(sequence: int, size: int) -> list[Range]:
    """Return the ranges whose roots are the inclusion proof of a leaf, in its order (RFC 9162 §2.1.3.1).

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= sequence < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {sequence}")
    start, end, ranges = 0, size, []
    while end - start > 1:
        middle = start + _left_width(end - start)
        if sequence < middle:
            ranges.append(Range(middle, end))
            end = middle
        else:
            ranges.append(Range(start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(earlier: int, later: int) -> list[Range]:
    """Return the ranges whose roots prove that a tree goes on from an earlier one (RFC 9162 §2.1.4.1).

    Raises:
        ValueError: the earlier tree is empty or larger; there is nothing to prove, or no way to.
    """
    if not 0 < earlier <= later:
        raise ValueError(f"a tree of {later} leaves has no earlier state of {earlier}")
    start, end, ranges = 0, later, []
    while earlier != end:
        middle = start + _left_width(end - start)
        if earlier <= middle:
            ranges.append(Range(middle, end))
            end = middle
        else:
            ranges.append(Range(start, middle))
            start = middle
    # Left of the way down nothing was split off: the whole earlier tree, whose root the verifier has.
    if start:
        ranges.append(Range(start, end))
    return ranges[::-1]


def range_roots(leaves: Iterable[bytes], ranges: Sequence[Range]) -> list[bytes]:
    """Return the roots of ranges in one pass over the leaves of a whole tree.

    Args:
        leaves: hashes of all leaves from the first on; those outside the ranges are skipped.
        ranges: disjoint, each as the functions above make them.

    Raises:
        ValueError: there are fewer leaves than the ranges need.
    """
    trees = {each: Tree() for each in ranges}
    numbered = iter(leaves)
    at = 0
    for each in sorted(ranges):
        at += sum(1 for _ in _taken(numbered, each.start - at))
        trees[each].extend(_taken(numbered, each.end - each.start))
        at += trees[each].size
        if at != each.end:
            raise ValueError(f"the tree has {at} leaves only, fewer than {each.end}")
    return [trees[each].root() for each in ranges]


def root_from_inclusion(leaf: bytes, sequence: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that an inclusion proof leads to (RFC 9162 §2.1.3.2).

    Raises:
        ProofError: the proof is not one for this place in a tree of this size.
    """
    if not 0 <= sequence < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {sequence}")
    node, index, last = leaf, sequence, size - 1
    for hash_ in path:
        if not last:
            raise ProofError("the path is too long")
        if index & 1 or index == last:
            node = node_hash(hash_, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, hash_)
        index, last = index >> 1, last >> 1
    if last:
        raise ProofError("the path is too short")
    return node


def verify_consistency(
    earlier: int, later: int, earlier_root: bytes, later_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that a tree goes on from an earlier one (RFC 9162 §2.1.4.2).

    Raises:
        ProofError: it does not, or the proof is not one for trees of these sizes.
    """
    if not 0 < earlier <= later:
        raise ProofError(f"a tree of {later} leaves has no earlier state of {earlier}")
    if earlier == later:
        if path or earlier_root != later_root:
            raise ProofError("trees of one size have one root and need no path")
        return
    # A power of two is one perfect subtree, whose root the proof leaves out because the verifier has it.
    first, *rest = path if earlier & (earlier - 1) else (earlier_root, *path)
    index, last = earlier - 1, later - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    old = new = first
    for hash_ in rest:
        if not last:
            raise ProofError("the path is too long")
        if index & 1 or index == last:
            old, new = node_hash(hash_, old), node_hash(hash_, new)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            new = node_hash(new, hash_)
        index, last = index >> 1, last >> 1
    if last or old != earlier_root or new != later_root:
        raise ProofError("the later tree does not go on from the earlier one")


def _left_width(width: int) -> int:
    """Return the leaves left of the split: the largest power of two below the width."""
    return 1 << (width - 1).bit_length() - 1


def _taken(leaves: Iterator[bytes], count: int) -> Iterator[bytes]:
    for _ in range(count):
        try:
            yield next(leaves)
        except StopIteration:
            return
