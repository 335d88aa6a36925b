"""Tests of files of anchors: both forms are read, damage is passed over."""

from pathlib import Path

import pytest

from gateway.audit.anchor_file import anchor_line, read_anchors
from tests.gateway.audit.builders import SIGNER

_NOTES = [SIGNER.sign(f"text {number}\nmore\n") for number in range(3)]


def test_lines_come_back(tmp_path: Path) -> None:
    """Notes, time stamps and places are those that were written; a damaged line is told."""
    path = tmp_path / "anchors"
    lines = [anchor_line(_NOTES[0]), anchor_line(_NOTES[1], b"stamp"), b"0000", b"\n", anchor_line(_NOTES[2])]
    path.write_bytes(b"".join(lines))
    found = list(read_anchors(path))
    assert [(each.note, each.timestamp) for each in found] == [
        (_NOTES[0], b""),
        (_NOTES[1], b"stamp"),
        (None, b""),
        (_NOTES[2], b""),
    ]
    assert [each.byte for each in found][:2] == [0, len(lines[0])]


def test_plain_notes_are_read(tmp_path: Path) -> None:
    """What a receiver keeps of a webhook is read, one note behind the other."""
    path = tmp_path / "notes"
    path.write_bytes(b"".join(_NOTES))
    assert [each.note for each in read_anchors(path)] == _NOTES


@pytest.mark.parametrize("content", [b"something else\n", b"\xff\xfe", _NOTES[0] + b"and more\n"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    """A file of another kind named by mistake does not pass for one without anchors."""
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=r"holds neither|utf-8"):
        list(read_anchors(tmp_path / "file"))
