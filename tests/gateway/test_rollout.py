"""A ruleset that is tried out, over HTTP: who gets it, what is recorded, and how it ends."""

from pathlib import Path

from filters.list_rows import ListRow
from gateway.accounts.account import AccountKind
from gateway.protocol.record import short_digest
from gateway.rulesets.candidates import CandidateStore
from gateway.rulesets.versions import VersionStore
from tests.filters.list_rows import list_row
from tests.gateways import Gateway, chat, eventually, gateway

OLD, NEW = "出售某物", "求购某物"


def _publish(directory: Path, *terms: str, activate: bool) -> str:
    rows: list[ListRow] = [list_row(term) for term in terms]
    return VersionStore(directory).publish([rows], "li", "", 1, activate=activate).id


def _decisions(running: Gateway, prompt: str, kind: AccountKind = AccountKind.USER) -> tuple[str, str, bool]:
    """Return what was decided, what the other ruleset would have, and whether that one is named."""
    response = running.post(chat(prompt), headers=running.headers(kind))
    record = running.record(response.headers["x-request-id"])
    in_force = short_digest(running.services.ruleset.digest)
    assert response.headers["x-sluice-ruleset"].removeprefix("sha256:").startswith(record.ruleset)
    return record.decision, record.other_decision, record.other_ruleset == in_force


def test_a_version_is_tried_out_promoted_and_given_up(tmp_path: Path, standin_url: str) -> None:
    """Who gets it is judged by it, and the one in force says besides; test accounts never get it."""
    lists = tmp_path / "lists"
    _publish(lists, OLD, activate=True)
    new = _publish(lists, NEW, activate=False)
    candidates = CandidateStore(lists)
    with gateway(tmp_path, standin_url) as running:
        assert _decisions(running, NEW) == ("allow", "", False)
        candidates.put(new, 100, lambda *_: None)
        eventually(lambda: _decisions(running, "你好")[1] != "")
        assert _decisions(running, NEW) == ("block", "allow", True)
        assert _decisions(running, OLD) == ("allow", "block", True)
        assert _decisions(running, OLD, AccountKind.AUDIT) == ("block", "", False)
        same = running.metric("sluice_ruleset_comparisons_total", outcome="same")
        assert _decisions(running, "你好") == ("allow", "allow", True)
        assert running.metric("sluice_ruleset_comparisons_total", outcome="same") == same + 1
        assert running.metric("sluice_ruleset_comparisons_total", outcome="stricter") == 1
        assert running.metric("sluice_ruleset_comparisons_total", outcome="milder") == 1
        candidates.abandon(lambda _: None)
        eventually(lambda: _decisions(running, "你好")[1] == "")
        assert _decisions(running, OLD) == ("block", "", False)
        candidates.put(new, 1, lambda *_: None)
        candidates.promote(lambda *_: None)
        eventually(lambda: _decisions(running, NEW)[0] == "block")
        assert _decisions(running, NEW) == ("block", "", False)
