"""The page of policies says what the shipped policies come to."""

from pathlib import Path

from gateway.settings.policy_profiles import SHIPPED
from gateway.settings.policy_reference import render_policies

PAGE = Path(__file__).parents[3] / "docs" / "policies.md"


def test_the_committed_page_is_the_rendering() -> None:
    """After a change of the shipped policies or of the models: `make docs`."""
    assert PAGE.read_text(encoding="utf-8") == render_policies()


def test_each_value_that_ships_has_a_row() -> None:
    """And so has each that is built in."""
    page = render_policies()
    for name, tree in SHIPPED.items():
        for risk, rule in tree["risks"].items():
            for key, value in rule.items():
                assert isinstance(value, dict) or f'| `{name}` | `risks."{risk}".{key}` | `"{value}"` |' in page
    assert '| `request.fail_mode.keywords` | `"closed"` |' in page
