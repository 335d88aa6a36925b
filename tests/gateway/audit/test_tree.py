"""Tests of the tree: published vectors, laws, and agreement with an independent implementation."""

import hashlib
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InclusionProof, InmemoryTree, verify_consistency, verify_inclusion

from gateway.audit import tree as ours
from gateway.audit.tree import ProofError, Range, Tree, leaf_hash

# The leaves and roots that the tests of Certificate Transparency's own log use.
_LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")] + [
    bytes(range(0x60, 0x70))
]
_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

_ENTRIES = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


def _tree(entries: list[bytes]) -> Tree:
    tree = Tree()
    tree.extend_entries(entries)
    return tree


def _theirs(entries: list[bytes]) -> InmemoryTree:
    # Its default hashes leaves and nodes as RFC 6962 says; `disable_security` would leave the prefixes out.
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    return tree


def _inclusion(entries: list[bytes], sequence: int) -> list[bytes]:
    return ours.range_roots(map(leaf_hash, entries), ours.inclusion_ranges(sequence, len(entries)))


def _consistency(entries: list[bytes], earlier: int) -> list[bytes]:
    return ours.range_roots(map(leaf_hash, entries), ours.consistency_ranges(earlier, len(entries)))


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    """The test vectors of Certificate Transparency come out."""
    assert _tree(_LEAVES[:size]).root().hex() == _ROOTS[size]


def test_leaf_hash_is_that_of_rfc_6962() -> None:
    """The leaf hash is SHA-256 of a zero byte and the entry."""
    assert leaf_hash(b"entry") == hashlib.sha256(b"\0entry").digest()


@given(_ENTRIES, st.data())
def test_tree_goes_on_from_its_edge(entries: list[bytes], data: st.DataObject) -> None:
    """A tree taken up from its edge and one grown in batches have the root of one grown at once."""
    split = data.draw(st.integers(0, len(entries)))
    first = _tree(entries[:split])
    taken_up = Tree(first.size, first.edge)
    taken_up.extend_entries(entries[split:])
    assert (taken_up.size, taken_up.root(), taken_up.edge) == (
        len(entries),
        _tree(entries).root(),
        _tree(entries).edge,
    )


@pytest.mark.parametrize(("size", "edge"), [(1, []), (2, [bytes(32)] * 2), (1, [bytes(31)]), (0, [bytes(32)])])
def test_edge_that_fits_no_tree_is_refused(size: int, edge: list[bytes]) -> None:
    """A wrong number or length of hashes raises."""
    with pytest.raises(ValueError, match="the edge of a tree"):
        Tree(size, edge)


@given(_ENTRIES, st.data())
@settings(max_examples=200, deadline=None)
def test_inclusion_proofs_agree_with_an_independent_implementation(entries: list[bytes], data: st.DataObject) -> None:
    """Roots and proofs are equal; each side verifies the other's."""
    sequence = data.draw(st.integers(0, len(entries) - 1))
    theirs, leaf = _theirs(entries), leaf_hash(entries[sequence])
    root, path = _tree(entries).root(), _inclusion(entries, sequence)
    their_proof = theirs.prove_inclusion(sequence + 1)
    assert (root, [leaf, *path]) == (theirs.get_root(), their_proof.path)
    assert ours.root_from_inclusion(leaf, sequence, len(entries), their_proof.path[1:]) == root
    our_proof = InclusionProof(
        "sha256", security=True, size=len(entries), index=sequence + 1, rule=their_proof.rule, path=[leaf, *path]
    )
    verify_inclusion(leaf, root, our_proof)


def _their_consistency(entries: list[bytes], earlier: int, *, whole: bool = True) -> list[bytes]:
    """Return the proof as RFC 9162 §2.1.4.1 defines it, word by word, of roots found by the other implementation."""
    size = len(entries)
    if earlier == size:
        return [] if whole else [_theirs(entries).get_root()]
    left = max(1 << bit for bit in range(size.bit_length()) if 1 << bit < size)
    if earlier <= left:
        return [*_their_consistency(entries[:left], earlier, whole=whole), _theirs(entries[left:]).get_root()]
    return [
        *_their_consistency(entries[left:], earlier - left, whole=False),
        _theirs(entries[:left]).get_root(),
    ]


@given(_ENTRIES, st.data())
@settings(max_examples=200, deadline=None)
def test_consistency_proofs_agree_with_an_independent_implementation(
    entries: list[bytes], data: st.DataObject
) -> None:
    """The proof is the RFC's over the other implementation's roots, and it proves the same of the same two roots."""
    size = len(entries)
    earlier = data.draw(st.integers(1, size))
    earlier_root, root, path = _tree(entries[:earlier]).root(), _tree(entries).root(), _consistency(entries, earlier)
    assert path == _their_consistency(entries, earlier)
    ours.verify_consistency(earlier, size, earlier_root, root, path)
    # Its own proofs split a tree otherwise where the earlier one ends at a split; so what they show is compared.
    verify_consistency(earlier_root, root, _theirs(entries).prove_consistency(earlier))


def _changed(path: list[bytes], data: st.DataObject) -> list[bytes]:
    """Return a path that differs: a hash less, more or changed."""
    at = data.draw(st.integers(0, len(path)))
    ways: list[Callable[[], list[bytes]]] = [lambda: [*path[:at], bytes(32), *path[at:]]]
    if path:
        at %= len(path)
        ways.append(lambda: path[:at] + path[at + 1 :])
        ways.append(lambda: [*path[:at], hashlib.sha256(path[at]).digest(), *path[at + 1 :]])
    return data.draw(st.sampled_from(ways))()


@given(_ENTRIES, st.data())
def test_changed_inclusion_proof_leads_elsewhere(entries: list[bytes], data: st.DataObject) -> None:
    """A path, a place or a leaf that is not the proof's own never leads to the root."""
    size = len(entries)
    sequence = data.draw(st.integers(0, size - 1))
    root, path = _tree(entries).root(), _inclusion(entries, sequence)
    for leaf, place, hashes in (
        (leaf_hash(entries[sequence]), sequence, _changed(path, data)),
        (leaf_hash(entries[sequence] + b"!"), sequence, path),
    ):
        try:
            found = ours.root_from_inclusion(leaf, place, size, hashes)
        except ProofError:
            continue
        assert found != root


@given(_ENTRIES, st.data())
def test_changed_consistency_proof_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    """A path that is not the proof's own raises."""
    earlier = data.draw(st.integers(1, len(entries)))
    earlier_root, root = _tree(entries[:earlier]).root(), _tree(entries).root()
    with pytest.raises(ProofError):
        ours.verify_consistency(
            earlier, len(entries), earlier_root, root, _changed(_consistency(entries, earlier), data)
        )


@given(_ENTRIES, _ENTRIES, st.data())
def test_rewritten_past_has_no_consistency_proof(
    entries: list[bytes], others: list[bytes], data: st.DataObject
) -> None:
    """Of a tree whose past was changed, the honest proof does not lead back to the root seen before."""
    earlier = data.draw(st.integers(1, len(entries)))
    at = data.draw(st.integers(0, earlier - 1))
    rewritten = [*entries[:at], entries[at] + b"!", *entries[at + 1 :], *others]
    path = _consistency(rewritten, earlier)
    with pytest.raises(ProofError):
        ours.verify_consistency(
            earlier, len(rewritten), _tree(entries[:earlier]).root(), _tree(rewritten).root(), path
        )


@given(st.integers(1, 10**9), st.data())
def test_ranges_cover_the_tree(size: int, data: st.DataObject) -> None:
    """A leaf and its proof's ranges, or an earlier tree and its own, are the whole tree without overlap."""
    place = data.draw(st.integers(0, size - 1))
    inclusion = sorted([Range(place, place + 1), *ours.inclusion_ranges(place, size)])
    consistency = sorted(ours.consistency_ranges(place + 1, size))
    if (place + 1) & place == 0 or place + 1 == size:
        consistency.insert(0, Range(0, place + 1))
    for ranges in (inclusion, consistency):
        assert (ranges[0].start, ranges[-1].end) == (0, size)
        assert all(left.end == right.start for left, right in pairwise(ranges))


@pytest.mark.parametrize(("place", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_leaf_that_is_not_there_has_no_proof(place: int, size: int) -> None:
    """A place outside the tree raises, on both sides."""
    with pytest.raises(ValueError, match="no leaf"):
        ours.inclusion_ranges(place, size)
    with pytest.raises(ProofError, match="no leaf"):
        ours.root_from_inclusion(bytes(32), place, size, [])


@pytest.mark.parametrize(("earlier", "later"), [(0, 3), (4, 3), (-1, 3)])
def test_state_that_was_not_there_has_no_proof(earlier: int, later: int) -> None:
    """An earlier size that is none raises, on both sides."""
    with pytest.raises(ValueError, match="no earlier state"):
        ours.consistency_ranges(earlier, later)
    with pytest.raises(ProofError, match="no earlier state"):
        ours.verify_consistency(earlier, later, bytes(32), bytes(32), [])


def test_too_few_leaves_are_an_error() -> None:
    """Roots are never of a part of a range."""
    with pytest.raises(ValueError, match="3 leaves only"):
        ours.range_roots(map(leaf_hash, _LEAVES[:3]), [Range(0, 2), Range(2, 4)])
