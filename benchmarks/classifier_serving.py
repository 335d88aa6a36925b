"""What the classifier costs while it serves, and what leaks before it stops a stream.

    python benchmarks/classifier_serving.py MODEL --rows ROWS [--chats 200] [--streams 100] [--seconds 20]

``ROWS`` are labelled rows (`sluice model evaluate`); gzip too. Everything runs on one core: exchanges are driven in
this process, through the core and through the classifier's thread, and no socket is in it.
"""

import argparse
import asyncio
import gzip
import json
import os
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from filters.classifier.model import OnnxModel, load_model
from filters.classifier.scores import Side, Window
from filters.ruleset import build_ruleset
from filters.taxonomy import load_taxonomy
from gateway.classifiers import classification_of
from gateway.protocol import events as fact
from gateway.protocol.commands import Admit, AppendAudit, Command, ScoreTexts, SendData
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.protocol.exchange import Exchange
from gateway.protocol.labels import Labelling, Position
from gateway.protocol.policy import Policy, StreamMode
from gateway.protocol.standing import Standing
from gateway.protocol.states import State
from gateway.protocol.verdicts import VerdictMemory
from gateway.proxy.classifier_panel import ClassifierPanel
from gateway.proxy.classifier_pool import ClassifierPool
from gateway.proxy.classifying import ScoreBox

_PROMPT_CHARACTERS = 60
_REPLY_CHARACTERS = 400
_TOKEN_CHARACTERS = 3
_TOKENS_A_SECOND = 20
_HARMFUL_REPLIES = 500
_SCORE_TOKENS = (0, 1, 4)


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--chats", type=int, default=200)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    model = load_model(given.model, load_taxonomy().risks)
    rows = list(read(given.rows))
    random.Random(1).shuffle(rows)  # noqa: S311 the same rows every time
    prompts = texts(rows, "input", "safe", _PROMPT_CHARACTERS)
    replies = texts(rows, "output", "safe", _REPLY_CHARACTERS)
    figures = {
        "model": model.manifest.digest[:19],
        "chat_ms": chat_cost(model, prompts, replies, given.chats),
        "prompt_verdict_ms": asyncio.run(prompt_verdicts(model, prompts[: given.chats])),
        "streams": asyncio.run(streams(model, replies, given.streams, given.seconds)),
        "leak_characters": leaks(model, replies, texts(rows, "output", "unsafe", 0)),
    }
    print(json.dumps(figures, indent=2, ensure_ascii=False))


def read(file: Path) -> Iterator[dict[str, str]]:
    """Read labelled rows."""
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
        yield from map(orjson.loads, lines)


def texts(rows: Sequence[dict[str, str]], side: str, label: str, characters: int) -> list[str]:
    """Return texts of a kind, cut to a length where one is given; shorter ones are joined up to it."""
    chosen = [row["text"] for row in rows if row["side"] == side and row["label"] == label]
    if not characters:
        return chosen
    joined, found = "", []
    for text in chosen:
        joined = f"{joined}{text}\n"
        if len(joined) >= characters:
            found.append(joined[:characters])
            joined = ""
    return found


def context_of(model: OnnxModel | None, mode: StreamMode = StreamMode.TRAIL) -> ExchangeContext:
    """Return a context with the model, or without any."""
    standing = Standing(
        Policy(stream=mode),
        build_ruleset([], "sha256:0"),
        Labelling("bench", Position.INTERFACE, {"zh": "", "en": ""}),
    )
    classification = classification_of(model.manifest) if model else None
    return ExchangeContext("bench", OpenAIChat(), standing, classification=classification, memory=VerdictMemory())


def request(prompt: str, *, streamed: bool) -> fact.RequestReceived:
    """Return a chat request."""
    body = {"model": "m", "stream": streamed, "messages": [{"role": "user", "content": prompt}]}
    return fact.RequestReceived(orjson.dumps(body))


def frames(reply: str) -> list[bytes]:
    """Return a streamed reply, token by token."""
    pieces = [reply[at : at + _TOKEN_CHARACTERS] for at in range(0, len(reply), _TOKEN_CHARACTERS)]
    return [*(_frame({"content": piece}) for piece in pieces), _frame({}, "stop"), b"data: [DONE]\n\n"]


def _frame(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + orjson.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [choice]}) + b"\n\n"


def whole(reply: str) -> bytes:
    """Return a whole reply."""
    choice = {"index": 0, "message": {"role": "assistant", "content": reply}, "finish_reason": "stop"}
    return orjson.dumps({"id": "c", "object": "chat.completion", "choices": [choice]})


class Run:
    """One exchange; scores are answered so many events after they were asked for."""

    def __init__(self, context: ExchangeContext, model: OnnxModel | None, late: int = 0) -> None:
        self.exchange = Exchange(context)
        self.model = model
        self.late = late
        self.scoring_ns = 0
        self.windows = 0
        self.sent: list[bytes] = []
        self._asked: list[tuple[int, ScoreTexts]] = []
        self._step = 0

    def tell(self, event: fact.Event) -> None:
        """Tell of an event, and of the scores that are due."""
        self._do(event)
        self._step += 1
        while self._asked and (self._asked[0][0] <= self._step or self._waits):
            asked = self._asked.pop(0)[1]
            began = time.thread_time_ns()
            scores = self.model.score(asked.windows) if self.model else []
            self.scoring_ns += time.thread_time_ns() - began
            self.windows += len(scores)
            if self.exchange.state in (State.STREAMING, State.SETTLING, State.CLASSIFYING):
                self._do(fact.TextsScored(asked.ticket, tuple(scores)))

    @property
    def _waits(self) -> bool:
        return self.exchange.state in (State.SETTLING, State.CLASSIFYING)

    def _do(self, event: fact.Event) -> None:
        pending: list[Command] = self.exchange.receive_event(event, 1)
        while pending:
            command = pending.pop(0)
            if isinstance(command, Admit):
                pending += self.exchange.receive_event(fact.Admitted(self.exchange.context.standing), 1)
            elif isinstance(command, AppendAudit):
                pending += self.exchange.receive_event(fact.AuditAppended(), 1)
            elif isinstance(command, ScoreTexts):
                self._asked.append((self._step + 1 + self.late, command))
            elif isinstance(command, SendData):
                self.sent.append(command.data)


def chat(model: OnnxModel | None, prompt: str, reply: str, mode: StreamMode | None, late: int = 0) -> Run:
    """Drive one chat."""
    run = Run(context_of(model, mode or StreamMode.TRAIL), model, late)
    run.tell(request(prompt, streamed=mode is not None))
    if run.exchange.state is not State.AWAITING_UPSTREAM:
        return run
    if mode is None:
        run.tell(fact.UpstreamStarted(200, "application/json"))
        run.tell(fact.UpstreamData(whole(reply)))
        run.tell(fact.UpstreamFinished())
        return run
    run.tell(fact.UpstreamStarted(200, "text/event-stream"))
    for frame in frames(reply):
        if run.exchange.state is not State.STREAMING:
            break
        run.tell(fact.UpstreamData(frame))
    return run


def chat_cost(model: OnnxModel, prompts: Sequence[str], replies: Sequence[str], count: int) -> dict[str, object]:
    """Measure the processor's time of a chat in the classifier: with it less without it."""
    found: dict[str, object] = {}
    pairs = list(zip(prompts, replies, strict=False))[:count]
    for name, mode in (("whole", None), ("trail", StreamMode.TRAIL)):
        for prompt, reply in pairs[:5]:
            chat(model, prompt, reply, mode)
        costs, windows = [], 0
        for prompt, reply in pairs:
            times = []
            for each in (None, model):
                began = time.process_time_ns()
                run = chat(each, prompt, reply, mode)
                times.append(time.process_time_ns() - began)
            costs.append((times[1] - times[0]) / 1e6)
            windows += run.windows
        found[name] = {
            "mean": round(statistics.mean(costs), 2),
            "p50": round(statistics.median(costs), 2),
            "p95": round(statistics.quantiles(costs, n=20)[-1], 2),
            "windows": round(windows / len(pairs), 1),
        }
    return found


async def prompt_verdicts(model: OnnxModel, prompts: Sequence[str]) -> dict[str, float]:
    """Measure the time until a prompt's scores are there, through the thread."""
    panel = ClassifierPanel(ClassifierPool("bench", model), classification_of(model.manifest))
    times = []
    for prompt in prompts:
        began = time.perf_counter()
        await panel.ask([Window(prompt, Side.INPUT)])
        times.append((time.perf_counter() - began) * 1e3)
    panel.close()
    return {"p50": round(statistics.median(times), 2), "p95": round(statistics.quantiles(times, n=20)[-1], 2)}


async def streams(model: OnnxModel, replies: Sequence[str], count: int, seconds: float) -> dict[str, object]:
    """Keep so many streams open on one core, and look at the queue."""
    pool = ClassifierPool("bench", model)
    panel = ClassifierPanel(pool, classification_of(model.manifest))
    until = time.monotonic() + seconds
    depths: list[int] = []
    late: list[float] = []
    failed: list[str] = []

    async def one(number: int) -> None:
        await asyncio.sleep(number / count / _TOKENS_A_SECOND)
        turn = number
        while time.monotonic() < until:
            await _stream(panel, replies[turn % len(replies)], until, late, failed)
            turn += count

    async def watch() -> None:
        while time.monotonic() < until:
            depths.append(pool.queued)
            await asyncio.sleep(0.05)

    began = time.process_time()
    await asyncio.gather(watch(), *(one(number) for number in range(count)))
    busy = time.process_time() - began
    panel.close()
    half = len(depths) // 2
    return {
        "open": count,
        "core_share": round(busy / seconds, 2),
        "queue_mean_first_half": round(statistics.mean(depths[:half]), 1),
        "queue_mean_second_half": round(statistics.mean(depths[half:]), 1),
        "queue_most": max(depths),
        "answers": len(late),
        "answer_ms_p50": round(statistics.median(late), 1),
        "answer_ms_p99": round(statistics.quantiles(late, n=100)[-1], 1),
        "failures": len(failed),
    }


async def _stream(panel: ClassifierPanel, reply: str, until: float, late: list[float], failed: list[str]) -> None:
    policy = replace(Policy(), stream=StreamMode.TRAIL)
    context = context_of(None)
    context = replace(context, standing=context.standing._replace(policy=policy), classification=panel.classification)
    exchange, box = Exchange(context), ScoreBox(panel)
    asked: dict[int, float] = {}

    def tell(event: fact.Event) -> None:
        pending = exchange.receive_event(event, 1)
        while pending:
            command = pending.pop(0)
            if isinstance(command, Admit):
                pending += exchange.receive_event(fact.Admitted(context.standing), 1)
            elif isinstance(command, AppendAudit):
                pending += exchange.receive_event(fact.AuditAppended(), 1)
            elif isinstance(command, ScoreTexts):
                asked[command.ticket] = time.perf_counter()
                box.ask(command)

    async def take() -> None:
        told = await box.next()
        late.append((time.perf_counter() - asked[told.ticket]) * 1e3)
        if isinstance(told, fact.ScoringFailed):
            failed.append(told.reason)
        tell(told)

    tell(request("今天天气怎么样？", streamed=True))
    while exchange.state is State.CLASSIFYING:
        await take()
    if exchange.state is State.AWAITING_UPSTREAM:
        tell(fact.UpstreamStarted(200, "text/event-stream"))
    due = time.monotonic()
    for frame in frames(reply):
        due += 1 / _TOKENS_A_SECOND
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        while box.arrived and exchange.state is State.STREAMING:
            await take()
        if exchange.state is not State.STREAMING or time.monotonic() > until:
            break
        tell(fact.UpstreamData(frame))
    while exchange.state is State.SETTLING:
        await take()
    box.close()


def leaks(model: OnnxModel, harmless: Sequence[str], harmful: Sequence[str]) -> dict[str, object]:
    """Measure what is shown of the harmful half of replies that turn so half-way, in each mode."""
    pairs = list(zip(harmless, harmful, strict=False))[:_HARMFUL_REPLIES]
    found: dict[str, object] = {"replies": len(pairs)}
    for mode in StreamMode:
        # How late scores come does not matter to `hold` and `full`: that is what they are for.
        for late in _SCORE_TOKENS if mode is StreamMode.TRAIL else (1,):
            shown, retracted = [], 0
            for good, bad in pairs:
                run = chat(model, "", f"{good[: len(bad)]}\n{bad}", mode, late)
                record = run.exchange.record
                if record is None or record.phase is None:
                    continue
                shown.append(max(0, record.released_characters - len(good[: len(bad)]) - 1))
                retracted += record.released_characters > 0
            name = f"{mode}, scores {late} tokens late" if mode is StreamMode.TRAIL else str(mode)
            found[name] = {"stopped": len(shown), "retracted": retracted, **_spread(shown)}
    return found


def _spread(values: Sequence[int]) -> dict[str, float]:
    if len(values) < 2:  # noqa: PLR2004 quantiles need two
        return {}
    tenths = statistics.quantiles(values, n=10)
    return {"p10": tenths[0], "p50": statistics.median(values), "p90": tenths[-1], "most": max(values)}


if __name__ == "__main__":
    main()
