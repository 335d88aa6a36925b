"""Who is behind a request: the end user its account names, where that is believed, and as what kind they are judged.

Rules: nobody is believed who was not named by the operator. An account's requests are believed about their end user
where the account says so; a header about it only where a trusted proxy sent the request as well. What the header says
goes before what the body says: the proxy signed the end user in, the body may be the end user's own. The name goes
nowhere from here, its pseudonym does.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from gateway.accounts.account import Account, AccountKind, Binding, has_ended, is_within
from gateway.errors import RequestError

END_USER_CHARACTERS = 512
"""Longest name of an end user that is believed; platforms use ids, addresses or digests."""

PSEUDONYMS_REMEMBERED = 16_384
"""Pseudonyms kept in memory, at about 300 bytes each, the one used longest ago given up first."""

Pseudonym = Callable[[str, str], str]
"""Makes the pseudonym of an account's id and an end user's name; see `MasterKeys.pseudonym`."""


class Named(NamedTuple):
    """What a request says about its end user, believed or not.

    Attributes:
        header: the name in the trusted header; empty without one.
        body: the name in the body; empty without one.
        peer_trusted: whether a trusted proxy sent it.
    """

    header: str = ""
    body: str = ""
    peer_trusted: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking.

    Attributes:
        end_user: the end user's name, where one is believed; kept out of what is printed of this.
        pseudonym: stands for it; empty when nobody is named or believed: then the account itself is who asks.
        kind: how they are judged: the account's kind, or the one the end user is bound to.
    """

    end_user: str = field(repr=False)
    pseudonym: str
    kind: AccountKind


class Pseudonyms:
    """Pseudonyms, remembered up to a bound: the same people ask again and again.

    Args:
        make: makes one.
    """

    def __init__(self, make: Pseudonym) -> None:
        self._make = lru_cache(PSEUDONYMS_REMEMBERED)(make)

    def __call__(self, account_id: str, end_user: str) -> str:
        """Return the pseudonym of an account's end user."""
        return self._make(account_id, end_user)


def identify(account: Account, named: Named, client_address: str | None, at_us: int, pseudonym: Pseudonym) -> Caller:
    """Return who is asking.

    Args:
        account: whose key it is.
        named: what the request says about its end user.
        client_address: the client's IP address, where known.
        at_us: time of the request, in microseconds of Unix time.
        pseudonym: makes pseudonyms, such as `Pseudonyms`.

    Raises:
        RequestError: the end user's name is too long to be one.
    """
    end_user = _believed(account, named)
    if not end_user:
        return Caller("", "", account.kind)
    if len(end_user) > END_USER_CHARACTERS:
        raise RequestError(f"The end user's name has more than {END_USER_CHARACTERS} characters. Send a shorter one.")
    name = pseudonym(account.id, end_user)
    binding = account.bindings.get(name)
    bound = binding is not None and _holds(binding, client_address, at_us)
    return Caller(end_user, name, binding.kind if binding is not None and bound else account.kind)


def named_in_header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """Return the end user a trusted header names, or an empty string.

    Args:
        headers: the request's, names in small letters.
        name: the header's.

    Raises:
        RequestError: it comes twice, or is no UTF-8.
    """
    values = [value for each, value in headers if each == name]
    if len(values) > 1:
        # One of them is the client's own, and nobody can tell which.
        raise RequestError("The header that names the end user was sent twice. Send it once.")
    try:
        return values[0].decode().strip() if values else ""
    except UnicodeDecodeError as exc:
        raise RequestError("The header that names the end user is not UTF-8.") from exc


def _believed(account: Account, named: Named) -> str:
    if not account.trusts_end_user:
        return ""
    return (named.peer_trusted and named.header) or named.body


def _holds(binding: Binding, client_address: str | None, at_us: int) -> bool:
    """Whether a binding says anything about a request now and from there."""
    # Else they are judged as the account is, which is never milder than unfiltered.
    within = not binding.allow_from or is_within(client_address, binding.allow_from)
    return within and not has_ended(binding.expires_at_us, at_us)
