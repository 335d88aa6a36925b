"""Reading training rows: what makes one, and what is said of one that is none."""

import gzip
import json
from pathlib import Path

import pytest

from models.rows import CATEGORIES, Row, parse_row, read_rows

GOOD = {
    "id": "x-1",
    "text": "怎么做蛋糕",
    "lang": "zh",
    "side": "input",
    "label": "safe",
    "category": "safe",
    "source": "sluice/x",
}


def test_a_row_is_read_as_it_stands() -> None:
    """Fields become attributes; the label a truth value."""
    assert parse_row(GOOD) == Row("x-1", "怎么做蛋糕", "zh", "input", False, "safe", "sluice/x")  # noqa: FBT003
    assert parse_row({**GOOD, "label": "unsafe", "category": "drugs"}).unsafe


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": "a"}, "text has 1 characters"),
        ({"text": "a" * 2001}, "text has 2001 characters"),
        ({"text": None}, "no string in: text"),
        ({"side": "prompt"}, "side is 'prompt'"),
        ({"label": "bad"}, "label is 'bad'"),
        ({"category": "spam"}, "category is 'spam'"),
        ({"category": "drugs"}, "contradict"),
        ({"label": "unsafe"}, "contradict"),
    ],
)
def test_what_is_no_row_is_refused(change: dict[str, object], said: str) -> None:
    """The message says which field and what it holds."""
    with pytest.raises(ValueError, match=said):
        parse_row({**GOOD, **change})


def test_a_list_is_no_row() -> None:
    """A line may be any JSON."""
    with pytest.raises(ValueError, match="not a JSON object"):
        parse_row([])


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_files_are_read_packed_and_unpacked(tmp_path: Path, name: str) -> None:
    """The public data are packed, the written rows are not."""
    line = json.dumps(GOOD, ensure_ascii=False) + "\n"
    data = line.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    assert [row.id for row in read_rows(tmp_path / name)] == ["x-1"]


def test_a_fault_is_named_with_its_place(tmp_path: Path) -> None:
    """Whoever wrote the row finds it."""
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(GOOD) + "\n{broken\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"rows\.jsonl:2: "):
        list(read_rows(path))


def test_categories_are_distinct() -> None:
    """Their places are the model's outputs."""
    assert len(set(CATEGORIES)) == len(CATEGORIES) == 17
