"""Finds out what was done to entries whose tree is not the signed one.

A root says *that* something is wrong, not what. Where few entries lie between the last good checkpoint and the first
bad one, undoing a change and looking whether the signed root comes out says more: that is proof, since nobody can
choose entries so that it does.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from gateway.audit.tree import Tree
from gateway.audit.verification.report import Kind

# Each try hashes the whole window again, and there are as many tries as leaves, or as pairs of them.
WINDOW_LEAVES = 256
_PAIRED_LEAVES = 64


class Diagnosis(NamedTuple):
    """What was done.

    Attributes:
        kind: the change.
        place: index in the window of the first leaf concerned.
    """

    kind: Kind
    place: int


def diagnose(before: Tree, window: Sequence[bytes], following: Sequence[bytes], root: bytes) -> Diagnosis:
    """Say what was done to the entries between two checkpoints.

    Args:
        before: the tree at the last good checkpoint.
        window: hashes of the leaves found from there to where the next checkpoint should fit.
        following: hashes of at most a few leaves behind them.
        root: what that checkpoint signed.
    """
    if len(window) <= WINDOW_LEAVES:
        for diagnosis, leaves in _undone(window, following):
            tree = Tree(before.size, before.edge)
            tree.extend(leaves)
            if tree.root() == root:
                return diagnosis
    return Diagnosis(Kind.CHANGED, 0)


def _undone(window: Sequence[bytes], following: Sequence[bytes]) -> Iterator[tuple[Diagnosis, list[bytes]]]:
    """Yield the window as it would have been before each change that could have been made to it."""
    size = len(window)
    pairs = combinations(range(size), 2) if size <= _PAIRED_LEAVES else ((at, at + 1) for at in range(size - 1))
    for left, right in pairs:
        leaves = list(window)
        leaves[left], leaves[right] = leaves[right], leaves[left]
        yield Diagnosis(Kind.REORDERED, left), leaves
    # One that was put in pushed the last one out of the window.
    for at in range(size if following else 0):
        yield Diagnosis(Kind.INSERTED, at), [*window[:at], *window[at + 1 :], following[0]]
