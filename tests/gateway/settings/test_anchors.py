"""Tests of the settings of anchors."""

from pathlib import Path

import pytest

from tests.settings_files import COMPLETE, load_text, only_problem


def test_anchors_are_read(tmp_path: Path) -> None:
    """Each is a table of its own."""
    text = COMPLETE + '\n[[audit.anchors]]\nkind = "file"\npath = "/mnt/anchors"\n'
    (anchor,) = load_text(tmp_path, text).settings.audit.anchors
    assert (anchor.kind, anchor.path) == ("file", Path("/mnt/anchors"))


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        ('kind = "file"', "path"),
        ('kind = "webhook"', "url"),
        ('kind = "rfc3161"\npath = "x"', "url"),
        ('kind = "webhook"\nurl = "https://user:secret@host/"', "url"),
        ('kind = "webhook"\nurl = "ftp://host/"', "url"),
    ],
)
def test_incomplete_anchor_is_refused(tmp_path: Path, table: str, wrong: str) -> None:
    """What is missing is named, and no secret is quoted."""
    problem = only_problem(tmp_path, f"{COMPLETE}\n[[audit.anchors]]\n{table}\n")
    assert wrong in f"{problem.key} {problem.wrong}"
    assert "secret" not in str(problem)
