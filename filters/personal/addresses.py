"""Addresses that lead to a person: e-mail, and the internet address of somebody's line.

Not counted: addresses of documentation (RFC 2606, RFC 5737, RFC 3849), private and reserved networks, which lead to
nobody from outside, resolvers that everybody uses, networks (`1.2.3.0/24`), and what only looks like an address:
versions, section numbers, names of image files.
"""

import re
from ipaddress import ip_address

from filters.folding import fold
from filters.patterns import Pattern
from filters.personal.kinds import personal

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
# RFC 2606 and RFC 6761: names that can belong to nobody.
_RESERVED_NAMES = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost|local)$")
# `logo@2x.png` is a picture for sharp screens.
_FILE_ENDINGS = frozenset("png jpg jpeg gif svg webp css js ts py java html json md txt zip".split())  # noqa: SIM905 a list of words reads best as words
_RESOLVERS = frozenset(
    "1.1.1.1 1.0.0.1 8.8.8.8 8.8.4.4 9.9.9.9 114.114.114.114 223.5.5.5 223.6.6.6 119.29.29.29 180.76.76.76".split()  # noqa: SIM905 the same
)
_LOCAL_CHARACTER = re.compile(r"[a-z0-9._%+\-]$")
_NO_ADDRESS_BEFORE = re.compile(r"(?:[0-9]\.|[a-z]/|版本号?|版|version|\bver\.?|\bv)[:： ]?$")

Span = tuple[int, int]


def check_email(value: str, before: str) -> Span | None:
    """Check an e-mail address: the form of its parts (RFC 5321, without quoting), and that it can be anybody's."""
    local, _, domain = fold(value).partition("@")
    # In the middle of a word: it began further left and was rejected there, or is longer than any address.
    if _LOCAL_CHARACTER.search(fold(before)):
        return None
    # A sentence's dots or dash in front are none of the address.
    dropped = len(local) - len(local.lstrip(".-+%"))
    if dropped == len(local) or local.endswith(".") or ".." in local[dropped:]:
        return None
    if domain.rpartition(".")[2] in _FILE_ENDINGS or _RESERVED_NAMES.search(domain):
        return None
    # How code names a server's account (`git@host.tld:path`); an address behind a colon or slash is part of a URL.
    return None if local == "git" or before.endswith(("://", "@")) else (dropped, len(value))


def check_ipv4(value: str, before: str) -> Span | None:
    """Check an IPv4 address: that it is a public one, and no version, section or network."""
    text = fold(value)
    parts = text.split(".")
    # A part too many: no place in such a row of numbers is an address.
    if len(parts) > 4:  # noqa: PLR2004 four parts
        return len(value), len(value)
    if "/" in text or text in _RESOLVERS or _NO_ADDRESS_BEFORE.search(fold(before)):
        return None
    # `2.3.1.4` is a section of a document far more often than a line of somebody.
    if all(len(part) == 1 for part in parts) or any(part != "0" and part.startswith("0") for part in parts):
        return None
    return (0, len(value)) if ip_address(text).is_global and parts[3] != "0" else None


def check_ipv6(value: str, _before: str) -> Span | None:
    """Check an IPv6 address: that it is one, and a public one."""
    # A colon behind it is the sentence's, two of them are zeros left out.
    text = value if value.endswith("::") else value.rstrip(":：")
    try:
        return (0, len(text)) if ip_address(fold(text)).is_global else None
    except ValueError:
        return None


ADDRESSES = (
    Pattern(
        personal("email"),
        r"[a-z0-9._%+\-]{1,64}@(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}",
        check_email,
    ),
    # A further part or a mask behind it is taken along, so that the check sees it.
    Pattern(
        personal("ip_address"), rf"\b{_OCTET}(?:\.{_OCTET}){{3}}\b(?:(?:\.[0-9]{{1,3}}){{1,40}}|/[0-9])?", check_ipv4
    ),
    # RFC 4291 section 2.5.4: what is public begins with binary 001.
    Pattern(personal("ip_address"), r"\b[23][0-9a-f]{3}(?::[0-9a-f]{0,4}){2,7}\w?", check_ipv6),
)
"""What is looked for."""
