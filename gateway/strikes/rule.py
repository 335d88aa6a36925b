"""The strike rule, pure: counts and a strike in, new counts and a measure out.

Rules: so many strikes in a row, or so many in one calendar day of the zone, suspend; a turn that is not blocked ends
the row and not the day; a suspension has an end, and closes both counts. The store says when; nothing here reads a
clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from filters.findings import Severity
from gateway.protocol.strikes import Measure, StrikeOutcome

_MICROSECONDS = 1_000_000
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_ONE_EACH: Mapping[Severity, int] = dict.fromkeys(Severity, 1)


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule in force.

    Attributes:
        consecutive: weight in a row that suspends.
        per_day: weight in one day that suspends.
        zone: whose midnight ends the day.
        suspend_seconds: how long a suspension lasts.
        weights: what a strike counts, by the severity of its term; 0 does not count.
    """

    consecutive: int = 3
    per_day: int = 5
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    suspend_seconds: int = 24 * 3600
    weights: Mapping[Severity, int] = field(default_factory=lambda: _ONE_EACH)


class Counts(NamedTuple):
    """What is held against one person.

    Attributes:
        consecutive: weight of the strikes since the last turn that was not blocked.
        day: the day of the newest strike, in days since 0001-01-01 as Python counts them; 0 before the first.
        day_total: weight of that day's strikes.
        suspended_until_us: end of the newest suspension, in microseconds of Unix time; 0 where there is none.
    """

    consecutive: int = 0
    day: int = 0
    day_total: int = 0
    suspended_until_us: int = 0

    def is_suspended(self, at_us: int) -> bool:
        """Whether the person is suspended at a time; the end itself is outside."""
        return at_us < self.suspended_until_us

    def is_open(self, at_us: int) -> bool:
        """Whether a request of this person has anything to ask the store for."""
        return self.consecutive > 0 or self.is_suspended(at_us)


def day_of(at_us: int, zone: tzinfo) -> int:
    """Return the calendar day of a time in a zone, as Python counts days."""
    # By addition: a float has too few digits for the last microsecond before midnight.
    return (_EPOCH + timedelta(microseconds=at_us)).astimezone(zone).toordinal()


def count(rule: Rule, counts: Counts, severity: Severity, at_us: int) -> tuple[Counts, StrikeOutcome]:
    """Count one strike.

    Args:
        rule: the rule in force.
        counts: what is held against the person so far.
        severity: of the term that blocked the prompt.
        at_us: when it is counted, in microseconds of Unix time.

    Returns:
        The new counts, and what follows.
    """
    if counts.is_suspended(at_us):
        return counts, StrikeOutcome(Measure.REFUSED, counts.suspended_until_us)
    weight = rule.weights.get(severity, 1)
    if not weight:
        return counts, StrikeOutcome()
    # Never back: another machine's clock may be a little behind midnight, and its strike would empty the new day.
    day = max(day_of(at_us, rule.zone), counts.day)
    consecutive = counts.consecutive + weight
    day_total = (counts.day_total if day == counts.day else 0) + weight
    if consecutive >= rule.consecutive or day_total >= rule.per_day:
        until_us = at_us + rule.suspend_seconds * _MICROSECONDS
        # Both begin anew: the measure was taken for them, and the next one wants strikes of its own.
        return Counts(0, day, 0, until_us), StrikeOutcome(Measure.SUSPENDED, until_us)
    # Warned when the gravest strike could be the last one, so that nobody is suspended without a warning but by the
    # very first strike.
    next_weight = max(rule.weights.values(), default=1)
    near = consecutive + next_weight >= rule.consecutive or day_total + next_weight >= rule.per_day
    return Counts(consecutive, day, day_total, 0), StrikeOutcome(Measure.WARNED if near else Measure.COUNTED)


def end_row(counts: Counts) -> Counts:
    """Return the counts after a turn that was not blocked."""
    return counts._replace(consecutive=0)


def lift(counts: Counts) -> Counts:
    """Return the counts after a suspension was lifted: the strikes behind it are settled as well."""
    return Counts(0, counts.day, 0, 0)
