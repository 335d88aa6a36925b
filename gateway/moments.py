"""How moments are written for people and programs: ISO 8601, in UTC, to the second."""

from datetime import UTC, datetime

_MICROSECONDS = 1_000_000


def show_moment(moment_us: int | None) -> str | None:
    """Write microseconds of Unix time as an ISO time in UTC, cut to seconds; None stays None."""
    if moment_us is None:
        return None
    return datetime.fromtimestamp(moment_us // _MICROSECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
