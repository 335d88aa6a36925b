"""Harmless texts against keyword lists: what blocks them is counted, and what is no text is refused."""

from datetime import date
from pathlib import Path

import pytest

from filters.findings import Action
from filters.lists import ListError
from gateway.cli import lists_harmless
from gateway.cli.lists_harmless import blocked_texts
from tests.filters.list_rows import list_row

TODAY = date(2026, 11, 22)
ROWS = [
    [list_row("出售冰毒"), list_row("王八蛋", action=Action.MASK), list_row("过去的词", expires=date(2020, 1, 1))]
]


def test_blocking_terms_are_counted_and_milder_ones_are_not(tmp_path: Path) -> None:
    """A text that is masked or flagged still gets an answer; a term past its day does nothing."""
    file = tmp_path / "texts.txt"
    file.write_text("因出售冰毒被判刑\n出售 冰毒\n王八蛋\n过去的词\n你好\n", encoding="utf-8")
    assert blocked_texts(ROWS, TODAY, file) == (5, 2, (("出售冰毒", 2),))


def test_rows_of_json_are_read(tmp_path: Path) -> None:
    """The form in which banks of questions are kept."""
    file = tmp_path / "texts.jsonl"
    file.write_text('{"text": "出售冰毒"}\n{"text": "你好"}\n', encoding="utf-8")
    found = blocked_texts(ROWS, TODAY, file)
    assert (found.texts, found.blocked) == (2, 1)


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    """A bank with a broken row would be judged by what is left of it."""
    file = tmp_path / "texts.jsonl"
    file.write_text('{"text": "你好"}\n{"question": "你好"}\n', encoding="utf-8")
    with pytest.raises(ListError, match="2: is no text"):
        blocked_texts(ROWS, TODAY, file)


def test_too_many_texts_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command ends."""
    monkeypatch.setattr(lists_harmless, "MOST_TEXTS", 2)
    file = tmp_path / "texts.txt"
    file.write_text("一\n二\n三\n", encoding="utf-8")
    with pytest.raises(ListError, match="more than 2 texts; take a sample"):
        blocked_texts(ROWS, TODAY, file)
