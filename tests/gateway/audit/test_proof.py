"""Tests of proofs of one record: they show it, and nothing else, and no changed one does."""

import random
from pathlib import Path

import orjson
import pytest

from gateway.audit import segment
from gateway.audit.log_range import find_range
from gateway.audit.proof import check_proof, find_entry, make_proof
from gateway.audit.segment import CorruptLogError, segment_paths
from gateway.audit.tree import ProofError
from tests.gateway.audit.builders import OTHER_SIGNER, SIGNER
from tests.gateway.audit.trails import entry, lines_of, write_trail

_KEYS = [SIGNER.public]


def _proof(log: Path, sequence: int) -> bytes:
    part = find_range(log)
    assert part is not None
    return make_proof(log, sequence, part)


def test_proof_shows_the_entry_of_a_request(tmp_path: Path) -> None:
    """Found by its request id, it is proven with its place."""
    log = write_trail(tmp_path)
    sequence = find_entry(log, "r33")
    assert sequence == 33
    content = _proof(log, sequence)
    proven = check_proof(content, _KEYS)
    assert (proven.entry, proven.sequence, proven.checkpoint.size) == (entry(33), 33, 60)
    assert find_entry(log, "r") is None
    assert b"r32" not in content
    with pytest.raises(ProofError, match="cannot be trusted"):
        check_proof(content, [OTHER_SIGNER.public])


def test_work_on_a_proof_is_told_as_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All bytes of the entries, once while the entry is looked for and once while they are hashed."""
    monkeypatch.setattr("gateway.audit.proof._TOLD_BYTES", 1)
    log = write_trail(tmp_path)
    part = find_range(log)
    assert part is not None
    size = sum(len(entry(number)) for number in range(60))
    told: list[int] = []
    assert find_entry(log, "not there", told.append) is None
    assert sum(told) == size
    told.clear()
    assert make_proof(log, 33, part, told.append) == _proof(log, 33)
    assert sum(told) == size


def test_changed_proof_shows_nothing(tmp_path: Path) -> None:
    """Every member counts: entry, place, path and checkpoint."""
    fields = orjson.loads(_proof(write_trail(tmp_path), 33))
    chance = random.Random(3)  # noqa: S311 it has to be the same at every run
    shuffled = chance.sample(fields["path"], len(fields["path"]))
    for change in (
        {"entry": entry(34).decode()},
        {"sequence": 34},
        {"sequence": True},
        {"sequence": 60},
        {"path": shuffled},
        {"path": fields["path"][1:]},
        {"path": [*fields["path"], fields["path"][0]]},
        {"path": ["AAAA"]},
        {"path": fields["path"] * 20},
        {"checkpoint": fields["checkpoint"].replace("\n60\n", "\n61\n")},
        {"type": "other"},
        {"v": 2},
        {"entry": None},
    ):
        with pytest.raises(ProofError):
            check_proof(orjson.dumps(fields | change), _KEYS)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff"])
def test_what_is_no_proof_is_refused(content: bytes) -> None:
    """Other files raise the same error."""
    with pytest.raises(ProofError, match="no proof"):
        check_proof(content, _KEYS)


def test_changed_log_makes_no_proof(tmp_path: Path) -> None:
    """A proof that would not hold is not made."""
    log = write_trail(tmp_path)
    path = segment_paths(log)[0]
    lines = lines_of(path)
    lines[1] = segment.frame(entry(999))
    path.write_bytes(b"".join(lines))
    with pytest.raises(CorruptLogError, match="not those of its checkpoint"):
        _proof(log, 33)
