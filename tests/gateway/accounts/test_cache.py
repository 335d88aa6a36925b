"""Remembered answers are bounded in number and in age."""

from dataclasses import replace

from gateway.accounts.cache import UNKNOWN_ENTRIES, UNKNOWN_SECONDS, CredentialCache
from gateway.accounts.store import Credential
from tests.gateway.accounts.samples import sample_account

FOUND = Credential(sample_account(), None)


def digest(number: int) -> bytes:
    """Return a digest of its own for each number."""
    return number.to_bytes(32, "big")


def test_an_answer_is_found_by_its_digest() -> None:
    """Known and unknown keys are both remembered; a key never asked about is not."""
    cache = CredentialCache(stale_limit_seconds=60)
    cache.put(digest(1), FOUND, 0)
    cache.put(digest(2), None, 0)
    found, unknown = cache.get(digest(1), 0), cache.get(digest(2), 0)
    assert found is not None
    assert found.credential is FOUND
    assert unknown is not None
    assert unknown.credential is None
    assert cache.get(digest(3), 0) is None


def test_an_answer_ages_from_when_it_was_last_confirmed() -> None:
    """The limit itself is still inside."""
    cache = CredentialCache(stale_limit_seconds=60)
    cache.put(digest(1), FOUND, 0)
    assert cache.get(digest(1), 60) is not None
    assert cache.get(digest(1), 61) is None
    cache.confirm(50)
    assert cache.get(digest(1), 110) is not None
    assert cache.get(digest(1), 111) is None


def test_an_answer_newer_than_the_last_poll_counts_from_its_own_time() -> None:
    """A store that answers reads but was never polled is still relied on."""
    cache = CredentialCache(stale_limit_seconds=60)
    cache.confirm(0)
    cache.put(digest(1), FOUND, 100)
    assert cache.get(digest(1), 160) is not None


def test_an_unknown_key_is_asked_about_again_soon() -> None:
    """Confirmation does not lengthen its time."""
    cache = CredentialCache(stale_limit_seconds=60)
    cache.put(digest(1), None, 0)
    cache.confirm(UNKNOWN_SECONDS)
    assert cache.get(digest(1), UNKNOWN_SECONDS) is not None
    assert cache.get(digest(1), UNKNOWN_SECONDS + 1) is None


def test_guesses_push_out_guesses_only() -> None:
    """Any number of unknown keys takes bounded room and leaves the known ones alone."""
    cache = CredentialCache(stale_limit_seconds=60)
    cache.put(digest(0), FOUND, 0)
    for number in range(1, UNKNOWN_ENTRIES + 11):
        cache.put(digest(number), None, 0)
    assert len(cache) == UNKNOWN_ENTRIES + 1
    assert cache.get(digest(0), 0) is not None
    assert cache.get(digest(10), 0) is None
    assert cache.get(digest(11), 0) is not None


def test_the_key_used_longest_ago_gives_way() -> None:
    """A busy account is not forgotten for a newer one."""
    cache = CredentialCache(stale_limit_seconds=60, known_entries=100)
    for number in range(100):
        cache.put(digest(number), FOUND, 0)
    cache.get(digest(0), 0)
    cache.put(digest(100), FOUND, 0)
    assert len(cache) == 100
    assert cache.get(digest(0), 0) is not None
    assert cache.get(digest(1), 0) is None


def test_a_newer_answer_replaces_the_older() -> None:
    """A key is known or unknown, never both."""
    cache = CredentialCache(stale_limit_seconds=60)
    for credential in (None, FOUND, None):
        cache.put(digest(1), credential, 0)
        entry = cache.get(digest(1), 0)
        assert entry is not None
        assert entry.credential is credential
        assert len(cache) == 1


def test_clearing_forgets_everything() -> None:
    """Nothing that was read before a change is answered after it."""
    cache = CredentialCache(stale_limit_seconds=60)
    cache.put(digest(1), FOUND, 0)
    cache.put(digest(2), None, 0)
    cache.clear()
    assert len(cache) == 0


def test_forgetting_an_account_forgets_its_keys_alone() -> None:
    """All of its keys, none of another's, and every unknown one: it may be its new key."""
    cache = CredentialCache(stale_limit_seconds=60)
    other = Credential(replace(sample_account(), id="acc-2"), None)
    for number, credential in ((1, FOUND), (2, FOUND), (3, other), (4, None)):
        cache.put(digest(number), credential, 0)
    cache.forget(["acc-1", "acc-9"])
    assert [cache.get(digest(number), 0) is not None for number in (1, 2, 3, 4)] == [False, False, True, False]
    cache.put(digest(1), FOUND, 0)
    cache.put(digest(1), None, 0)
    cache.forget(["acc-1", "acc-2"])
    assert (len(cache), cache._by_account) == (0, {})
