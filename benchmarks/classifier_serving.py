"""What the classifier costs while it serves, and what leaks before it stops a stream.

Run from the root of the repository, on one core, with the directory of the public data::

    python -m benchmarks.classifier_serving --data DATA                  # some four minutes
    python -m benchmarks.classifier_serving --data DATA --only chat      # one part alone
    python -m benchmarks.classifier_serving --data DATA --chats 20 --seconds 3 --replies 40   # a smoke test

What is printed:

- **chat**: processor's time in the classifier of one ordinary chat (a prompt of 60 characters, a reply of 400): with
  it less without it, through the real core; beside it the way through the classifier's thread, for each question.
  Each chat is driven three times and the least counts, since other programs only ever add.
- **verdict**: time until a prompt's scores are there, through the thread.
- **streams**: so many open streams at 20 tokens a second, scored in ``trail``: does the queue grow?
- **leak**: replies whose second half is harmful, in each mode: characters of that half that were shown before the
  stop, and characters shown beyond the passages that were found clean, which is what the page on the classifier
  bounds. Scores come one token late, which is 50 milliseconds.

Exchanges are driven in this process and no socket is in it. Rows are those of ``classifier/dev.jsonl.gz``.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from benchmarks.exchanges import chat as drive
from benchmarks.exchanges import clean_up_to, context_of, frames, request, timed
from benchmarks.report import engine_machine_lines, write_section
from filters.classifier.model import OnnxModel, load_model
from filters.classifier.scores import Score, Side, Window
from filters.classifier.windows import PASSAGE_CHARACTERS
from filters.taxonomy import load_taxonomy
from gateway.classifiers import classification_of
from gateway.protocol import events as fact
from gateway.protocol.commands import Admit, AppendAudit, ScoreTexts
from gateway.protocol.exchange import Exchange
from gateway.protocol.policy import Policy, StreamMode
from gateway.protocol.states import State
from gateway.proxy.classifier_panel import ClassifierPanel, Member
from gateway.proxy.classifier_pool import ClassifierPool
from gateway.proxy.classifying import ScoreBox
from models.rows import Row, read_rows

_PROMPT_CHARACTERS = 60
_REPLY_CHARACTERS = 400
_TOKENS_A_SECOND = 20
_RUNS = 3
_QUESTIONS = 2000
_LATE_TOKENS = 1
_PARTS = ("chat", "verdict", "streams", "leak")
_FIRST_PROMPT = "今天天气怎么样？"


class Texts(NamedTuple):
    """What is sent.

    Attributes:
        prompts: harmless ones of one length.
        replies: harmless ones of one length.
        harmful: harmful replies as they are.
    """

    prompts: list[str]
    replies: list[str]
    harmful: list[str]


def main() -> int:
    """Measure, print, report."""
    given = parse_arguments()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    model = load_model(given.model, load_taxonomy().risks)
    texts = read_texts(given.data)
    sections = {
        "chat": lambda: chat_section(model, texts, given.chats),
        "verdict": lambda: verdict_section(model, texts.prompts[: 2 * given.chats]),
        "streams": lambda: asyncio.run(streams_section(model, texts.replies, given.streams, given.seconds)),
        "leak": lambda: leak_section(model, texts, given.replies),
    }
    lines = ["## Classifier, serving", "", f"Model {model.manifest.name} {model.manifest.version}", ""]
    for part in given.only or _PARTS:
        say(f"{part} …")
        lines += [*sections[part](), ""]
    lines.append(
        engine_machine_lines("python -m benchmarks.classifier_serving --data DATA", ["onnxruntime", "numpy"])
    )
    text = "\n".join(lines)
    sys.stdout.write(text + "\n")
    if given.write:
        write_section(given.write, "classifier-serving", text, writer="classifier_serving")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="directory with classifier/dev.jsonl.gz")
    parser.add_argument("--model", type=Path, default=Path("models/classifier"), help="folder (default: %(default)s)")
    parser.add_argument("--only", choices=_PARTS, action="append", help="one part alone; may be given again")
    parser.add_argument("--chats", type=int, default=200, help="chats that are timed (default: %(default)s)")
    parser.add_argument("--streams", type=int, default=100, help="open streams (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=30, help="how long they are kept up (default: %(default)s)")
    parser.add_argument("--replies", type=int, default=500, help="replies that turn harmful (default: %(default)s)")
    parser.add_argument("--write", type=Path, help="file to put the section in")
    return parser.parse_args()


def say(text: str) -> None:
    """Say how far it is."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def read_texts(data: Path) -> Texts:
    """Read the rows, the same ones every time."""
    rows = list(read_rows(data / "classifier" / "dev.jsonl.gz"))
    random.Random(1).shuffle(rows)  # noqa: S311 the same rows every time
    return Texts(
        cut(rows, "input", _PROMPT_CHARACTERS),
        cut(rows, "output", _REPLY_CHARACTERS),
        [row.text for row in rows if row.side == "output" and row.unsafe],
    )


def cut(rows: Sequence[Row], side: str, characters: int) -> list[str]:
    """Return harmless texts of one length; shorter ones are joined up to it."""
    joined, found = "", []
    for row in rows:
        if row.side == side and not row.unsafe:
            joined = f"{joined}{row.text}\n"
            if len(joined) >= characters:
                found.append(joined[:characters])
                joined = ""
    return found


class Nothing:
    """A model that says at once that all is well: what is left is the way to it and back."""

    def score(self, windows: Sequence[Window]) -> list[Score]:
        """Settle all of them."""
        return [Score(0.0, settled=True)] * len(windows)


def chat_section(model: OnnxModel, texts: Texts, count: int) -> list[str]:
    """Measure the processor's time of a chat in the classifier."""
    way_us = asyncio.run(_way(model))
    lines = [
        "### Ordinary chat: prompt of 60 characters, reply of 400",
        "",
        _row("reply", "CPU ms, mean", "p50", "p95", "windows", "by the linear stage", "with the thread, mean", "aim"),
        _row(*["---"] * 8),
    ]
    policy = Policy()
    pairs = list(zip(texts.prompts, texts.replies, strict=False))[:count]
    for name, streamed, aim in (("whole", False, 3), ("`trail`", True, 5)):
        costs, windows, settled = [], 0, 0
        for number, (prompt, reply) in enumerate(pairs):
            if number % 50 == 0:
                say(f"  {name}: {number} of {len(pairs)}")
            least = []
            for each in (None, model):
                runs = [timed(context_of(each, policy), each, prompt, reply, streamed=streamed) for _ in range(_RUNS)]
                least.append(min(spent for spent, _ in runs))
            windows += runs[-1][1].windows
            settled += runs[-1][1].settled
            costs.append((least[1] - least[0]) / 1e6)
        # A whole chat asks twice; of a stream, each window is a question.
        questions = windows / len(pairs) if streamed else 2
        mean = statistics.mean(costs)
        spread = f"{mean:.2f}", f"{_at(costs, 50):.2f}", f"{_at(costs, 95):.2f}"
        cascade = f"{windows / len(pairs):.1f}", f"{settled / windows:.1%}"
        lines.append(_row(name, *spread, *cascade, f"{mean + questions * way_us / 1e3:.2f}", f"≤ {aim}"))
    return [*lines, "", f"The way of a question through the thread and back: {way_us:.0f} µs."]


async def _way(model: OnnxModel) -> float:
    panel = ClassifierPanel([Member(ClassifierPool("bench", Nothing()), classification_of(model.manifest))])
    asked = [Window("x", Side.OUTPUT, early=True)]
    spent = []
    for _ in range(_RUNS):
        began = time.process_time()
        for _ in range(_QUESTIONS):
            await panel.ask(asked)
        spent.append((time.process_time() - began) * 1e6 / _QUESTIONS)
    panel.close()
    return min(spent)


def verdict_section(model: OnnxModel, prompts: Sequence[str]) -> list[str]:
    """Measure the time until a prompt's scores are there, through the thread."""
    times = asyncio.run(_verdicts(model, prompts))
    return [
        "### Verdict on a prompt, through the thread",
        "",
        "| prompts | p50 ms | p95 | p99 | aim |",
        "|---:|---:|---:|---:|---|",
        f"| {len(times)} | {_at(times, 50):.2f} | {_at(times, 95):.2f} | {_at(times, 99):.2f} | p50 ≤ 3 |",
    ]


async def _verdicts(model: OnnxModel, prompts: Sequence[str]) -> list[float]:
    panel = ClassifierPanel([Member(ClassifierPool("bench", model), classification_of(model.manifest))])
    times = []
    for prompt in prompts:
        began = time.perf_counter()
        await panel.ask([Window(prompt, Side.INPUT)])
        times.append((time.perf_counter() - began) * 1e3)
    panel.close()
    return times


async def streams_section(model: OnnxModel, replies: Sequence[str], count: int, seconds: float) -> list[str]:
    """Keep so many streams open on one core, and look at the queue."""
    pool = ClassifierPool("bench", model)
    panel = ClassifierPanel([Member(pool, classification_of(model.manifest))])
    until = time.monotonic() + seconds
    depths: list[int] = []
    late: list[float] = []
    failed: list[str] = []

    async def one(number: int) -> None:
        await asyncio.sleep(number / count / _TOKENS_A_SECOND)
        turn = number
        while time.monotonic() < until:
            await _Streaming(panel, late, failed).run(replies[turn % len(replies)], until)
            turn += count

    async def watch() -> None:
        while time.monotonic() < until:
            depths.append(pool.queued)
            await asyncio.sleep(0.05)

    began = time.process_time()
    await asyncio.gather(watch(), *(one(number) for number in range(count)))
    busy = time.process_time() - began
    panel.close()
    thirds = [statistics.mean(depths[at * len(depths) // 3 : (at + 1) * len(depths) // 3]) for at in range(3)]
    return [
        f"### {count} streams at {_TOKENS_A_SECOND} tokens a second for {seconds:g} s on one core, `trail`",
        "",
        "| share of the core | windows queued, mean of each third | most | answers | ms p50 | p99 | failures | aim |",
        "|---:|---:|---:|---:|---:|---:|---:|---|",
        _row(
            *(
                f"{busy / seconds:.0%}",
                " / ".join(f"{each:.1f}" for each in thirds),
                str(max(depths)),
                str(len(late)),
            ),
            *(f"{_at(late, 50):.1f}", f"{_at(late, 99):.1f}", str(len(failed)), "no growth, no failure"),
        ),
    ]


class _Streaming:
    """One stream at its pace, answered by the panel."""

    def __init__(self, panel: ClassifierPanel, late: list[float], failed: list[str]) -> None:
        context = replace(context_of(None, Policy()), classification=panel.classification)
        self._exchange, self._box = Exchange(context), ScoreBox(panel)
        self._asked: dict[int, float] = {}
        self._late, self._failed = late, failed

    async def run(self, reply: str, until: float) -> None:
        """Drive it to its end, or to the end of the time."""
        exchange = self._exchange
        self._tell(request(_FIRST_PROMPT, streamed=True))
        while exchange.state is State.CLASSIFYING:
            await self._take()
        if exchange.state is State.AWAITING_UPSTREAM:
            self._tell(fact.UpstreamStarted(200, "text/event-stream"))
        due = time.monotonic()
        for frame in frames(reply):
            due += 1 / _TOKENS_A_SECOND
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            while exchange.state is State.SETTLING or (self._box.arrived and exchange.state is State.STREAMING):
                await self._take()
            if exchange.state is not State.STREAMING or time.monotonic() > until:
                break
            self._tell(fact.UpstreamData(frame))
        while exchange.state is State.SETTLING:
            await self._take()
        self._box.close()

    async def _take(self) -> None:
        told = await self._box.next()
        self._late.append((time.perf_counter() - self._asked[told.ticket]) * 1e3)
        if isinstance(told, fact.ScoringFailed):
            self._failed.append(told.reason)
        self._tell(told)

    def _tell(self, event: fact.Event) -> None:
        pending = self._exchange.receive_event(event, 1)
        while pending:
            command = pending.pop(0)
            if isinstance(command, Admit):
                pending += self._exchange.receive_event(fact.Admitted(self._exchange.context.standing), 1)
            elif isinstance(command, AppendAudit):
                pending += self._exchange.receive_event(fact.AuditAppended(), 1)
            elif isinstance(command, ScoreTexts):
                self._asked[command.ticket] = time.perf_counter()
                self._box.ask(command)


def leak_section(model: OnnxModel, texts: Texts, count: int) -> list[str]:
    """Measure what is shown of replies that turn harmful half-way, in each mode."""
    pairs = list(zip(_repeated(texts.replies, count), texts.harmful, strict=False))[:count]
    lines = [
        f"### Leak: {len(pairs)} replies whose second half is harmful",
        "",
        "Characters of the harmful half that were shown before a stop on the way; and the most that was shown beyond",
        "the passages that were found clean, which has a bound.",
        "",
        _row("mode", "stopped on the way", "at the end", "p50", "p90", "p99", "most", "beyond", "bound", "held"),
        _row(*["---"] * 10),
    ]
    for mode in StreamMode:
        say(f"  {mode}")
        policy = Policy(stream=mode)
        bound = policy.trail_characters + PASSAGE_CHARACTERS if mode is StreamMode.TRAIL else 0
        shown, beyond, at_end = [], [], 0
        for good, bad in pairs:
            first = f"{good[: len(bad)]}\n"
            run = drive(context_of(model, policy), model, "", first + bad, streamed=True, late=_LATE_TOKENS)
            record = run.exchange.record
            if record is None or record.phase is None:
                continue
            if run.ended:
                at_end += 1
                continue
            shown.append(max(0, record.released_characters - len(first)))
            beyond.append(max(0, record.released_characters - clean_up_to(first + bad, run.clean)))
        most = max(beyond, default=0)
        spread = [str(round(_at(shown, percent))) for percent in (50, 90, 99, 100)]
        held = "yes" if most <= bound else "NO"
        lines.append(_row(f"`{mode}`", str(len(shown)), str(at_end), *spread, str(most), str(bound), held))
    return [
        *lines,
        "",
        "Stopped at the end: no passage was sure enough, and the whole was. In `trail` and `hold` it was shown by",
        "then and is to be taken back; in `full` nothing was.",
    ]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _repeated(texts: Sequence[str], count: int) -> list[str]:
    return [texts[number % len(texts)] for number in range(count)]


def _at(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


if __name__ == "__main__":
    sys.exit(main())
