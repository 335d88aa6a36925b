"""Listening sockets."""

import socket

import pytest

from gateway.sockets import base_url, open_socket


def test_a_free_port_is_taken() -> None:
    """Port 0 has a number at once, and connections are taken before anybody serves."""
    with open_socket("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        assert base_url(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_taken_port_is_an_error_here_and_now() -> None:
    """Two do not listen on one address."""
    with open_socket("127.0.0.1", 0) as taken, pytest.raises(OSError, match="in use"):
        open_socket("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["203.0.113.1", "a" * 64, "a..b"])
def test_an_address_of_no_use_is_an_error(host: str) -> None:
    """Another machine's address, or a name that cannot be one."""
    with pytest.raises(OSError) as caught:  # noqa: PT011 the system's words differ
        open_socket(host, 0)
    assert caught.value.strerror
