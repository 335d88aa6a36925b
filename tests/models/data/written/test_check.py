"""The written rows keep their form, and the check says when they do not."""

import json
from pathlib import Path

import pytest

from models.data.written.check import check_group

_ROWS = [
    {"id": f"talk-{number}", "text": text, "lang": "en", "side": "input", "label": "safe", "category": "safe"}
    | {"source": "sluice/talk"}
    for number, text in enumerate(["How do I cook rice?", "Which planet is largest?", "Write a poem on autumn."], 1)
]


def _check(tmp_path: Path, rows: list[dict[str, str]]) -> list[str]:
    directory = tmp_path / "harmless"
    directory.mkdir()
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    (directory / "talk.jsonl").write_text(lines, encoding="utf-8")
    return check_group(directory)[1]


def test_good_rows_pass(tmp_path: Path) -> None:
    """Nothing is said of them."""
    assert _check(tmp_path, _ROWS) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "other-2"}, "write the id as talk-"),
        ({"id": "talk-1"}, "does not follow"),
        ({"source": "sluice/other"}, "write sluice/talk"),
        ({"label": "unsafe", "category": "drugs"}, "wrong group"),
        ({"lang": "English"}, "write a language code"),
        ({"text": " Which planet is largest?"}, "white space"),
        ({"text": "how do I cook rice?"}, "like talk-1"),
        ({"text": "x"}, "talk.jsonl:2"),
    ],
)
def test_faults_are_named(tmp_path: Path, change: dict[str, str], said: str) -> None:
    """One sentence, with the row it is about."""
    problems = _check(tmp_path, [_ROWS[0], _ROWS[1] | change, _ROWS[2]])
    assert len(problems) == 1
    assert said in problems[0]
