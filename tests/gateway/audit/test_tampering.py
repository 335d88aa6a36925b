"""Tampering: every change that someone without the signing key can make to a trail is found, and named.

Whoever tampers here knows the format: checksums are made right again, and headers where that helps.
"""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.audit import segment
from gateway.audit.anchor_file import anchor_line
from gateway.audit.checkpoint import read_checkpoint
from gateway.audit.history import HISTORY_NAME, LATEST_NAME, note_line, note_of
from gateway.audit.note import PublicKey
from gateway.audit.tree import Tree
from gateway.audit.verification.report import Kind
from tests.gateway.audit.builders import OTHER_SIGNER, SIGNER
from tests.gateway.audit.trails import (
    entry,
    flip,
    kinds,
    lines_of,
    only_log,
    segments,
    truth_files,
    verified,
    write_trail,
)

_SEED = 20_261_125
_FLIPS = 300


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    """A trail with one log of sixty entries in several segments, thirteen checkpoints, and a clean end."""
    write_trail(tmp_path / "audit")
    assert len(segments(tmp_path / "audit")) > 2
    return tmp_path / "audit"


def _edit(path: Path, change: Callable[[list[bytes]], None]) -> None:
    lines = lines_of(path)
    change(lines)
    path.write_bytes(b"".join(lines))


def _set(at: int, line: bytes) -> Callable[[list[bytes]], None]:
    return lambda lines: lines.__setitem__(at, line)


def _swap(left: int, right: int) -> Callable[[list[bytes]], None]:
    def change(lines: list[bytes]) -> None:
        lines[left], lines[right] = lines[right], lines[left]

    return change


def _new(trail: Path) -> bytes:
    """Return a line of an entry that never was, with a right checksum."""
    return segment.frame(entry(999))


def test_untouched_trail_is_good(trail: Path) -> None:
    """Nothing is found where nothing was done, and everything was looked at."""
    report, _ = verified(trail)
    assert (report.entries, report.covered, report.checkpoints, report.problems, report.notices) == (
        60,
        60,
        13,
        [],
        [],
    )


_ENTRY_CHANGES = {
    "change in the first segment": (0, _set(3, segment.frame(entry(999))), {Kind.CHANGED}),
    "change in the last segment": (-1, _set(2, segment.frame(entry(999))), {Kind.CHANGED}),
    "change without checksum": (0, _set(3, b"00000000 {}\n"), {Kind.DAMAGED}),
    "entry that is not canonical": (0, _set(3, segment.frame(b'{"b":1, "a":2}')), {Kind.DAMAGED}),
    "delete in the first segment": (0, lambda lines: lines.pop(3), {Kind.MISSING, Kind.CHANGED}),
    "delete in the last segment": (-1, lambda lines: lines.pop(2), {Kind.MISSING, Kind.CHANGED}),
    "truncate the last segment": (-1, lambda lines: lines.pop(), {Kind.MISSING}),
    "insert in the last segment": (-1, lambda lines: lines.insert(2, segment.frame(entry(999))), {Kind.INSERTED}),
    "insert in the first segment": (0, lambda lines: lines.insert(3, segment.frame(entry(999))), {Kind.INSERTED}),
    "reorder neighbours": (0, _swap(2, 3), {Kind.REORDERED}),
    "reorder in the last segment": (-1, _swap(1, 4), {Kind.REORDERED}),
    "repeat an entry": (-1, lambda lines: lines.insert(2, lines[1]), {Kind.INSERTED}),
}


@pytest.mark.parametrize("name", _ENTRY_CHANGES)
def test_changed_entries_are_named(trail: Path, name: str) -> None:
    """Change, delete, insert, reorder, truncate: each is named, with its file, and right checksums do not help."""
    number, change, expected = _ENTRY_CHANGES[name]
    path = segments(trail)[number]
    _edit(path, change)
    found = [problem for report in verified(trail) for problem in report.problems]
    assert expected <= {problem.kind for problem in found}
    assert str(path) in {problem.file for problem in found}


def _history(trail: Path) -> Path:
    return only_log(trail) / HISTORY_NAME


def _resigned(line: bytes) -> bytes:
    """Return a line of the history with its checkpoint signed by another key of the same name."""
    checkpoint = read_checkpoint(note_of(line) or b"")
    return note_line(OTHER_SIGNER.sign(checkpoint.text()))


def _retold(line: bytes) -> bytes:
    """Return a line of the history that says another size under the old signature."""
    note = note_of(line) or b""
    return note_line(note.replace(b"\n25\n", b"\n24\n"))


_CHECKPOINT_CHANGES = {
    "change": (lambda lines: _set(5, _retold(lines[5]))(lines), Kind.SIGNATURE),
    "sign with another key": (lambda lines: _set(5, _resigned(lines[5]))(lines), Kind.WRONG_KEY),
    "delete": (lambda lines: lines.pop(5), Kind.CHECKPOINT_MISSING),
    "delete the first": (lambda lines: lines.pop(0), Kind.CHECKPOINT_MISSING),
    "insert an old one": (lambda lines: lines.insert(8, lines[5]), Kind.CHECKPOINT_REORDERED),
    "reorder": (_swap(5, 6), Kind.CHECKPOINT_REORDERED),
    "truncate": (lambda lines: lines.__delitem__(slice(-3, None)), Kind.CHECKPOINT_MISSING),
    "damage": (_set(5, b"00000000 {}\n"), Kind.CHECKPOINT_DAMAGED),
    "delete all": (lambda lines: lines.clear(), Kind.CHECKPOINT_MISSING),
}


@pytest.mark.parametrize("name", _CHECKPOINT_CHANGES)
def test_changed_checkpoints_are_named(trail: Path, name: str) -> None:
    """Change, delete, insert, reorder, truncate the history: each is named."""
    change, expected = _CHECKPOINT_CHANGES[name]
    _edit(_history(trail), change)
    assert expected in kinds(trail)


def test_changed_latest_checkpoint_is_named(trail: Path) -> None:
    """The file `checkpoint` is gone, of another key, old, or of another log."""
    latest = only_log(trail) / LATEST_NAME
    note = latest.read_bytes()
    old = note_of(lines_of(_history(trail))[3]) or b""
    text = read_checkpoint(note).text()
    for content, expected in (
        (old, Kind.CHECKPOINT_MISSING),
        (OTHER_SIGNER.sign(text), Kind.WRONG_KEY),
        (note.replace(b"number 12", b"number 13"), Kind.SIGNATURE),
        (b"none", Kind.CHECKPOINT_DAMAGED),
        (SIGNER.sign(text.replace(only_log(trail).name, "0" * 16)), Kind.SWAPPED),
    ):
        latest.write_bytes(content)
        assert expected in kinds(trail)
    latest.unlink()
    assert Kind.CHECKPOINT_MISSING in kinds(trail)


def test_another_key_verifies_nothing(trail: Path) -> None:
    """With the wrong public key, or one of another name, nothing counts as signed."""
    assert kinds(trail, [OTHER_SIGNER.public]) == {Kind.WRONG_KEY}
    assert kinds(trail, [PublicKey("other.example", SIGNER.public.raw)]) == {Kind.WRONG_KEY}


def test_tree_hashed_again_without_the_key_is_named(trail: Path) -> None:
    """An entry is changed, and every header's tree made right again: the signatures still tell."""
    tree = Tree()
    for number, path in enumerate(segments(trail)):
        lines = lines_of(path)
        lines[0] = segment.header(path.parent.name, tree.size, tree.edge)
        if not number:
            lines[3] = _new(trail)
        tree.extend_entries(line[9:-1] for line in lines[1:])
        path.write_bytes(b"".join(lines))
    assert Kind.CHANGED in kinds(trail)


def test_missing_segments_are_named(trail: Path) -> None:
    """The first, a middle or the last segment is gone."""
    for number in (0, 1, -1):
        path = segments(trail)[number]
        kept = path.read_bytes()
        path.unlink()
        assert Kind.MISSING in kinds(trail)
        path.write_bytes(kept)
    assert not kinds(trail)


def test_swapped_logs_are_named(trail: Path) -> None:
    """Two logs under each other's names, or one's segments in the other's place."""
    first = only_log(trail)
    second = write_trail(trail.parent / "other", first=500)
    moved = trail / second.name
    shutil.move(second, moved)
    assert not kinds(trail)
    aside = trail.parent / "aside"
    first.rename(aside)
    moved.rename(first)
    aside.rename(moved)
    assert Kind.SWAPPED in kinds(trail)


def test_rollback_of_everything_needs_an_anchor(trail: Path) -> None:
    """A whole older state is consistent in itself; an anchor of a later one names what is missing."""
    older = trail.parent / "older"
    shutil.copytree(trail, older)
    log_directory = write_trail(trail, first=60)
    anchor = trail.parent / "anchors"
    anchor.write_bytes(anchor_line((log_directory / LATEST_NAME).read_bytes()))
    assert kinds(trail, anchors=[anchor]) == set()
    shutil.rmtree(trail)
    shutil.move(older, trail)
    assert kinds(trail) == set()
    assert kinds(trail, anchors=[anchor]) == {Kind.ROLLED_BACK}
    shutil.rmtree(only_log(trail))
    assert kinds(trail, anchors=[anchor]) == {Kind.LOG_MISSING}


def test_tail_cut_off_with_its_checkpoints_needs_an_anchor(trail: Path) -> None:
    """Entries and checkpoints cut back to the same place pass alone, and not against an anchor."""
    anchor = trail.parent / "anchors"
    anchor.write_bytes((only_log(trail) / LATEST_NAME).read_bytes())
    _edit(segments(trail)[-1], lambda lines: lines.__delitem__(slice(-5, None)))
    _edit(_history(trail), lambda lines: lines.__delitem__(-1))
    (only_log(trail) / LATEST_NAME).write_bytes(note_of(lines_of(_history(trail))[-1]) or b"")
    assert kinds(trail) == set()
    assert kinds(trail, anchors=[anchor]) == {Kind.ROLLED_BACK}


def test_random_bit_flips_are_all_found(trail: Path) -> None:
    """A sample of what `python -m benchmarks.audit_tamper` does: one bit of any file of the truth."""
    chance = random.Random(_SEED)  # noqa: S311 it has to be the same at every run
    whole = {path: path.read_bytes() for path in truth_files(trail)}
    total = sum(map(len, whole.values()))
    for _ in range(_FLIPS):
        byte, bit = chance.randrange(total), chance.randrange(8)
        found = flip(whole, byte, bit)
        assert kinds(trail), f"bit {bit} of byte {byte}, in {found.name}"
        found.write_bytes(whole[found])
