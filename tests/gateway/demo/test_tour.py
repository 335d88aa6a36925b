"""The tour shows what the gateway does."""

import asyncio

from gateway.accounts.account import AccountKind
from gateway.demo.tour import STOPS, Seen, take_tour
from gateway.standin.replies import LABEL_TEXT
from tests.gateways import Gateway


def _tour(running: Gateway) -> list[Seen]:
    async def take() -> list[Seen]:
        return [seen async for seen in take_tour(f"{running.url}/v1", running.keys, "sluice-standin")]

    return asyncio.run(take())


def test_every_stop_shows_what_it_says(shared: Gateway) -> None:
    """Passes, refusals, a cut stream, a mask, tool calls, and each kind of account; each is on the record."""
    seen = _tour(shared)
    assert [each.stop for each in seen] == list(STOPS)
    assert [each.decision for each in seen] == [
        *("allow", "allow", "block", "block", "mask", "allow"),
        *("block", "unfiltered"),
    ]
    clean, whole, refused, cut, masked, tools, *_ = (each.text for each in seen)
    assert clean.endswith(LABEL_TEXT)
    assert whole.endswith("(内容由AI生成 · AI-generated content)")
    assert "很抱歉" in refused
    assert "回答已停止" in cut
    assert "“**”" in masked
    assert tools.splitlines() == [
        '→ look_up{"query":"水位","limit":3}',
        '→ keep_note{"title":"stand-in","text":"晴"}',
    ]
    for each in seen:
        assert shared.record(each.request_id).account_kind == each.stop.kind


def test_the_tour_meets_every_kind_of_account_and_both_ways() -> None:
    """Nothing the gateway tells apart is left out."""
    assert {stop.kind for stop in STOPS} == set(AccountKind)
    assert {stop.streamed for stop in STOPS} == {True, False}
