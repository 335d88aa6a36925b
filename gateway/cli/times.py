"""How times are written on the command line: ``90d``, ``24h``, ISO dates; UTC unless a zone is given."""

import re
from datetime import UTC, datetime

MICROSECONDS = 1_000_000
# Far beyond any use, and short of year 9999, which dates cannot pass.
LONGEST_DAYS = 36_500

# No months or years, whose length depends on the date.
_UNIT_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,9})([mhd])")


def parse_duration(text: str) -> int:
    """Read a length of time such as ``24h``; return seconds.

    Raises:
        ValueError: when it has another form or is longer than a hundred years.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("Write a number and m, h or d, such as 24h.")
    seconds = int(match[1]) * _UNIT_SECONDS[match[2]]
    if seconds > LONGEST_DAYS * _UNIT_SECONDS["d"]:
        raise ValueError(f"The longest time is {LONGEST_DAYS}d.")
    return seconds


def parse_moment(text: str, now_us: int) -> int:
    """Read a moment in the future: a length of time from now, or an ISO date or time.

    Args:
        text: such as ``90d``, ``2027-01-31`` (the day's first moment) or ``2027-01-31T18:00+08:00``.
        now_us: microseconds of Unix time.

    Returns:
        Microseconds of Unix time.

    Raises:
        ValueError: when it has another form or is not in the future.
    """
    moment_us = now_us + parse_duration(text) * MICROSECONDS if _DURATION.fullmatch(text) else _parse_iso(text)
    # An account that is made expired is a slip in the year, not a wish.
    if moment_us <= now_us:
        raise ValueError("Give a moment in the future.")
    return moment_us


def parse_past(text: str) -> int:
    """Read when something happened: an ISO date or time; return microseconds of Unix time.

    Raises:
        ValueError: when it has another form.
    """
    return _parse_iso(text)


def _parse_iso(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ValueError("Write a length of time such as 90d or 24h, or a date such as 2027-01-31.") from exc
    # UTC where no zone is given: the local one of a server is seldom that of the operator.
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * MICROSECONDS
