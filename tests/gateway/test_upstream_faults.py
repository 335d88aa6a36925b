"""Whole gateways in front of servers that fail: the right answer, no second generation, and who served on record."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.errors import ErrorCode
from tests.gateways import (
    DONE,
    STREAM_END,
    STREAM_HEAD,
    Gateway,
    Scripted,
    chat,
    chunk,
    delta,
    expect_error,
    frames_of,
    gateway,
    reply,
    said_in,
    scripted,
    whole_answer,
)
from tests.raw_server import Do, Script

AWAY: Script = ()
WHOLE: Script = (Do.READ_REQUEST, reply(whole_answer("水位正常")))
STREAM: Script = (Do.READ_REQUEST, STREAM_HEAD, delta("水位正常", finish="stop"), chunk(DONE), STREAM_END)
BUSY: Script = (
    Do.READ_REQUEST,
    reply(b'{"error": {"message": "busy"}}', status=b"503 Busy").replace(
        b"\r\n\r\n", b"\r\nretry-after: 7\r\n\r\n", 1
    ),
)


@contextmanager
def in_front_of_all(
    folder: Path, *scripts: Script, own: tuple[dict[str, Any], ...] = ()
) -> Iterator[tuple[Gateway, list[Scripted | None]]]:
    """Run a gateway in front of a server for each script; an empty one is a server that is away.

    Args:
        folder: for its store and its audit trail.
        scripts: of the servers, which are named by the letters a, b, …
        own: settings of the servers.
    """
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(scripted(script)) if script else None for script in scripts]
        urls = [f"{each.url if each else 'http://127.0.0.1:1'}/v1" for each in servers]
        tables = [{"name": "abcd"[number], "base_url": url, "idle_seconds": 5} for number, url in enumerate(urls)]
        for table, settings in zip(tables, own, strict=False):
            table.update(settings)
        yield stack.enter_context(gateway(folder, "http://127.0.0.1:1", {"upstreams": tables})), servers


def _generations(servers: list[Scripted | None]) -> list[int]:
    return [len(each.server.requests) if each else 0 for each in servers]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("first", [AWAY, BUSY], ids=["away", "busy"])
def test_another_server_takes_over(tmp_path: Path, first: Script, streamed: bool) -> None:  # noqa: FBT001 a parameter of the table
    """The client notices nothing, the record names who served, and one generation was begun."""
    with in_front_of_all(tmp_path, first, STREAM if streamed else WHOLE) as (running, servers):
        response = running.post(chat("你好", stream=streamed))
        assert response.status_code == 200
        assert "水位正常" in response.text
        assert "retry-after" not in response.headers
        assert running.record(response.headers["x-request-id"]).upstream == "b"
        assert _generations(servers)[1] == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_a_server_killed_before_its_reply_is_not_replaced(tmp_path: Path, streamed: bool) -> None:  # noqa: FBT001 the same
    """It had the whole request, and may have generated: the client decides whether to pay again."""
    with in_front_of_all(tmp_path, (Do.READ_REQUEST, Do.RESET), WHOLE) as (running, servers):
        response = expect_error(
            running, ErrorCode.UPSTREAM_RESET, lambda: running.post(chat("你好", stream=streamed))
        )
        assert _generations(servers) == [1, 0]
        assert running.record(response.headers["x-request-id"]).upstream == ""


def test_a_server_killed_in_mid_stream_is_not_replaced(tmp_path: Path) -> None:
    """What was said stays said; the stream ends with an error frame, and nobody generates the rest again."""
    script = (Do.READ_REQUEST, STREAM_HEAD, delta("水位正常"), Do.RESET)
    with in_front_of_all(tmp_path, script, STREAM) as (running, servers):
        response = running.post(chat("你好", stream=True))
        frames = frames_of(response.content)
        assert said_in([frame for frame in frames if "choices" in frame]).startswith("水位正常")
        assert frames[-1]["error"]["code"] == "upstream_reset"
        assert response.content.endswith(DONE)
        assert _generations(servers) == [1, 0]
        assert running.record(response.headers["x-request-id"]).upstream == "a"


def test_a_reply_that_never_comes_to_its_end_is_cut(tmp_path: Path) -> None:
    """However steadily it goes on: the whole has its time as well."""
    script = (Do.READ_REQUEST, STREAM_HEAD, delta("水位正常"), Do.AWAIT_CLOSE)
    with in_front_of_all(tmp_path, script, own=({"total_seconds": 0.3, "idle_seconds": 60},)) as (running, _):
        response = running.post(chat("你好", stream=True))
        assert frames_of(response.content)[-1]["error"]["code"] == "upstream_timeout"


def test_a_server_killed_between_two_requests(tmp_path: Path) -> None:
    """The connection it left behind is not used: each request is generated once, the second one elsewhere."""
    with in_front_of_all(tmp_path, WHOLE, (*WHOLE, *WHOLE)) as (running, servers):
        first = servers[0]
        assert first is not None
        assert [running.post(chat("你好")).status_code for _ in range(2)] == [200, 200]
        first.kill()
        assert running.post(chat("你好")).status_code == 200
        assert _generations(servers) == [1, 2]


def test_a_busy_server_is_passed_on_when_there_is_no_other(tmp_path: Path) -> None:
    """With its own status, shape and time to wait."""
    with in_front_of_all(tmp_path, BUSY) as (running, _):
        response = running.post(chat("你好"))
        assert (response.status_code, response.headers["retry-after"]) == (503, "7")
        assert response.json()["error"]["message"] == "busy"


def test_each_model_has_its_servers_and_names(tmp_path: Path) -> None:
    """The server reads its own name; the client reads what the server says; a model nobody has is not found."""
    own = ({"models": {"fast": "org/small"}}, {"models": ["large"], "dialects": ["openai"]})
    with in_front_of_all(tmp_path, WHOLE, WHOLE, own=own) as (running, servers):
        answers = [running.post(chat("你好") | {"model": model}) for model in ("fast", "large")]
        assert [each.status_code for each in answers] == [200, 200]
        records = [running.record(each.headers["x-request-id"]) for each in answers]
        assert [(each.model, each.upstream) for each in records] == [("fast", "a"), ("large", "b")]
        sent = [orjson.loads(each.server.requests[0].partition(b"\r\n\r\n")[2]) for each in servers if each]
        assert [each["model"] for each in sent] == ["org/small", "large"]
        assert answers[0].json()["model"] == "m"
        expect_error(running, ErrorCode.MODEL_NOT_FOUND, lambda: running.post(chat("你好") | {"model": "org/small"}))
        assert _generations(servers) == [1, 1]


def test_each_server_gets_its_own_key(tmp_path: Path) -> None:
    """And none gets another's."""
    keys = [tmp_path / "first", tmp_path / "second"]
    for number, path in enumerate(keys):
        path.write_text(f"sk-{number}")
    own = tuple({"api_key_file": str(path)} for path in keys)
    with in_front_of_all(tmp_path, WHOLE, WHOLE, own=own) as (running, servers):
        for _ in range(2):
            assert running.post(chat("你好")).status_code == 200
        heads = [each.server.requests[0].partition(b"\r\n\r\n")[0] for each in servers if each]
    assert [b"\r\nauthorization: Bearer sk-%d" % number in head for number, head in enumerate(heads)] == [True, True]


def test_servers_that_are_left_out_are_seen(tmp_path: Path) -> None:
    """In the metrics, by the names of the settings; the clients see nothing of it."""
    with in_front_of_all(tmp_path, AWAY, [step for _ in range(8) for step in WHOLE]) as (running, _):
        assert {running.post(chat("你好")).status_code for _ in range(8)} == {200}
        assert running.metric("sluice_upstream_ejected", upstream="a") == 1
        assert running.metric("sluice_upstream_ejected", upstream="b") == 0
        assert running.metric("sluice_upstream_requests_total", upstream="a", outcome="failed") >= 3
