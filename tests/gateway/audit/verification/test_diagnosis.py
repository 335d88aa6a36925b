"""Tests of the diagnosis: a change that can be undone is named, any other is just a change."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.tree import Tree, leaf_hash
from gateway.audit.verification.diagnosis import WINDOW_LEAVES, Diagnosis, diagnose
from gateway.audit.verification.report import Kind


def _leaves(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


def _grown(leaves: list[bytes]) -> Tree:
    tree = Tree()
    tree.extend(leaves)
    return tree


@given(st.integers(0, 9), st.integers(2, 12), st.data())
def test_exchange_and_insertion_are_named(before: int, count: int, data: st.DataObject) -> None:
    """Two entries in each other's place, and one that was put in, with their places."""
    leaves = _leaves(before + count + 1)
    root = _grown(leaves[: before + count]).root()
    window = leaves[before : before + count]
    left = data.draw(st.integers(0, count - 2))
    right = data.draw(st.integers(left + 1, count - 1))
    swapped = list(window)
    swapped[left], swapped[right] = swapped[right], swapped[left]
    tree = _grown(leaves[:before])
    assert diagnose(tree, swapped, [], root) == Diagnosis(Kind.REORDERED, left)
    inserted = [*window[:left], leaf_hash(b"new"), *window[left:]]
    assert diagnose(tree, inserted[:count], inserted[count:], root).kind is Kind.INSERTED
    assert tree.size == before


def test_anything_else_is_a_change() -> None:
    """Neither a changed entry nor a window too large to try is guessed at."""
    leaves = _leaves(WINDOW_LEAVES + 1)
    assert diagnose(Tree(), leaves[:8], [], bytes(32)) == Diagnosis(Kind.CHANGED, 0)
    swapped = [leaves[1], leaves[0], *leaves[2:]]
    assert diagnose(Tree(), swapped, [], _grown(leaves).root()) == Diagnosis(Kind.CHANGED, 0)
