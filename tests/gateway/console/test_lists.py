"""The lists over HTTP; what they answer in whole is tested with the planes."""

from gateway.console.lists import KEPT_OLD
from gateway.rulesets.reloader import Outcome
from tests.gateways import HTTP, Gateway


def test_the_lists_in_force_are_told(shared: Gateway) -> None:
    """With their digest and size."""
    answer = HTTP.get(f"{shared.admin_url}/api/v1/lists").json()
    ruleset = shared.services.ruleset
    assert (answer["digest"], answer["keywords"]) == (ruleset.digest, ruleset.term_count)


def test_a_failed_reload_is_no_success() -> None:
    """Every outcome that left the lists as they were has a status of its own."""
    assert {Outcome.REFUSED: 422, Outcome.FAILED: 500} == KEPT_OLD
