"""Listening sockets, opened before their server starts: a port that is taken is an error here and now."""

import socket

# Linux lowers it to net.core.somaxconn; a shorter one drops clients while a worker starts.
_BACKLOG = 4096


def open_socket(host: str, port: int) -> socket.socket:
    """Open a listening socket; port 0 takes a free one.

    Raises:
        OSError: the address cannot be opened, because it is taken or not this machine's; ``strerror`` says which.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except UnicodeError as exc:  # the codec of host names; its message quotes the name
        raise OSError(0, "the host is no name or address") from exc


def base_url(listener: socket.socket) -> str:
    """Return the address clients reach a listening socket at."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
