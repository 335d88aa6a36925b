"""One request as bytes, ready for the wire.

Rules: what a caller passes in cannot become a second header or a second request; how this hop is framed is decided
here alone, so framing and hop-by-hop headers among the caller's are left out (RFC 9110 section 7.6.1).

What repeats from request to request (request line, header names) is checked once and remembered; the rest is checked
by counting line ends in the finished head, which costs a tenth of looking at each value.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

Headers = Iterable[tuple[bytes, bytes]]

# HEAD and CONNECT are not here: what follows their replies is framed in other ways than the parser expects.
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
OWN_HEADERS = frozenset(
    b"accept-encoding connection content-length expect host keep-alive proxy-authorization proxy-connection "
    b"te trailer transfer-encoding upgrade".split()
)

_TARGET = re.compile(r"/[!-~]*")
# RFC 9110 section 5.6.2, tchar, without capitals: ASGI gives names in lower case, and so one spelling is remembered.
_NAME = re.compile(rb"[a-z0-9!#$%&'*+.^_`|~-]+")
_LINE_ENDS_IN_START = 3


def encode_request(method: str, target: str, host: str, headers: Headers, body: bytes) -> bytes:
    """Write a whole request.

    Args:
        method: one of ``METHODS``.
        target: path and query, percent-encoded, beginning with a slash.
        host: value of the ``host`` header.
        headers: names in lower case and values; those in ``OWN_HEADERS`` are left out.
        body: the content; always sent with its length, also when it is empty.

    Raises:
        ValueError: A part would not stay in its place on the wire. The message quotes nothing of it.
    """
    lines = [_start(method, target, host), b"content-length: %d" % len(body)]
    lines += [field + value for name, value in headers if (field := _field(name))]
    head = b"\r\n".join(lines)
    line_ends = _LINE_ENDS_IN_START + len(lines) - 1
    if head.count(b"\r") != line_ends or head.count(b"\n") != line_ends or b"\0" in head:
        raise ValueError("A request header holds a line end or a NUL. Take it out; header values are one line.")
    return b"%b\r\n\r\n%b" % (head, body)


@lru_cache(maxsize=256)
def _start(method: str, target: str, host: str) -> bytes:
    if method not in METHODS:
        raise ValueError(f"This client does not send this method. Use one of {', '.join(sorted(METHODS))}.")
    if _TARGET.fullmatch(target) is None:
        raise ValueError("The request target must be a path in visible ASCII. Percent-encode it.")
    # `identity`: every byte of a reply is scanned, so it must come readable.
    start = f"{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: keep-alive\r\naccept-encoding: identity"
    return start.encode("ascii")


@lru_cache(maxsize=256)
def _field(name: bytes) -> bytes:
    """Return name and colon, or nothing for a header that is not the caller's to send."""
    if _NAME.fullmatch(name) is None:
        raise ValueError("A request header's name is not a token in lower case (RFC 9110 section 5.6.2).")
    return b"" if name in OWN_HEADERS else name + b": "
