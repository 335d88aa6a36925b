"""How suspensions and history are shown."""

from gateway.strikes.person import Person
from gateway.strikes.rule import Counts
from gateway.strikes.store import Held, Past
from gateway.strikes.views import held_row, moment, past_row

ALICE = Person("acc-1", "alice")


def test_a_suspension_names_its_account() -> None:
    """By name where it is known, and always by id."""
    held = Held(ALICE, Counts(suspended_until_us=86_400_000_000), 1_000_000, "r1")
    row = held_row(held, {"acc-1": "shop"})
    assert (row["account"], row["account_id"], row["end_user"]) == ("shop", "acc-1", "alice")
    assert (row["suspended_at"], row["until"]) == ("1970-01-01T00:00:01Z", "1970-01-02T00:00:00Z")
    assert held_row(held, {})["account"] == "acc-1"


def test_history_shows_who_did_what_and_why() -> None:
    """A measure without an end has none."""
    row = past_row(Past("m", 1_000_000, ALICE, "counted", "r1", 3, 1, 2, 0, "system", ""), {})
    assert (row["severity"], row["until"], row["measure"], row["day_total"]) == ("high", None, "counted", 2)
    assert moment(0) is None
