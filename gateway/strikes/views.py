"""How suspensions and history are shown, by the command line and by the API."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.strikes.store import Held, Past

_SEVERITIES = {1: "low", 2: "medium", 3: "high"}


def held_row(held: Held, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a suspension as JSON.

    Args:
        held: what is held against the person.
        names: of accounts, by id.
    """
    return {
        "account": names.get(held.person.account, held.person.account),
        "account_id": held.person.account,
        "end_user": held.person.end_user,
        "suspended_at": moment(held.suspended_at_us),
        "until": moment(held.counts.suspended_until_us),
        "request_id": held.request_id,
    }


def past_row(past: Past, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a row of the history as JSON.

    Args:
        past: the row.
        names: of accounts, by id.
    """
    return {
        "id": past.id,
        "at": moment(past.at_us),
        "account": names.get(past.person.account, past.person.account),
        "account_id": past.person.account,
        "end_user": past.person.end_user,
        "measure": past.measure,
        "severity": _SEVERITIES.get(past.severity),
        "consecutive": past.consecutive,
        "day_total": past.day_total,
        "until": moment(past.until_us),
        "request_id": past.request_id,
        "actor": past.actor,
        "reason": past.reason,
    }


def moment(at_us: int) -> str | None:
    """Return a time as an ISO time in UTC, cut to seconds; None for 0."""
    return None if not at_us else datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
