"""Limits, as real clients meet them."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from gateway.accounts.account import AccountKind
from gateway.errors import ErrorCode
from tests.gateways import (
    CHAT,
    DONE,
    HTTP,
    MODEL,
    STREAM_END,
    STREAM_HEAD,
    Gateway,
    chat,
    chunk,
    delta,
    eventually,
    expect_error,
    gateway,
    messages_of,
    scripted,
)
from tests.raw_server import Do, Script

Limited = Callable[..., Gateway]


@pytest.fixture
def limited(tmp_path: Path, standin_url: str) -> Iterator[Limited]:
    """Start a gateway with these limits."""
    with ExitStack() as running:

        def start(**limits: Any) -> Gateway:  # noqa: ANN401 any setting
            served: AbstractContextManager[Gateway] = gateway(tmp_path, standin_url, {"limits": limits})
            return running.enter_context(served)

        yield start


def test_clients_read_the_limit_as_one_of_rates(limited: Limited) -> None:
    """Both packages raise their own error, and the wait stands where they look for it."""
    served = limited(end_user={"requests_per_minute": 2})
    client = served.openai()
    for _ in range(2):
        client.chat.completions.create(model=MODEL, messages=messages_of("你好"), user="alice")
    with pytest.raises(openai.RateLimitError) as refused:
        client.chat.completions.create(model=MODEL, messages=messages_of("你好"), user="alice")
    assert refused.value.code == "rate_limit_exceeded"
    assert 25 <= int(refused.value.response.headers["retry-after"]) <= 30
    assert refused.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    client.chat.completions.create(model=MODEL, messages=messages_of("你好"), user="bob")
    with pytest.raises(anthropic.RateLimitError):
        served.anthropic().messages.create(
            model=MODEL,
            max_tokens=9,
            messages=messages_of("你好"),
            metadata={"user_id": "alice"},
        )


def test_an_account_over_its_requests_is_refused_and_recorded(limited: Limited) -> None:
    """Before the body is read, broken as it is; the exchange is one like any other that failed."""
    served = limited(requests_per_minute=2)
    assert [served.post(b"{").status_code for _ in range(2)] == [400, 400]
    answer = expect_error(served, ErrorCode.RATE_LIMITED, lambda: served.post(b"{"))
    assert "requests of this account" in answer.json()["error"]["message"]
    assert answer.headers["x-ratelimit-limit-requests"] == "2"
    assert 25 <= int(answer.headers["retry-after"]) <= 30
    assert served.post(chat("你好"), headers=served.headers(AccountKind.AUDIT)).status_code == 200


def test_an_account_with_limits_of_its_own(limited: Limited) -> None:
    """Named in the settings, in place of the common ones."""
    served = limited(requests_per_minute=1, accounts={"user": {"requests_per_minute": 2}})
    assert [served.post(chat("你好")).status_code for _ in range(3)] == [200, 200, 429]


def test_tokens_are_counted_by_what_was_said(limited: Limited) -> None:
    """One long prompt uses the minute up; the next request is refused."""
    served = limited(tokens_per_minute=200, characters_per_token=4)
    first = served.post(chat("很好" * 800))
    assert (first.status_code, first.headers["x-ratelimit-limit-tokens"]) == (200, "200")
    refused = served.post(chat("你好"))
    assert refused.status_code == 429
    assert "tokens of this account" in refused.json()["error"]["message"]


@pytest.mark.parametrize("limits", [{"concurrent_streams": 1}, {"end_user": {"concurrent_streams": 1}}])
def test_a_stream_takes_a_place_until_it_ends(tmp_path: Path, limits: dict[str, Any]) -> None:
    """What is not streamed takes none; the place is free again when the stream is over."""
    going_on = asyncio.Event()
    script: Script = [Do.READ_REQUEST, STREAM_HEAD, delta("你好"), going_on, chunk(DONE), STREAM_END]
    body = chat("你好", stream=True, user="alice")
    with scripted(script) as upstream, gateway(tmp_path, upstream.url, {"limits": limits}) as served:
        with HTTP.stream("POST", served.url + CHAT, json=body, headers=served.headers()) as first:
            assert first.status_code == 200
            refused = served.post(body)
            assert refused.status_code == 429
            assert "streams of this" in refused.json()["error"]["message"]
            upstream.set(going_on)
            first.read()
        eventually(lambda: served.do(lambda: len(served.services.admission._limiter._streams)) == 0)
