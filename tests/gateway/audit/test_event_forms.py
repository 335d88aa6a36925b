"""The table of events, and the page that shows it."""

import pytest

from gateway.audit.event_forms import EVENTS, EventName, render_events
from tests.documents import read


def test_the_page_has_the_table() -> None:
    """After a change of the table: put what `render_events` returns into the page."""
    assert render_events() in read("docs/audit-format.md")


@pytest.mark.parametrize("name", EventName)
def test_an_event_is_one_row(name: EventName) -> None:
    """With its name, what happened, its subject, and each of its details."""
    (row,) = [line for line in render_events().splitlines() if line.startswith(f"| `{name}` |")]
    form = EVENTS[name]
    assert [cell.strip() for cell in row.strip("|").split("|")][1:3] == [form.happened, form.subject]
    assert all(f"`{key}`: {meaning}" in row for key, meaning in form.details.items())
