"""The verifier written from the page and the product's agree, on what is good and on what is not; so does the page."""

import base64
import random
import re
import shutil
import zlib
from pathlib import Path

import pytest

from gateway.audit import proof as product_proof
from gateway.audit.export import FolderTarget, export_log
from gateway.audit.history import LATEST_NAME
from gateway.audit.log_range import LogRange, find_range
from gateway.audit.tree import Tree, leaf_hash
from tests.audit_verifier.verifier import Key, NotGoodError, check, check_proof
from tests.documents import read
from tests.gateway.audit.builders import OTHER_SIGNER, SIGNER
from tests.gateway.audit.trails import entry, flip, kinds, only_log, truth_files, write_trail

_KEY = SIGNER.public.line
_FLIPS = 200


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    """A trail of one log in several segments."""
    write_trail(tmp_path / "audit")
    return tmp_path / "audit"


def _agree(path: Path) -> bool:
    """Return whether a trail is good, by both."""
    try:
        check(path, _KEY)
    except NotGoodError:
        assert kinds(path), "only the second verifier finds something"
        return False
    assert not kinds(path), "only the product finds something"
    return True


def test_good_trail_is_good_for_both(trail: Path) -> None:
    """A trail of several logs, and one that a crash left half a line in."""
    other = write_trail(trail.parent / "other", batches=3)
    shutil.move(other, trail / other.name)
    assert _agree(trail)
    last = sorted((trail / other.name).glob("*.seg"))[-1]
    last.write_bytes(last.read_bytes() + b"0123abcd {")
    assert _agree(trail)


def test_flipped_bits_are_found_by_both(trail: Path) -> None:
    """Neither overlooks what the other sees."""
    chance = random.Random(7)  # noqa: S311 it has to be the same at every run
    whole = {path: path.read_bytes() for path in truth_files(trail)}
    total = sum(map(len, whole.values()))
    for _ in range(_FLIPS):
        path = flip(whole, chance.randrange(total), chance.randrange(8))
        assert not _agree(trail)
        path.write_bytes(whole[path])


def test_rolled_back_trail_is_found_by_both_with_an_anchor(trail: Path) -> None:
    """An anchor counts the same for both."""
    shutil.copytree(trail, trail.parent / "older")
    anchor = trail.parent / "anchor"
    anchor.write_bytes((write_trail(trail, first=60) / LATEST_NAME).read_bytes())
    check(trail, _KEY, [anchor.read_bytes()])
    assert not kinds(trail, anchors=[anchor])
    assert _agree(trail.parent / "older")
    with pytest.raises(NotGoodError):
        check(trail.parent / "older", _KEY, [anchor.read_bytes()])
    assert kinds(trail.parent / "older", anchors=[anchor])


def test_exports_are_the_same_for_both(trail: Path) -> None:
    """A whole log, a part of one, and each of their files changed."""
    log_directory = only_log(trail)
    part = find_range(log_directory)
    assert part is not None
    for first in (0, 25):
        export = trail.parent / f"export{first}"
        export_log(log_directory, LogRange(first, part.checkpoint, part.note), SIGNER.public, FolderTarget(export))
        assert _agree(export)
        chance = random.Random(first)  # noqa: S311 it has to be the same at every run
        whole = {path: path.read_bytes() for path in sorted(export.iterdir())}
        for _ in range(_FLIPS // 2):
            path = flip(whole, chance.randrange(sum(map(len, whole.values()))), chance.randrange(8))
            assert not _agree(export)
            path.write_bytes(whole[path])


def test_proofs_are_the_same_for_both(trail: Path) -> None:
    """Every entry's proof shows it to both, and to neither under another key."""
    log_directory = only_log(trail)
    part = find_range(log_directory)
    assert part is not None
    for sequence in range(0, 60, 7):
        content = product_proof.make_proof(log_directory, sequence, part)
        assert check_proof(content, Key(_KEY)) == entry(sequence)
        assert product_proof.check_proof(content, [SIGNER.public]).entry == entry(sequence)
        with pytest.raises(NotGoodError):
            check_proof(content, Key(OTHER_SIGNER.public.line))


def test_vectors_of_the_page_are_right() -> None:
    """The worked examples on the page come out, by the product and by the second verifier."""
    page = read("docs/audit-format.md")
    rows = re.findall(r"^\| (\d) \| `([0-9a-f]{64})` \| `([0-9a-f]{64})` \|$", page, re.MULTILINE)
    assert len(rows) == 5
    tree = Tree()
    for size, leaf, root in rows:
        made = b'{"n":%d}' % (int(size) - 1)
        tree.extend_entries([made])
        assert (leaf_hash(made).hex(), tree.root().hex()) == (leaf, root)
    (note,) = re.findall(r"```\n(audit\.example/.*?\n)```", page, re.DOTALL)
    (key,) = re.findall(r"^audit\.example\+.*$", page, re.MULTILINE)
    assert key == _KEY
    checkpoint = Key(key).open(note.encode())
    assert (checkpoint.size, checkpoint.root) == (5, tree.root())
    (path,) = re.findall(r"the path is:\n\n```\n(.*?)```", page, re.DOTALL)
    hashes = [base64.b64decode(each) for each in path.split()]
    proof = product_proof.write_proof(b'{"n":2}', 2, hashes, note.encode())
    assert check_proof(proof, Key(key)) == b'{"n":2}'
    for line in re.findall(r"^[0-9a-f]{8} \{.*\}$", page, re.MULTILINE):
        assert zlib.crc32(line[9:].encode()) == int(line[:8], 16)


def test_second_verifier_imports_nothing_of_the_product() -> None:
    """It stands on the page alone."""
    source = read("tests/audit_verifier/verifier.py")
    assert re.findall(r"^(?:from|import) (gateway|filters|tests)\b", source, re.MULTILINE) == []
