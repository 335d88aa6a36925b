"""The page of errors says what the table of answers says."""

from pathlib import Path

import pytest

from gateway.error_reference import render_errors
from gateway.errors import ANSWERS, ErrorCode

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def test_the_committed_page_is_the_rendering() -> None:
    """After a change of the answers: `make docs`."""
    assert PAGE.read_text(encoding="utf-8") == render_errors()


@pytest.mark.parametrize("code", ErrorCode)
def test_error_is_documented(code: ErrorCode) -> None:
    """Each code has one row with its status, its message and something for the operator."""
    (row,) = [line for line in render_errors().splitlines() if line.startswith(f"| `{code}` |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == str(ANSWERS[code].status)
    assert cells[3] == ANSWERS[code].message
    assert cells[4].endswith(".")


def test_the_wait_is_told_where_one_is_sent() -> None:
    """`Retry-After` stands in its column."""
    assert "| `audit_unavailable` | 503 | 5 s |" in render_errors()
    assert "| `not_json` | 400 |  |" in render_errors()
