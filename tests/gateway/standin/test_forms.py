"""Tests of `gateway.standin.forms`: the table of routes."""

from gateway.standin.forms import FORMS


def test_each_route_has_its_own_form() -> None:
    """Replies of two routes cannot be taken for each other by their ids."""
    assert len({form.prefix for form in FORMS.values()}) == len(FORMS)
    assert all(path.startswith("/v1/") for path in FORMS)
