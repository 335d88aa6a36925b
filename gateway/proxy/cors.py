"""Cross-origin requests: what a browser is told about pages that may call this gateway (Fetch standard, section 3.3).

Rules: off unless the operator names origins; a preflight needs no key, because browsers send none with it; what the
browser keeps of its own (cookies) is never allowed, since keys travel in a header that the page sets itself.
"""

import re
from typing import Final

from gateway.proxy.upstream.request import Headers

ANY: Final = "*"

_EXPOSED: Final = b"x-request-id, x-sluice-decision, x-sluice-ruleset, x-aigc-label, retry-after"
# Tokens and commas alone: what is echoed must not become anything else than a list of names.
_NAMES: Final = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,2048}")
_MAX_AGE_SECONDS: Final = b"600"


class Cors:
    """The origins whose pages may call.

    Args:
        origins: such as ``https://chat.example``; ``*`` is every one; empty is none.
    """

    __slots__ = ("_any", "_origins", "enabled")

    def __init__(self, origins: tuple[str, ...] = ()) -> None:
        self._any = ANY in origins
        self._origins = frozenset(origin.encode("ascii") for origin in origins)
        self.enabled = bool(origins)

    def headers(self, scope_headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
        """Return what an answer to a page's request carries."""
        origin = _value(scope_headers, b"origin")
        if not self.enabled or origin is None:
            return ()
        # Caches must not give one origin's answer to another.
        varies = (b"vary", b"origin")
        if not self._any and origin not in self._origins:
            return (varies,)
        allowed = b"*" if self._any else origin
        return (varies, (b"access-control-allow-origin", allowed), (b"access-control-expose-headers", _EXPOSED))

    def preflight(self, scope_headers: Headers, methods: bytes) -> tuple[tuple[bytes, bytes], ...]:
        """Return what the answer to a preflight carries besides.

        Args:
            scope_headers: the request's.
            methods: those the route takes.
        """
        answer = self.headers(scope_headers)
        if not any(name == b"access-control-allow-origin" for name, _ in answer):
            return answer
        # Whatever the page wants to send: client libraries add headers of their own, and all but a few are dropped.
        asked = _value(scope_headers, b"access-control-request-headers") or b""
        names = ((b"access-control-allow-headers", asked),) if _NAMES.fullmatch(asked) else ()
        allowed = ((b"access-control-allow-methods", methods), (b"access-control-max-age", _MAX_AGE_SECONDS))
        return (*answer, *allowed, *names)


def _value(headers: Headers, wanted: bytes) -> bytes | None:
    return next((value for name, value in headers if name == wanted), None)
