"""What every part needs of HTTP: one checked exchange, and the gateway's metrics."""

import json
from http.client import HTTPConnection
from typing import Any, NamedTuple

from benchmarks.processes import BenchmarkError, Server

CHAT_PATH = "/v1/chat/completions"
LABEL = "内容由AI生成"
"""In the visible label of either language."""

MODEL = "sluice-standin"
_OK = 200
_TIMEOUT_SECONDS = 30


class Prompt(NamedTuple):
    """A chat request.

    Attributes:
        language: of prompt and reply, for reports.
        text: the user's message, with the stand-in's cues.
        streamed: whether a stream is asked for.
    """

    language: str
    text: str
    streamed: bool = False

    def body(self) -> bytes:
        """Return the request's body."""
        messages = [{"role": "user", "content": self.text}]
        request = {"model": MODEL, "stream": self.streamed, "messages": messages}
        return json.dumps(request, ensure_ascii=False).encode()


def verify(server: Server, key: str, prompt: Prompt, *, labelled: bool) -> int:
    """Send one request that is not streamed and check the answer; return the size of its body in bytes.

    Args:
        server: whom to ask.
        key: key of the account.
        prompt: what to ask.
        labelled: whether the answer must carry both labels.

    Raises:
        BenchmarkError: the answer is not what is to be measured.
    """
    status, body = _exchange(server.port, "POST", CHAT_PATH, key, prompt.body())
    if status != _OK:
        raise BenchmarkError(f"{server.name} answered {status}, so there is nothing to measure: {body[:300]!r}")
    reply = json.loads(body)
    text = reply["choices"][0]["message"]["content"]
    found = LABEL in text and reply.get("aigc", {}).get("ContentProducer") == "bench"
    if found != labelled:
        raise BenchmarkError(
            f"The reply of {server.name} has {'its' if found else 'no'} labels; it is not comparable."
        )
    return len(body)


def read_metrics(port: int) -> dict[str, float]:
    """Return the gateway's metrics, by name with labels as written."""
    status, body = _exchange(port, "GET", "/metrics", "", b"")
    if status != _OK:
        raise BenchmarkError(f"The management plane answered {status} instead of its metrics.")
    lines = (line.rpartition(" ") for line in body.decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def exchanges_by_decision(metrics: dict[str, float]) -> dict[str, int]:
    """Return how many exchanges the gateway recorded, by decision."""
    counts: dict[str, int] = {}
    for name, value in metrics.items():
        if name.startswith("sluice_exchanges_total{"):
            decision = name.partition('decision="')[2].partition('"')[0]
            counts[decision] = counts.get(decision, 0) + int(value)
    return counts


def quantile_bound(metrics: dict[str, float], histogram: str, label: str, share: float) -> float:
    """Return the upper bound of the bucket a quantile lies in; the histogram knows no more.

    Args:
        metrics: as read.
        histogram: its name.
        label: one label as written, such as ``part="added"``.
        share: 0.99 for p99.
    """
    prefix = f"{histogram}_bucket{{"
    buckets = sorted(
        (float(name.partition('le="')[2].partition('"')[0]), count)
        for name, count in metrics.items()
        if name.startswith(prefix) and label in name
    )
    total = buckets[-1][1] if buckets else 0.0
    return next((bound for bound, count in buckets if total and count >= share * total), float("nan"))


def _exchange(port: int, method: str, path: str, key: str, body: bytes) -> tuple[int, bytes]:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body or None, headers)
        answer: Any = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
