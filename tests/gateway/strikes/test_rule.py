"""The strike rule, by itself: any order of turns, days and severities."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Severity
from gateway.protocol.strikes import Measure
from gateway.strikes.rule import Counts, Rule, count, day_of, end_row, lift

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 25, 12, tzinfo=SHANGHAI)
SECOND = 1_000_000


def us(moment: datetime) -> int:
    """Return microseconds of Unix time."""
    return int(moment.timestamp()) * SECOND + moment.microsecond


def play(turns: str, rule: Rule | None = None, began: datetime = NOON) -> list[Measure]:
    """Return what each strike leads to: V is a strike, C a clean turn, / the next day; a second lies between."""
    counts, measures, at = Counts(), [], began
    for turn in turns:
        at += timedelta(seconds=1)
        if turn == "V":
            counts, outcome = count(rule or Rule(), counts, Severity.MEDIUM, us(at))
            measures.append(outcome.measure)
        elif turn == "C":
            counts = end_row(counts)
        else:
            at += timedelta(days=1)
    return measures


C, W, S, R = Measure.COUNTED, Measure.WARNED, Measure.SUSPENDED, Measure.REFUSED


@pytest.mark.parametrize(
    ("turns", "measures"),
    [
        ("VVV", [C, W, S]),
        ("VVVV", [C, W, S, R]),
        ("VVCV", [C, W, C]),
        ("VCVCVCVCV", [C, C, C, W, S]),
        ("VCVVCVV", [C, C, W, W, S]),
        ("VCVCVCV/V", [C, C, C, W, W]),
        ("VCVCVCVC/V", [C, C, C, W, C]),
        ("VV/V", [C, W, S]),
        ("VVV/V", [C, W, S, C]),
        ("VVV/VVV", [C, W, S, C, W, S]),
    ],
)
def test_the_rule_to_the_letter(turns: str, measures: list[Measure]) -> None:
    """Three in a row, or five in one day; a row goes on over midnight, a day does not."""
    assert play(turns) == measures


def test_the_day_ends_at_midnight_of_its_zone() -> None:
    """16:00 UTC, to the microsecond."""
    midnight = us(datetime(2026, 11, 26, tzinfo=SHANGHAI))
    assert midnight == us(datetime.fromisoformat("2026-11-25T16:00:00+00:00"))
    assert day_of(midnight - 1, SHANGHAI) + 1 == day_of(midnight, SHANGHAI)
    before = Counts(0, day_of(midnight - 1, SHANGHAI), 4)
    assert count(Rule(), before, Severity.LOW, midnight - 1)[1].measure is S
    counts, outcome = count(Rule(), before, Severity.LOW, midnight)
    assert (outcome.measure, counts.day_total) == (C, 1)


def test_a_clock_that_is_a_little_behind_empties_no_day() -> None:
    """Another machine may still have yesterday when the first strike of today was counted."""
    midnight = us(datetime(2026, 11, 26, tzinfo=SHANGHAI))
    counts, _ = count(Rule(), Counts(), Severity.LOW, midnight)
    counts, _ = count(Rule(), end_row(counts), Severity.LOW, midnight - 1)
    assert counts.day_total == 2


def test_a_suspension_ends_by_itself_and_begins_anew() -> None:
    """The end itself is outside."""
    rule = Rule(suspend_seconds=60)
    counts = Counts(2, day_of(us(NOON), SHANGHAI), 2)
    counts, outcome = count(rule, counts, Severity.LOW, us(NOON))
    assert outcome.until_us == us(NOON) + 60 * SECOND
    assert counts.is_suspended(outcome.until_us - 1)
    assert counts.is_open(outcome.until_us - 1)
    assert not counts.is_open(outcome.until_us)
    assert count(rule, counts, Severity.LOW, outcome.until_us)[1].measure is C


def test_lifting_settles_what_led_there() -> None:
    """Else the next strike would suspend again."""
    counts = lift(Counts(2, 7, 4, 99))
    assert counts == Counts(0, 7, 0, 0)


def test_weights_count_by_severity() -> None:
    """Twice for a grave one; not at all for a mild one, which ends no row either."""
    rule = Rule(weights={Severity.LOW: 0, Severity.MEDIUM: 1, Severity.HIGH: 2})
    counts, first = count(rule, Counts(), Severity.HIGH, us(NOON))
    counts, none = count(rule, counts, Severity.LOW, us(NOON))
    assert (first.measure, none.measure, counts.consecutive) == (W, Measure.NONE, 2)
    assert count(rule, counts, Severity.MEDIUM, us(NOON))[1].measure is S


def test_the_very_first_strike_may_suspend() -> None:
    """Then there is nothing to warn of before."""
    assert play("V", Rule(consecutive=1)) == [S]


@given(st.text("VC/", max_size=60), st.integers(1, 5), st.integers(1, 8))
def test_no_order_of_turns_breaks_the_rule(turns: str, row: int, day: int) -> None:
    """Against the rule written as a look back over all turns since the newest suspension."""
    rule = Rule(consecutive=row, per_day=day, suspend_seconds=1)
    expected, since = [], ""
    for turn in turns:
        since += turn
        if turn != "V":
            continue
        in_row = len(since) - len(since.replace("/", "").rstrip("V")) - since.count("/")
        today = since.rpartition("/")[2].count("V")
        suspends = in_row >= row or today >= day
        expected.append(suspends)
        since = "" if suspends else since
    assert [measure is S for measure in play(turns, rule) if measure is not R] == expected
