"""Who may ask, and by which rules."""

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from gateway.accounts.account import Account, AccountKind, Binding
from gateway.accounts.agreed import Agreed
from gateway.errors import ErrorCode
from gateway.protocol.commands import Admit
from gateway.protocol.events import Admitted, RequestRefused
from gateway.protocol.labels import Position
from gateway.protocol.record import ExchangeRecord
from gateway.protocol.standing import Standing
from gateway.proxy.admission import NOBODY, Admission, Asker, Verdict
from gateway.proxy.limiting import Limiter
from gateway.settings.limits import Limits
from tests.gateway.protocol.playbook import given

STANDING = given().standing
FAR_US = 4_000_000_000_000_000


def account(kind: AccountKind = AccountKind.USER, **members: Any) -> Account:  # noqa: ANN401 any field
    """Build an account whose word about end users is believed."""
    return Account("acc-1", "shop", kind, None, 0, None, None, (), **{"trusts_end_user": True, **members})


def agreed(holding: Mapping[tuple[str, str], str] = MappingProxyType({})) -> Agreed:
    """Build what a worker knows of agreements."""
    known = Agreed(NotImplemented)
    known._holding = dict(holding)
    return known


def admit(asker: Asker, ask: Admit, known: Agreed | None = None, **limits: Any) -> Verdict:  # noqa: ANN401 settings
    """Ask for admission; pseudonyms are the names turned round."""
    limiter = Limiter(Limits.model_validate(limits))
    admission = Admission(limiter, known or agreed(), lambda _account, name: name[::-1])
    verdict = admission.admit(asker, STANDING, ask)
    assert isinstance(verdict, Verdict)
    return verdict


def standing(asker: Asker, ask: Admit, known: Agreed | None = None) -> Standing:
    """Ask for admission, which is given; return the rules."""
    event = admit(asker, ask, known).event
    assert isinstance(event, Admitted)
    return event.standing


ALICE = Admit("alice", "m", 9, streamed=False)
NAMELESS = Admit("", "m", 9, streamed=False)


def test_without_an_account_nobody_is_believed() -> None:
    """The name stands in the body, which anybody may write."""
    assert standing(NOBODY, ALICE) is STANDING


def test_who_is_named_by_nobody_keeps_the_rules_of_the_account() -> None:
    """The very same: nothing has to be made again."""
    assert standing(Asker(account(), None), NAMELESS) is STANDING


def test_the_end_user_is_believed_where_the_account_is_trusted_with_it() -> None:
    """Else whoever has a key could put their strikes on somebody else."""
    assert standing(Asker(account(), None), ALICE).end_user == "alice"
    assert standing(Asker(account(trusts_end_user=False), None), ALICE).end_user == ""


def test_the_header_of_a_trusted_proxy_goes_before_the_body() -> None:
    """The proxy signed the end user in; the body may be their own."""
    assert standing(Asker(account(), None, "bob", peer_trusted=True), ALICE).end_user == "bob"
    assert standing(Asker(account(), None, "bob", peer_trusted=False), ALICE).end_user == "alice"


@pytest.mark.parametrize(("kind", "observe"), [(AccountKind.AUDIT, False), (AccountKind.UNFILTERED, True)])
def test_an_end_user_may_be_bound_to_a_kind(kind: AccountKind, observe: bool) -> None:  # noqa: FBT001 a table
    """A reviewer who signs in at the platform is judged as one, by the platform's own key, and is not limited."""
    bound = account(bindings={"ecila": Binding("ecila", kind, 0, FAR_US, (), "")})
    found = standing(Asker(bound, None), ALICE)
    assert (found.account_kind, found.observe) == (kind.value, observe)
    assert standing(Asker(bound, None), ALICE._replace(end_user="bob")).account_kind == "user"
    verdicts = [admit(Asker(bound, None), ALICE, end_user={"tokens_per_minute": 1}) for _ in range(2)]
    assert [each.headers for each in verdicts] == [(), ()]


def test_a_name_nobody_has_is_refused() -> None:
    """It would fill the table of people."""
    event = admit(Asker(account(), None), ALICE._replace(end_user="x" * 513)).event
    assert isinstance(event, RequestRefused)
    assert (event.code, "512" in event.detail) == (ErrorCode.INVALID_REQUEST, True)


def test_an_account_may_be_kept_to_its_models() -> None:
    """What asks for no model, such as their list, is not touched by it."""
    kept = Asker(account(models=("m",)), None)
    assert isinstance(admit(kept, NAMELESS).event, Admitted)
    assert isinstance(admit(kept, NAMELESS._replace(model="")).event, Admitted)
    refused = admit(kept, NAMELESS._replace(model="other")).event
    assert isinstance(refused, RequestRefused)
    assert refused.code is ErrorCode.MODEL_NOT_ALLOWED


def test_who_is_turned_away_is_known_to_the_record() -> None:
    """Else the entry of a refusal would name the account alone, whoever of its people it was."""
    admission = Admission(Limiter(Limits.model_validate({"tokens_per_minute": 1})), agreed(), lambda _, name: name)
    asker = Asker(account(models=("m",)), None)
    now_us = time.time_ns() // 1000
    spent = ExchangeRecord("r", now_us, now_us, prompt_characters=999)
    admission.conclude(asker, STANDING._replace(account_kind="user"), spent)
    for ask, code in [(ALICE, ErrorCode.RATE_LIMITED), (ALICE._replace(model="x"), ErrorCode.MODEL_NOT_ALLOWED)]:
        verdict = admission.admit(asker, STANDING, ask)
        assert isinstance(verdict, Verdict)
        refused = verdict.event
        assert isinstance(refused, RequestRefused)
        assert refused.standing is not None
        assert (refused.code, refused.standing.end_user) == (code, "alice")


def test_who_agreed_to_label_gets_no_visible_label() -> None:
    """By pseudonym; the account as such where nobody is named."""
    known = agreed({("acc-1", "ecila"): "agr-1", ("acc-1", ""): "agr-2"})
    asker = Asker(account(), None)
    assert standing(asker, ALICE, known).labelling.agreement == "agr-1"
    assert standing(asker, ALICE, known).labelling.position is Position.INTERFACE
    assert standing(asker, NAMELESS, known).labelling.agreement == "agr-2"
    assert standing(asker, ALICE._replace(end_user="bob"), known).labelling is STANDING.labelling


def test_an_unfiltered_answer_is_labelled_whatever_was_agreed() -> None:
    """It is the model's bare word, and says so."""
    known = agreed({("acc-1", "ecila"): "agr-1"})
    bound = account(bindings={"ecila": Binding("ecila", AccountKind.UNFILTERED, 0, FAR_US, (), "")})
    assert standing(Asker(bound, None), ALICE, known).labelling is STANDING.labelling


def test_who_asks_is_in_no_representation() -> None:
    """It gets into logs by accident; addresses and names of people must not."""
    assert repr(Asker(None, "192.0.2.1", "alice")) == "Asker(…)"
