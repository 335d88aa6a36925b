"""A gateway whose audit disk fails: what clients and operators see in both fail modes, and that it recovers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gateway.audit.builders import FailingOps
from tests.gateways import BLOCKED, HTTP, Gateway, chat, eventually, gateway

_FAULTS = ("write", "sync", "check_name", "away")


def _break(running: Gateway, ops: FailingOps, fault: str) -> Callable[[], None]:
    """Let the disk fail; return what mends it."""
    if fault != "away":
        ops.step = fault
        return ops.heal
    away = running.audit_directory.rename(running.audit_directory.with_name("away"))

    def bring_back() -> None:
        away.rename(running.audit_directory)

    return bring_back


@pytest.mark.parametrize("fault", _FAULTS)
def test_open_mode_serves_and_records_later(tmp_path: Path, standin_url: str, fault: str) -> None:
    """Clean answers and refusals go out, an operator sees it, and each has its entry once the disk is back."""
    ops = FailingOps()
    with gateway(tmp_path, standin_url, {"audit": {"fail_mode": "open"}}, ops) as running:
        assert running.post(chat("你好")).status_code == 200
        # Durable, and not only seen: a batch that fails behind its write is taken back.
        eventually(lambda: not running.services.appender.backlog_entries)
        late = running.metric("sluice_audit_late_entries_total")
        mend = _break(running, ops, fault)
        decisions = [running.post(chat(text)).headers["x-sluice-decision"] for text in (BLOCKED, "你好", BLOCKED)]
        assert decisions == ["block", "allow", "block"]
        ready = HTTP.get(f"{running.url}/readyz")
        assert (ready.status_code, ready.json()["warnings"]) == (200, ["audit_spooling"])
        # An exchange each, and the content of the two that are blocked, which is sealed a little later.
        eventually(lambda: running.metric("sluice_audit_spool_entries") == 5)
        mend()
        eventually(lambda: not running.services.appender.spooling)
        assert [each.decision for each in running.records(4)] == ["allow", *decisions]
        assert running.metric("sluice_audit_spool_entries") == 0
        assert running.metric("sluice_audit_late_entries_total") == late + 5
        assert HTTP.get(f"{running.url}/readyz").json()["warnings"] == []


@pytest.mark.parametrize("fault", _FAULTS)
def test_closed_mode_refuses_and_recovers(tmp_path: Path, standin_url: str, fault: str) -> None:
    """Nothing is served without a record, and nobody has to restart anything."""
    ops = FailingOps()
    with gateway(tmp_path, standin_url, ops=ops) as running:
        assert running.post(chat("你好")).status_code == 200
        # Durable, and not only seen: a batch that fails behind its write is taken back.
        eventually(lambda: not running.services.appender.backlog_entries)
        mend = _break(running, ops, fault)
        assert running.post(chat(BLOCKED)).status_code == 503
        eventually(lambda: not running.services.appender.available)
        refused = running.post(chat("你好"))
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "audit_unavailable")
        assert HTTP.get(f"{running.url}/readyz").json()["reasons"] == ["audit_unavailable"]
        mend()
        eventually(lambda: running.services.appender.available)
        assert running.post(chat("你好")).status_code == 200
        assert [each.decision for each in running.records(4)] == ["allow", "block", "error", "allow"]
