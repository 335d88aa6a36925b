"""Where the model server is: ``http://host:port/v1`` taken apart once, at start-up.

Messages never quote the URL: someone may have put a password into it.
"""

from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """A base URL in the pieces a connection needs.

    Attributes:
        tls: whether to speak TLS.
        host: name or IP address, without brackets, ASCII.
        port: TCP port.
        authority: value of the ``host`` header.
        prefix: path in front of every request's path; empty or ``/v1``, never with a slash at its end.
    """

    tls: bool
    host: str
    port: int
    authority: str
    prefix: str


def parse_base_url(base_url: str) -> Address:
    """Take a base URL apart.

    Raises:
        ValueError: It is not ``http://host[:port][/prefix]`` or its ``https`` twin; the message says what to change.
    """
    parts = _split(base_url)
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("The base URL must begin with http:// or https://, as in http://127.0.0.1:8000/v1.")
    # The authority becomes the host header, and would send the password in it.
    if "@" in parts.netloc:
        raise ValueError("The base URL holds a user name or password. Take it out; give the key as the API key.")
    if parts.query or parts.fragment:
        raise ValueError("The base URL has a query or a fragment. End it after the path, as in https://host/v1.")
    host, port = _host_and_port(parts)
    prefix = parts.path.rstrip("/")
    if not prefix.isascii() or not prefix.isprintable() or " " in prefix:
        raise ValueError("The path of the base URL has characters a URL cannot hold. Percent-encode them.")
    name = f"[{host}]" if ":" in host else host
    authority = name if port == DEFAULT_PORTS[parts.scheme] else f"{name}:{port}"
    return Address(parts.scheme == "https", host, port, authority, prefix)


def _split(base_url: str) -> SplitResult:
    # urlsplit drops tabs and line ends silently: what it would repair is refused instead.
    if base_url != base_url.strip() or not base_url.isprintable():
        raise ValueError("The base URL has blanks around it or control characters in it. Take them out.")
    try:
        return urlsplit(base_url)
    except ValueError:
        raise ValueError("The base URL has a broken IPv6 host. Write it as in http://[::1]:8000/v1.") from None


def _host_and_port(parts: SplitResult) -> tuple[str, int]:
    try:
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:  # also the codec's UnicodeError; both would quote what was given
        raise ValueError("The base URL's host or port is not valid. Use a name or IP and a port 1-65535.") from None
    if not host or port == 0 or not host.isprintable() or " " in host:
        raise ValueError("The base URL's host or port is not valid. Use a name or IP and a port 1-65535.")
    return host, port or DEFAULT_PORTS[parts.scheme]
