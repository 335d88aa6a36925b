"""Accounts are made, found and changed, the same on both databases."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from gateway.accounts.account import Account, AccountKind, Network, parse_network
from gateway.accounts.drafts import BindingDraft, NoAccountError
from gateway.accounts.keys import key_digest, parse_key
from gateway.accounts.store import (
    NAME_CHARACTERS,
    AccountChange,
    AccountDraft,
    AccountError,
    AccountStore,
)
from gateway.audit.event_forms import EventName
from gateway.errors import ResourceError
from gateway.storage.engine import StorageError
from gateway.storage.schema import ACCOUNT_KEYS, ACCOUNTS
from gateway.storage.transactions import reading

AT_US = 1_800_000_000_000_000
HOUR_US = 3_600_000_000
NETWORKS = (parse_network("10.0.0.0/8"), parse_network("2001:db8::/32"))


def test_an_account_comes_back_as_it_was_made(store_engine: Engine) -> None:
    """Every field survives, and the key that was returned finds it."""
    store = AccountStore(store_engine)
    account, key = store.create(
        "监管-01", AccountKind.AUDIT, policy="strict", expires_at_us=AT_US + 1, allow_from=NETWORKS, at_us=AT_US
    )
    assert store.find_by_digest(key_digest(key)) == (account, None)
    assert store.list_all() == [account]
    assert (account.name, account.kind, account.policy) == ("监管-01", AccountKind.AUDIT, "strict")
    assert (account.created_at_us, account.expires_at_us, account.disabled_at_us) == (AT_US, AT_US + 1, None)
    assert account.allow_from == NETWORKS


def test_a_digest_nobody_has_finds_nothing(store_engine: Engine) -> None:
    """An unknown key is an answer, not an error."""
    assert AccountStore(store_engine).find_by_digest(bytes(32)) is None


def test_the_key_itself_is_nowhere_in_the_store(store_engine: Engine) -> None:
    """Who reads the database cannot use what is in it."""
    _, key = AccountStore(store_engine).create("one", AccountKind.USER, at_us=AT_US)
    with reading(store_engine) as connection:
        rows = [*connection.execute(select(ACCOUNTS)), *connection.execute(select(ACCOUNT_KEYS))]
    assert key.removeprefix("sk-sluice-") not in repr(rows)
    assert parse_key(key) in [value for row in rows for value in row]


def test_a_name_is_taken_once(store_engine: Engine) -> None:
    """The second account of a name is refused with the reason, and the first keeps working."""
    store = AccountStore(store_engine)
    account, key = store.create("one", AccountKind.USER, at_us=AT_US)
    with pytest.raises(AccountError, match="'one' already"):
        store.create("one", AccountKind.AUDIT, at_us=AT_US)
    assert store.find_by_digest(key_digest(key)) == (account, None)
    assert store.revision() == 1


def test_accounts_made_together_are_all_made_or_none(store_engine: Engine) -> None:
    """A taken name in the middle leaves no account whose key nobody has seen."""
    store = AccountStore(store_engine)
    store.create("two", AccountKind.USER, at_us=AT_US)
    drafts = [AccountDraft(name, AccountKind.USER) for name in ("one", "two", "three")]
    with pytest.raises(AccountError, match="'two'"):
        store.create_all(drafts, AT_US)
    assert [account.name for account in store.list_all()] == ["two"]


def test_accounts_made_at_the_same_time_do_not_disturb_each_other(store_engine: Engine) -> None:
    """Of many who ask for one name one gets it, and each change is counted."""
    store = AccountStore(store_engine)

    def create(number: int) -> bool:
        try:
            store.create(f"name-{number % 4}", AccountKind.USER, at_us=AT_US)
        except AccountError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(create, range(12))) == 4
    assert store.revision() == 4


@pytest.mark.parametrize("name", ["", " one", "one ", "o\nne", "o\x1b[2Jne", "\ud800", "x" * (NAME_CHARACTERS + 1)])
def test_a_name_that_would_confuse_readers_is_refused(name: str) -> None:
    """Names stand in tables and logs."""
    with pytest.raises(AccountError, match="printable"):
        AccountDraft(name, AccountKind.USER)


@pytest.mark.parametrize(("expires_at_us", "allow_from"), [(None, NETWORKS), (AT_US + 1, ()), (None, ())])
def test_an_unfiltered_account_needs_its_bounds(
    store_engine: Engine, expires_at_us: int | None, allow_from: tuple[Network, ...]
) -> None:
    """An account that filters do not act on ends some day, and works from stated networks only."""
    store = AccountStore(store_engine)
    with pytest.raises(AccountError, match="expiry and a list of networks"):
        store.create("raw", AccountKind.UNFILTERED, expires_at_us=expires_at_us, allow_from=allow_from, at_us=AT_US)
    assert store.list_all() == []


def test_an_unfiltered_account_with_its_bounds_is_made(store_engine: Engine) -> None:
    """Both bounds together are enough."""
    store = AccountStore(store_engine)
    account, _ = store.create(
        "raw", AccountKind.UNFILTERED, expires_at_us=AT_US + 1, allow_from=NETWORKS, at_us=AT_US
    )
    assert account.kind is AccountKind.UNFILTERED


def test_disabling_keeps_the_first_time_until_enabled(store_engine: Engine) -> None:
    """Disabling twice does not move the moment; enabling forgets it."""
    store = AccountStore(store_engine)
    store.create("one", AccountKind.USER, at_us=AT_US)
    store.disable("one", AT_US + 1)
    store.disable("one", AT_US + 2)
    assert store.list_all()[0].disabled_at_us == AT_US + 1
    store.enable("one")
    assert store.list_all()[0].disabled_at_us is None


def test_rotation_lets_the_old_key_end_after_the_overlap(store_engine: Engine) -> None:
    """The new key has no end; the account is the same."""
    store = AccountStore(store_engine)
    account, old = store.create("one", AccountKind.USER, at_us=AT_US)
    new = store.rotate("one", 3_600, AT_US)
    assert store.find_by_digest(key_digest(new)) == (account, None)
    assert store.find_by_digest(key_digest(old)) == (account, AT_US + HOUR_US)


def test_rotation_never_lengthens_a_key(store_engine: Engine) -> None:
    """A key that was to end stays at its time when a later rotation overlaps longer, and ends with a shorter one."""
    store = AccountStore(store_engine)
    account, old = store.create("one", AccountKind.USER, at_us=AT_US)
    store.rotate("one", 3_600, AT_US)
    store.rotate("one", 7_200, AT_US)
    assert store.find_by_digest(key_digest(old)) == (account, AT_US + HOUR_US)
    store.rotate("one", 0, AT_US + 1)
    assert store.find_by_digest(key_digest(old)) == (account, AT_US + 1)


def test_rotation_leaves_other_accounts_alone(store_engine: Engine) -> None:
    """Only the named account's keys end."""
    store = AccountStore(store_engine)
    store.create("one", AccountKind.USER, at_us=AT_US)
    other, key = store.create("two", AccountKind.USER, at_us=AT_US)
    store.rotate("one", 0, AT_US)
    assert store.find_by_digest(key_digest(key)) == (other, None)


def test_every_change_is_counted(store_engine: Engine) -> None:
    """Making, disabling, enabling and rotating each raise the counter; looking does not."""
    store = AccountStore(store_engine)
    seen = [store.revision()]
    store.create("one", AccountKind.USER, at_us=AT_US)
    seen.append(store.revision())
    store.disable("one", AT_US)
    seen.append(store.revision())
    store.enable("one")
    seen.append(store.revision())
    store.rotate("one", 0, AT_US)
    store.list_all()
    seen.append(store.revision())
    assert seen == [0, 1, 2, 3, 4]


DRAFT = BindingDraft("A" * 22, AccountKind.AUDIT, note="province")


def platform(store: AccountStore) -> Account:
    """Make an account whose end users can be bound."""
    draft = AccountDraft("platform", AccountKind.USER, trusts_end_user=True)
    return store.create_all([draft], AT_US)[0][0]


def test_what_decides_is_kept(store_engine: Engine) -> None:
    """Tenant, models and trust come back with the key."""
    store = AccountStore(store_engine)
    draft = AccountDraft("one", AccountKind.USER, tenant="东区", models=("m-1", "模型"), trusts_end_user=True)
    ((account, key),) = store.create_all([draft], AT_US)
    found = store.find_by_digest(key_digest(key))
    assert found is not None
    assert found.account == account
    assert (account.tenant, account.models, account.trusts_end_user) == ("东区", ("m-1", "模型"), True)


def test_bindings_are_read_with_the_key(store_engine: Engine) -> None:
    """All of them, the later one of a person; another account's are its own."""
    store = AccountStore(store_engine)
    draft = AccountDraft("platform", AccountKind.USER, trusts_end_user=True)
    ((account, key), (other, _)) = store.create_all([draft, replace(draft, name="other")], AT_US)
    second = replace(DRAFT, pseudonym="B" * 22)
    raw = replace(DRAFT, kind=AccountKind.UNFILTERED, expires_at_us=AT_US + 9, allow_from=NETWORKS)
    store.bind("platform", [DRAFT, second], AT_US)
    store.bind(account.id, [raw], AT_US + 1)
    store.bind("other", [DRAFT], AT_US)
    found = store.find_by_digest(key_digest(key))
    assert found is not None
    bindings = found.account.bindings
    assert set(bindings) == {DRAFT.pseudonym, second.pseudonym}
    changed = bindings[DRAFT.pseudonym]
    assert (changed.kind, changed.expires_at_us, changed.allow_from) == (AccountKind.UNFILTERED, AT_US + 9, NETWORKS)
    store.unbind("platform", second.pseudonym)
    assert set(store.get("platform")[0].bindings) == {DRAFT.pseudonym}
    assert set(store.get(other.id)[0].bindings) == {DRAFT.pseudonym}
    with pytest.raises(NoAccountError, match="binds no end user"):
        store.unbind("platform", second.pseudonym)


def test_only_who_is_believed_binds(store_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A binding that would say nothing, or too many of them, is refused."""
    monkeypatch.setattr("gateway.accounts.store.MOST_BINDINGS", 3)
    store = AccountStore(store_engine)
    store.create("plain", AccountKind.USER, at_us=AT_US)
    store.create("audit", AccountKind.AUDIT, at_us=AT_US)
    platform(store)
    with pytest.raises(AccountError, match="not believed"):
        store.bind("plain", [DRAFT], AT_US)
    with pytest.raises(AccountError, match="of kind audit as a whole"):
        store.bind("audit", [DRAFT], AT_US)
    many = [replace(DRAFT, pseudonym=f"{number:022}") for number in range(3)]
    store.bind("platform", many, AT_US)
    store.bind("platform", many[:1], AT_US)
    with pytest.raises(AccountError, match="at most 3 end users"):
        store.bind("platform", [DRAFT], AT_US)


def test_what_an_account_may_do_changes(store_engine: Engine) -> None:
    """Its keys stay, and rules hold as for a new one."""
    store = AccountStore(store_engine)
    account, key = store.create("raw", AccountKind.UNFILTERED, expires_at_us=AT_US, allow_from=NETWORKS, at_us=AT_US)
    store.amend("raw", lambda before: replace(before, expires_at_us=AT_US + 5, models=("m",)))
    found = store.find_by_digest(key_digest(key))
    assert found is not None
    assert found.account == replace(account, expires_at_us=AT_US + 5, models=("m",))
    with pytest.raises(AccountError, match="expiry and a list"):
        store.amend("raw", lambda before: replace(before, allow_from=()))
    assert store.get("raw")[0].allow_from == NETWORKS


def test_long_ended_keys_and_bindings_are_cleared_away(store_engine: Engine) -> None:
    """What ended before the moment goes; what ended then, or has no end, stays."""
    store = AccountStore(store_engine)
    platform(store)
    store.rotate("platform", 0, AT_US + 1)
    store.rotate("platform", 0, AT_US + 2)
    store.bind("platform", [replace(DRAFT, expires_at_us=AT_US + 1), replace(DRAFT, pseudonym="B" * 22)], AT_US)
    assert store.prune(AT_US + 2) == (1, 1)
    account, lives = store.get("platform")
    assert [each.expires_at_us for each in lives] == [None, AT_US + 2]
    assert set(account.bindings) == {"B" * 22}
    assert store.prune(AT_US + 2) == (0, 0)


def test_changed_accounts_are_told_since_a_number(store_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose they are, each once; too many to tell are not told."""
    monkeypatch.setattr("gateway.accounts.store.CHANGES_TOLD", 2)
    store = AccountStore(store_engine)
    one = platform(store)
    two, _ = store.create("two", AccountKind.USER, at_us=AT_US)
    assert store.changed_since(0) == frozenset({one.id, two.id})
    seen = store.revision()
    assert store.changed_since(seen) == frozenset()
    for change in (
        lambda: store.disable("two", AT_US),
        lambda: store.enable("two"),
        lambda: store.rotate("two", 0, AT_US),
        lambda: store.amend("two", lambda before: replace(before, tenant="east")),
    ):
        change()
        assert store.changed_since(seen) == frozenset({two.id})
        seen = store.revision()
    store.bind("platform", [DRAFT], AT_US)
    assert store.changed_since(seen) == frozenset({one.id})
    store.create_all([AccountDraft(f"many-{number}", AccountKind.USER) for number in range(2)], AT_US)
    assert store.changed_since(seen) is None


def test_accounts_are_listed_in_pages(store_engine: Engine) -> None:
    """By name, from behind the last one."""
    store = AccountStore(store_engine)
    for name in ("c", "a", "b"):
        store.create(name, AccountKind.USER, at_us=AT_US)
    assert [each.name for each in store.list_page(2)] == ["a", "b"]
    assert [each.name for each in store.list_page(2, "b")] == ["c"]


CHANGES: dict[str, Callable[[AccountStore], object]] = {
    "disable": lambda store: store.disable("nobody", AT_US),
    "enable": lambda store: store.enable("nobody"),
    "rotate": lambda store: store.rotate("nobody", 0, AT_US),
    "amend": lambda store: store.amend("nobody", lambda before: before),
    "bind": lambda store: store.bind("nobody", [DRAFT], AT_US),
    "unbind": lambda store: store.unbind("nobody", DRAFT.pseudonym),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_account_that_is_not_there_is_reported(
    store_engine: Engine, change: Callable[[AccountStore], object]
) -> None:
    """The message names it and says where to look; nothing is counted."""
    store = AccountStore(store_engine)
    with pytest.raises(AccountError, match="no account 'nobody'"):
        change(store)
    assert store.revision() == 0


def test_a_store_without_tables_is_reported(empty_engine: Engine) -> None:
    """Whoever forgot to migrate is told to."""
    with pytest.raises(StorageError, match="sluice migrate"):
        AccountStore(empty_engine).revision()


RECORDED_CHANGES: dict[str, Callable[[AccountStore], object]] = {
    "created": lambda store: store.create("two", AccountKind.USER, at_us=AT_US),
    "disabled": lambda store: store.disable("one", AT_US),
    "enabled": lambda store: store.enable("one"),
    "rotated": lambda store: store.rotate("one", 60, AT_US),
    "changed": lambda store: store.amend("one", lambda before: replace(before, tenant="east")),
    "bound": lambda store: store.bind("one", [DRAFT], AT_US),
}
"""Each change there is, of a store that has the account `one`."""


@pytest.mark.parametrize("name", RECORDED_CHANGES)
def test_a_change_is_recorded_before_it_can_be_seen(store_engine: Engine, name: str) -> None:
    """With the number the counter has once it is committed."""
    draft = AccountDraft("one", AccountKind.USER, trusts_end_user=True)
    ((account, _),) = AccountStore(store_engine).create_all([draft], AT_US)
    reader = AccountStore(store_engine)
    recorded: list[AccountChange] = []

    def record(changes: Sequence[AccountChange]) -> None:
        recorded.extend(changes)
        assert reader.revision() == 1

    RECORDED_CHANGES[name](AccountStore(store_engine, record))
    (change,) = recorded
    assert change.name == f"accounts.{name}"
    assert change.account_id in {each.id for each in reader.list_all()} - (
        {account.id} if name == "created" else set()
    )
    assert change.details["revision"] == reader.revision() == 2


@pytest.mark.parametrize("name", RECORDED_CHANGES)
def test_a_change_that_is_not_recorded_does_not_happen(store_engine: Engine, name: str) -> None:
    """Accounts, keys and counter stay as they were."""
    draft = AccountDraft("one", AccountKind.USER, trusts_end_user=True)
    ((_, key),) = AccountStore(store_engine).create_all([draft], AT_US)

    def refuse(_changes: Sequence[AccountChange]) -> None:
        raise ResourceError("no room")

    reader = AccountStore(store_engine)
    before = (reader.list_all(), reader.revision(), reader.find_by_digest(key_digest(key)))
    with pytest.raises(ResourceError):
        RECORDED_CHANGES[name](AccountStore(store_engine, refuse))
    assert (reader.list_all(), reader.revision(), reader.find_by_digest(key_digest(key))) == before


def test_a_recorded_change_that_did_not_happen_can_be_told(store_engine: Engine) -> None:
    """A crash behind the record leaves its number above the counter's, and the next change takes it over."""
    recorded: list[AccountChange] = []

    def crash(changes: Sequence[AccountChange]) -> None:
        recorded.extend(changes)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        AccountStore(store_engine, crash).create("one", AccountKind.USER, at_us=AT_US)
    store = AccountStore(store_engine, recorded.extend)
    assert recorded[0].details["revision"] == 1 > store.revision()
    account, _ = store.create("one", AccountKind.USER, at_us=AT_US)
    assert [change.details["revision"] for change in recorded] == [1, 1]
    assert recorded[1] == AccountChange(EventName.ACCOUNTS_CREATED, account.id, {"revision": 1, "kind": "user"})
