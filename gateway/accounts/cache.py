"""What the directory remembers: bounded, with an age for every answer.

An answer holds from when it was read, and is confirmed whenever the store's changes are known. Known keys are kept
until their account changes, or their turn comes in a least-recently-used order; unknown ones for a short while in a
table of their own, so that guesses push out other guesses and no account.
"""

import hmac
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from gateway.accounts.store import Credential

KNOWN_ENTRIES = 100_000
"""About 900 bytes each, so 86 MiB where so many keys are in use; a key beyond them costs a read of the store."""

UNKNOWN_ENTRIES = 100_000
"""About 900 bytes each, so 86 MiB where so many keys are in use; a key beyond them costs a read of the store."""

UNKNOWN_SECONDS = 10.0
"""How long a key that was not found is refused without asking again."""


class Entry(NamedTuple):
    """One remembered answer.

    Attributes:
        digest: digest of the key it is about.
        credential: what the key gives access to; None for an unknown key.
        read_at: when it was read, in seconds of the directory's clock.
    """

    digest: bytes
    credential: Credential | None
    read_at: float


class CredentialCache:
    """Answers by the digest of their key.

    Args:
        stale_limit_seconds: how long an answer serves that nothing confirms.
        known_entries: keys that are remembered.
    """

    def __init__(self, stale_limit_seconds: float, known_entries: int = KNOWN_ENTRIES) -> None:
        self._known_entries = known_entries
        self._stale_limit_seconds = stale_limit_seconds
        self._known: OrderedDict[bytes, Entry] = OrderedDict()
        self._unknown: OrderedDict[bytes, Entry] = OrderedDict()
        # Known keys by account: one change among very many accounts must not cost the loop a walk through all.
        self._by_account: dict[str, tuple[bytes, ...]] = {}
        self._confirmed_at = float("-inf")

    def __len__(self) -> int:
        return len(self._known) + len(self._unknown)

    def get(self, digest: bytes, now: float) -> Entry | None:
        """Return the answer about a key unless it is missing or too old to rely on."""
        entry = self._known.get(digest)
        if entry is None:
            return self._get_unknown(digest, now)
        if now - max(entry.read_at, self._confirmed_at) > self._stale_limit_seconds:
            return None
        self._known.move_to_end(digest)
        # Finding an entry compares digests in a time that depends on them; the answer does not rest on that alone.
        return entry if hmac.compare_digest(entry.digest, digest) else None

    def put(self, digest: bytes, credential: Credential | None, read_at: float) -> None:
        """Remember an answer, in place of the oldest one when there is no room."""
        self._drop(digest)
        self._unknown.pop(digest, None)
        entry = Entry(digest, credential, read_at)
        if credential is None:
            self._unknown[digest] = entry
            if len(self._unknown) > UNKNOWN_ENTRIES:
                self._unknown.popitem(last=False)
            return
        self._known[digest] = entry
        account_id = credential.account.id
        self._by_account[account_id] = (*self._by_account.get(account_id, ()), digest)
        if len(self._known) > self._known_entries:
            self._drop(next(iter(self._known)))

    def forget(self, account_ids: Iterable[str]) -> None:
        """Forget the keys of accounts that changed, and every unknown key: it may be one of theirs by now."""
        for account_id in account_ids:
            for digest in self._by_account.get(account_id, ()):
                self._drop(digest)
        self._unknown.clear()

    def confirm(self, at: float) -> None:
        """Note that everything that had changed in the store by this time is forgotten."""
        self._confirmed_at = at

    def clear(self) -> None:
        """Forget every answer."""
        self._known.clear()
        self._unknown.clear()
        self._by_account.clear()

    def _drop(self, digest: bytes) -> None:
        entry = self._known.pop(digest, None)
        if entry is None or entry.credential is None:
            return
        account_id = entry.credential.account.id
        left = tuple(each for each in self._by_account[account_id] if each != digest)
        if left:
            self._by_account[account_id] = left
        else:
            del self._by_account[account_id]

    def _get_unknown(self, digest: bytes, now: float) -> Entry | None:
        entry = self._unknown.get(digest)
        return entry if entry is not None and now - entry.read_at <= UNKNOWN_SECONDS else None
