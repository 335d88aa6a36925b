"""Who may ask, and by which rules."""

from gateway.protocol.commands import Admit
from gateway.protocol.events import Admitted
from gateway.proxy.admission import NOBODY, Admission, Asker, Verdict
from tests.gateway.protocol.playbook import given


def test_without_an_account_nobody_is_believed() -> None:
    """The name stands in the body, which anybody may write."""
    standing = given().standing
    verdict = Admission().admit(NOBODY, standing, Admit("alice", "m", 9, streamed=False))
    assert isinstance(verdict, Verdict)
    assert verdict.event == Admitted(standing)


def test_who_asks_is_in_no_representation() -> None:
    """It gets into logs by accident; addresses of people must not."""
    assert "192.0.2.1" not in repr(Asker(None, "192.0.2.1"))
