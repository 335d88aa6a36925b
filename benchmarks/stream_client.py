"""A cheap client for many streams: raw bytes, frames counted, nothing parsed that need not be.

Run as a process of its own: reads one `StreamPlan` as JSON from standard input, writes one `StreamTally` as JSON to
standard output. Rules: a slot opens its next stream when the last one ended; a stream is asked for no longer than the
time that is left, so each ends by itself; what goes wrong is counted by kind and never stops the others.
"""

import asyncio
import json
import resource
import sys
from collections import Counter
from typing import Any, NamedTuple

import uvloop

from benchmarks.client import CHAT_PATH, LABEL, Prompt

# Behind a connection per stream: log, listener, the loop's own.
_SPARE_FILES = 64
_SILENCE_SECONDS = 30.0
# Holds the last frames with text, label and members.
_TAIL_BYTES = 4096
_DONE = b"[DONE]"
_DONE_WINDOW = 64
_RETRY_SECONDS = 1.0


class StreamPlan(NamedTuple):
    """What to ask for.

    Attributes:
        port: on the loopback address.
        key: key of the account.
        streams: streams at one time.
        frames_per_second: pace of each.
        seconds: from the first stream's start to the end of all, where slots go on.
        stream_seconds: length of one stream.
        spacing_seconds: from one slot's start to the next one's; no multiple of the pace, or all frames come at once.
        repeated: whether a slot goes on with another stream until the time is over; its first one is then shorter
            than those of its neighbours, so that later ones do not begin together.
        labelled: whether a stream must carry its labels.
    """

    port: int
    key: str
    streams: int
    frames_per_second: int
    seconds: int
    stream_seconds: int
    spacing_seconds: float
    repeated: bool
    labelled: bool


class StreamTally(NamedTuple):
    """What came.

    Attributes:
        finished: streams that ended as they should.
        frames: frames received, of all streams.
        errors: streams that did not, by kind.
        first_frame_ms: from a request's last byte to its first frame.
        pace: of each finished stream of some length, the frames per second it held.
        most_at_once: most streams open at one time.
    """

    finished: int
    frames: int
    errors: dict[str, int]
    first_frame_ms: list[float]
    pace: list[float]
    most_at_once: int


class _Stream(asyncio.Protocol):
    """One stream on a connection of its own; ``ended`` resolves to the kind of error, empty for none."""

    __slots__ = ("_last", "_loop", "_request", "_transport", "ended", "first_at", "frames", "head", "sent_at", "tail")

    _transport: asyncio.Transport

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._last = b""
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self.frames = 0
        self.head = self.tail = b""
        self.sent_at = self.first_at = 0.0

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 asyncio's base class has no write
        self._transport = transport
        transport.write(self._request)
        self.sent_at = self._loop.time()

    def data_received(self, data: bytes) -> None:
        if not self.head:
            self.head = data
        # A frame ends with two line feeds, which may come in two reads.
        self.frames += data.count(b"\n\n") + (self._last == b"\n" == data[:1])
        self._last = data[-1:]
        if self.frames and not self.first_at:
            self.first_at = self._loop.time()
        self.tail = (self.tail + data)[-_TAIL_BYTES:]
        if _DONE in self.tail[-len(data) - _DONE_WINDOW :]:
            self.end("")

    def connection_lost(self, exc: Exception | None) -> None:
        self.end("reset" if exc else "ended_without_done")

    def end(self, error: str) -> None:
        """Close, and say how it went; the first word counts."""
        if not self.ended.done():
            self.ended.set_result(error)
            self._transport.abort()


class _Load:
    """All streams of one plan."""

    def __init__(self, plan: StreamPlan) -> None:
        self._plan = plan
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + plan.seconds
        self._errors: Counter[str] = Counter()
        self._open = 0
        self.tally = StreamTally(0, 0, {}, [], [], 0)

    async def run(self) -> StreamTally:
        """Keep every slot busy until the time is over."""
        await asyncio.gather(*(self._keep_busy(slot) for slot in range(self._plan.streams)))
        return self.tally._replace(errors=dict(self._errors))

    async def _keep_busy(self, slot: int) -> None:
        plan = self._plan
        await asyncio.sleep(slot * plan.spacing_seconds)
        if not plan.repeated:
            await self._stream(plan.stream_seconds)
            return
        seconds = 1 + slot % plan.stream_seconds
        while (left := round(self._until - self._loop.time())) >= 1:
            if not await self._stream(min(seconds, left)):
                await asyncio.sleep(_RETRY_SECONDS)
            seconds = plan.stream_seconds

    async def _stream(self, seconds: int) -> bool:
        """Take one stream to its end and count it; return whether it ended as it should."""
        request = _request(self._plan, seconds)
        try:
            _, stream = await self._loop.create_connection(lambda: _Stream(request), "127.0.0.1", self._plan.port)
        except OSError:
            self._errors["connect"] += 1
            return False
        self._open += 1
        self.tally = self.tally._replace(most_at_once=max(self.tally.most_at_once, self._open))
        try:
            error = await asyncio.wait_for(asyncio.shield(stream.ended), seconds + _SILENCE_SECONDS)
        except TimeoutError:
            error = "timeout"
            stream.end(error)
        self._open -= 1
        return self._count(stream, error or _problem(stream, labelled=self._plan.labelled), seconds)

    def _count(self, stream: _Stream, error: str, seconds: int) -> bool:
        tally = self.tally
        self.tally = tally._replace(finished=tally.finished + (not error), frames=tally.frames + stream.frames)
        if error:
            self._errors[error] += 1
            return False
        tally.first_frame_ms.append((stream.first_at - stream.sent_at) * 1000)
        # The role came in the first instant, the end comes with the last token.
        took = self._loop.time() - stream.first_at
        tally.pace.append(seconds * self._plan.frames_per_second / took)
        return True


def _request(plan: StreamPlan, seconds: int) -> bytes:
    frames = seconds * plan.frames_per_second
    # Of a Chinese text the stand-in makes one frame of each character.
    prompt = Prompt("Chinese", f"请说说水闸。[[length:{frames}]][[pace:{plan.frames_per_second}]]", streamed=True)
    body = prompt.body()
    head = (
        f"POST {CHAT_PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {plan.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _problem(stream: _Stream, *, labelled: bool) -> str:
    if not stream.head.startswith(b"HTTP/1.1 200"):
        return "status"
    if b'"error":' in stream.tail:
        return "error_frame"
    if b'"finish_reason":"stop"' not in stream.tail:
        return "no_finish_reason"
    if labelled and not (LABEL.encode() in stream.tail and b'"aigc":' in stream.tail):
        return "no_label"
    return ""


def main() -> None:
    """Carry out the plan on standard input."""
    plan = StreamPlan(**json.load(sys.stdin))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < plan.streams + _SPARE_FILES:
        sys.exit(f"The limit of open files, {most}, is too low for {plan.streams} streams. Raise it: ulimit -Hn.")

    async def run() -> StreamTally:
        return await _Load(plan).run()

    json.dump(uvloop.run(run())._asdict(), sys.stdout)


if __name__ == "__main__":
    main()
