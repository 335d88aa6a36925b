"""What browsers are told about pages of other origins."""

import pytest

from gateway.proxy.cors import Cors

PAGE = b"https://chat.example"
ALLOW, METHODS, HEADERS = (
    b"access-control-allow-origin",
    b"access-control-allow-methods",
    b"access-control-allow-headers",
)
ASKED = ((b"origin", PAGE), (b"access-control-request-headers", b"authorization,content-type,x-stainless-os"))


def test_nothing_is_said_by_default() -> None:
    """No page may call before the operator names one."""
    assert Cors().headers(((b"origin", PAGE),)) == ()
    assert Cors().preflight(ASKED, b"POST") == ()
    assert not Cors().enabled


def test_a_named_origin_may_call_and_read_our_headers() -> None:
    """It is named in the answer, and caches keep answers apart."""
    answer = dict(Cors(("https://chat.example",)).headers(((b"origin", PAGE),)))
    assert answer[ALLOW] == PAGE
    assert answer[b"vary"] == b"origin"
    exposed = answer[b"access-control-expose-headers"]
    assert {b"x-request-id", b"x-sluice-decision"} <= {name.strip() for name in exposed.split(b",")}


@pytest.mark.parametrize("origin", [b"https://evil.example", b"https://chat.example.evil", b"null", b""])
def test_another_origin_may_not(origin: bytes) -> None:
    """Also one that begins like a named one."""
    cors = Cors(("https://chat.example",))
    assert cors.headers(((b"origin", origin),)) == ((b"vary", b"origin"),)
    assert cors.preflight(((b"origin", origin), *ASKED[1:]), b"POST") == ((b"vary", b"origin"),)


def test_a_star_is_every_origin() -> None:
    """Cookies are not allowed to any, so this gives away nothing that the page does not have."""
    answer = dict(Cors(("*",)).preflight(ASKED, b"POST"))
    assert answer[ALLOW] == b"*"
    assert b"access-control-allow-credentials" not in answer


def test_a_client_that_is_no_page_is_told_nothing() -> None:
    """Without an origin there is nothing to allow."""
    assert Cors(("*",)).headers(((b"host", b"x"),)) == ()


def test_a_preflight_allows_what_was_asked_for() -> None:
    """Client libraries add headers of their own."""
    answer = dict(Cors(("*",)).preflight(ASKED, b"POST, OPTIONS"))
    assert (answer[METHODS], answer[HEADERS]) == (b"POST, OPTIONS", ASKED[1][1])
    assert int(answer[b"access-control-max-age"]) > 0


@pytest.mark.parametrize("asked", [b"", b"x\r\ny: z", b"\xff", b"x" * 3000, b"<script>"])
def test_what_is_no_list_of_names_is_not_echoed(asked: bytes) -> None:
    """The origin is allowed all the same."""
    answer = dict(Cors(("*",)).preflight((ASKED[0], (b"access-control-request-headers", asked)), b"POST"))
    assert answer[ALLOW] == b"*"
    assert HEADERS not in answer
