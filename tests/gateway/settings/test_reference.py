"""The page of settings says what the models say."""

from pathlib import Path

import pytest

from gateway.settings.catalogue import SETTINGS, Setting
from gateway.settings.reference import render_reference

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"


def test_the_committed_page_is_the_rendering() -> None:
    """After a change of the models: `make docs`."""
    assert PAGE.read_text(encoding="utf-8") == render_reference()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: ".".join(setting.path))
def test_setting_is_documented(setting: Setting) -> None:
    """Each key has its row."""
    assert f"| `{setting.path[-1]}` |" in render_reference()


def test_names_the_operator_chooses_are_marked() -> None:
    """Headings show which parts are free."""
    page = render_reference()
    for listed in ("upstreams", "audit.anchors", "reviews", "classifiers"):
        assert f"## `[[{listed}]]`" in page
    assert '## `[policies.<name>.risks."<risk>"]`' in page
    assert "## `[[policies.select]]`" in page


def test_a_row_says_type_bounds_and_default() -> None:
    """One row holds what an operator asks."""
    page = render_reference()
    assert "| `port` | whole number; at least 1, at most 65535 | `8080` | Port of the data plane. |" in page
    assert '| `refusal` | "answer" \\| "error" \\| "fixed_answer" | `"answer"` |' in page
    assert "| `base_url` | text | must be given |" in page
