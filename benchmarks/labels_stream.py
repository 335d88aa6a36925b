"""What the visible label adds to a frame of a stream: processor time, and whether it splits or delays one.

Run from the root of the repository::

    python -m benchmarks.labels_stream                     # half a minute
    python -m benchmarks.labels_stream --frames 500        # to see that it works
    python -m benchmarks.labels_stream --instructions      # counted by valgrind as well; a few minutes

The same reply goes through the core with the label and without any work for it, in turns, and the pairs are compared:
median of the differences, divided by the frames. Aim: at most 2 µs a frame. Then each frame's own answer is compared:
with a label at the end, all frames but the last must leave as without one, at the same event. Exit status 1 when the
aim is missed, or a frame is split, joined or late.
"""

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.protocol.channels import Channels
from gateway.protocol.commands import SendData, SendEnd
from gateway.protocol.events import Admitted, AuditAppended, Event, RequestReceived, UpstreamData, UpstreamStarted
from gateway.protocol.exchange import Exchange
from gateway.protocol.labels import Position
from tests.gateway.protocol.playbook import AT_US, DONE, LABEL, chunk, finish, given, request

AIM_US = 2.0
_TEXTS = {
    "Chinese": "水闸的管理人员每天检查闸门、启闭机和水位计，并把结果记在值班记录里。",
    "English": "The keeper checks gates, hoists and gauges every day and writes it down. ",
    "code": "```python\nfor gate in gates:\n    gate.check()\n",
}
_VALGRIND = shutil.which("valgrind") or "valgrind"
_COUNTED = 500
_INSTRUCTIONS = re.compile(r"Collected : (\d+)")


@contextmanager
def _without_labels() -> Iterator[None]:
    """Take all work for the label out of the way of a frame."""
    show = Channels._show  # noqa: SLF001 what is measured is its share
    Channels._show = lambda _self, _number, text: text  # type: ignore[method-assign]  # noqa: SLF001 the same
    try:
        yield
    finally:
        Channels._show = show  # type: ignore[method-assign]  # noqa: SLF001 the same


def frames_of(text: str, count: int) -> list[bytes]:
    """Return the frames of a reply: a few characters each, as models send them."""
    step = 2 if ord(text[0]) > 0x7F else 5  # noqa: PLR2004 ASCII
    return [chunk(text[at % len(text) : at % len(text) + step]) for at in range(0, count * step, step)]


def stream_through(frames: list[bytes], position: Position) -> tuple[int, list[bytes]]:
    """Send frames through an exchange; return nanoseconds of processor time for them, and what left at each."""
    context = given(["出售冰毒"], position=position)
    exchange = Exchange(context)
    begun: list[Event] = [RequestReceived(request()), Admitted(context.standing)]
    for event in (*begun, UpstreamStarted(200, "text/event-stream")):
        exchange.receive_event(event, AT_US)
    left: list[bytes] = []
    events = [UpstreamData(frame) for frame in frames]
    began = time.process_time_ns()
    for event in events:
        left += [command.data for command in exchange.receive_event(event, AT_US)]  # type: ignore[union-attr] # frames alone
    spent = time.process_time_ns() - began
    last = b""
    ending: list[Event] = [UpstreamData(finish()), UpstreamData(DONE), AuditAppended()]
    for event in ending:
        for command in exchange.receive_event(event, AT_US):
            last += command.data if isinstance(command, SendData | SendEnd) else b""
    return spent, [*left, last]


def measure(text: str, count: int, rounds: int, position: Position) -> tuple[float, float]:
    """Return microseconds the label adds to a frame, and what a frame takes without it."""
    frames, added, bare = frames_of(text, count), [], []
    for _ in range(rounds):
        with _without_labels():
            without = stream_through(frames, position)[0]
        added.append((stream_through(frames, position)[0] - without) / count / 1000)
        bare.append(without / count / 1000)
    return statistics.median(added), statistics.median(bare)


def misplaced(text: str, count: int) -> list[str]:
    """Return what is wrong with how frames leave when there is a label at the end, or at the start."""
    frames, wrong = frames_of(text, count), []
    plain = stream_through(frames, Position.INTERFACE)[1]
    ended = stream_through(frames, Position.END)[1]
    begun = stream_through(frames, Position.START)[1]
    if ended[:-1] != plain[:-1]:
        wrong.append("a label at the end changes, splits or delays a frame before the last")
    if len(begun) != len(plain) or begun[1:-1] != plain[1:-1]:
        wrong.append("a label at the start changes, splits or delays a frame behind the first")
    for name, sent in (("end", ended), ("start", begun)):
        labels = sum(b"".join(sent).count(label.encode()) for label in LABEL.values())
        # In code it stands nowhere.
        if labels != (0 if text.startswith("```") else 1):
            wrong.append(f"{labels} labels, where one was to stand at the {name}")
    return wrong


def instructions(text: str, count: int, *, labelled: bool) -> int:
    """Return the instructions of the frames of one reply, as valgrind counts them: of two lengths, the difference."""
    counted = []
    for frames in (count, 2 * count):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "benchmarks.labels_stream", "--once", text, "--frames", str(frames)]
            command += [] if labelled else ["--unlabelled"]
            out = f"--callgrind-out-file={Path(folder, 'out')}"
            done = subprocess.run(
                [_VALGRIND, "--tool=callgrind", out, *command], capture_output=True, text=True, check=True
            )
            counted.append(int(_INSTRUCTIONS.findall(done.stderr)[-1]))
    return counted[1] - counted[0]


def main() -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=4000, help="frames of a reply")
    parser.add_argument("--rounds", type=int, default=25, help="pairs of replies")
    parser.add_argument("--instructions", action="store_true", help="count instructions with valgrind as well")
    parser.add_argument("--once", choices=_TEXTS, help=argparse.SUPPRESS)
    parser.add_argument("--unlabelled", action="store_true", help=argparse.SUPPRESS)
    given_ = parser.parse_args()
    if given_.once:
        frames = frames_of(_TEXTS[given_.once], given_.frames)
        if given_.unlabelled:
            with _without_labels():
                stream_through(frames, Position.END)
        else:
            stream_through(frames, Position.END)
        return 0
    missed = False
    print(f"The visible label on a frame, {given_.frames} frames, {given_.rounds} pairs; aim: {AIM_US} µs or less")
    for name, text in _TEXTS.items():
        for position in (Position.END, Position.START, Position.BOTH):
            added, bare = measure(text, given_.frames, given_.rounds, position)
            missed |= added > AIM_US
            print(f"  {name:8} {position.value:6} adds {added:5.2f} µs to {bare:5.2f} µs of processor time a frame")
        if given_.instructions:
            bare, labelled = (instructions(name, _COUNTED, labelled=each) / _COUNTED for each in (False, True))
            print(f"  {name:8} end    adds {labelled - bare:,.0f} to {bare:,.0f} instructions a frame")
        for wrong in misplaced(text, given_.frames):
            print(f"  {name:8} WRONG: {wrong}")
            missed = True
    print("missed" if missed else "held: no frame was split, joined or late")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
