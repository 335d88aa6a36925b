"""The keyword engine alone: how long it takes to build and to scan, and what it holds in memory.

Run from the root of the repository::

    python -m benchmarks.keywords                                  # a few minutes, report on standard output
    python -m benchmarks.keywords --quick                          # a smoke test; no figures to quote
    python -m benchmarks.keywords --write benchmarks/RESULTS.md    # what is committed

Rules: each set of terms is measured in a process of its own, so that one does not warm or crowd the other; times are
processor time, least and median of several runs; texts are harmless replies as received, and texts made to be dear.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.keyword_texts import (
    Harmless,
    hostile_texts,
    made_up_terms,
    near_miss_terms,
    pieces,
    read_harmless,
    samples_of,
    shipped_terms,
)
from benchmarks.processes import BenchmarkError
from benchmarks.report import engine_machine_lines, write_section
from benchmarks.servers import ROOT
from filters.automata import ReferenceAutomaton, build_finder
from filters.findings import Phase, Term
from filters.keywords import KeywordMatcher
from filters.reading import class_text
from gateway.rulesets.building import give_back_memory

_SETS = {"shipped": "the shipped lists", "10000": "10,000 terms made up", "100000": "100,000 terms made up"}
_DELTA_CHARACTERS = 3
_PROMPT_CHARACTERS = 200
_HOSTILE_PIECE_CHARACTERS = 16
_STREAMS = 1_000
_CHILD_SECONDS = 900
_MEBIBYTE = 2**20


class Extent(NamedTuple):
    """How much is measured.

    Attributes:
        runs: runs of each measurement.
        replies: replies that are read.
    """

    runs: int
    replies: int


FULL = Extent(runs=7, replies=600)
QUICK = Extent(runs=1, replies=30)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Time and memory of the keyword engine on harmless replies and on texts made to be dear.",
        epilog="Run it on a machine that does nothing else. The replies are gzipped JSON lines with text and lang.",
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the report between its markers in this file")
    parser.add_argument(
        "--data", type=Path, default=ROOT / "../shared/data/benign", help="directory of harmless texts"
    )
    parser.add_argument("--quick", action="store_true", help="one run each, to see that it works")
    parser.add_argument("--measure", choices=(*_SETS, "hostile", "automata"), help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Measure, print the report, and write it where asked."""
    arguments = parse_arguments()
    extent = QUICK if arguments.quick else FULL
    try:
        if arguments.measure:
            print(json.dumps(_measure(arguments.measure, read_harmless(arguments.data), extent)))
            return 0
        text = _report(arguments)
    except BenchmarkError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    print(text)
    if arguments.write:
        write_section(arguments.write, "keywords", text, writer="keywords")
    return 0


def _report(arguments: argparse.Namespace) -> str:
    results = {name: _in_child(arguments, name) for name in (*_SETS, "hostile", "automata")}
    command = f"python -m benchmarks.keywords {shlex.join(sys.argv[1:])}".rstrip()
    first = results["shipped"]
    return "\n".join(
        [
            "### Keyword engine",
            "",
            "All folds on; least (median) of several runs, processor time. Memory of an index is the growth of the",
            "resident memory of a fresh process, once what building has freed is given back to the system, as at a",
            "gateway's start.",
            "",
            f"| figure | {' | '.join(_SETS.values())} |",
            f"|---|{'---|' * len(_SETS)}",
            *(f"| {figure} | {' | '.join(results[name][figure] for name in _SETS)} |" for figure in first),
            "",
            "Texts of a mebibyte each; time as a multiple of the ordinary one's, with the terms they nearly say.",
            "",
            f"| text | whole | streamed, {_HOSTILE_PIECE_CHARACTERS} characters a piece |",
            "|---|---|---|",
            *(f"| {text} | {whole} | {streamed} |" for text, (whole, streamed) in results["hostile"].items()),
            "",
            "The automata side by side on the classes of the replies:",
            "",
            "| automaton | build s | ns / character |",
            "|---|---|---|",
            *(f"| {name} | {build} | {scan} |" for name, (build, scan) in results["automata"].items()),
            "",
            engine_machine_lines(command, ("daachorse", "pyahocorasick", "numpy", "rjieba")),
        ]
    )


def _in_child(arguments: argparse.Namespace, name: str) -> dict[str, Any]:
    """Measure one part in a fresh process."""
    print(f"benchmark: {name}", file=sys.stderr)
    command = [sys.executable, "-m", "benchmarks.keywords", "--measure", name, "--data", str(arguments.data)]
    command += ["--quick"] if arguments.quick else []
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, timeout=_CHILD_SECONDS, check=True)
    except subprocess.SubprocessError as error:
        raise BenchmarkError(f"the part {name!r} failed ({type(error).__name__}); see above") from error
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _measure(name: str, harmless: Harmless, extent: Extent) -> dict[str, Any]:
    if name == "hostile":
        return _measure_hostile(harmless, extent)
    if name == "automata":
        return _measure_automata(harmless, extent)
    return _measure_terms(
        shipped_terms() if name == "shipped" else made_up_terms(int(name), harmless.replies), harmless, extent
    )


def _measure_terms(terms: Sequence[Term], harmless: Harmless, extent: Extent) -> dict[str, str]:
    _forget_peak()
    before, started = _resident_bytes(), time.process_time()
    matcher = KeywordMatcher(terms, Phase.RESPONSE)
    build_seconds, peak_bytes = time.process_time() - started, _peak_bytes() - before
    # As a gateway does at its start.
    give_back_memory()
    index_bytes = _resident_bytes() - before
    replies = harmless.replies[: extent.replies]
    characters = sum(map(len, replies))
    prompts = [sample for text in harmless.replies for sample in samples_of(text, _PROMPT_CHARACTERS, 1)]
    prompts = prompts[: extent.replies]
    cut = [pieces(text, _DELTA_CHARACTERS) for text in replies]
    deltas = sum(map(len, cut))
    cold = _times(lambda: [matcher.scan(text) for text in replies], 1)
    found = sum(len(matcher.scan(text)) for text in replies)
    return {
        "terms": f"{len(terms):,}, {sum(len(term.text) for term in terms) / len(terms):.1f} characters on average",
        "build, s": f"{build_seconds:.2f}",
        "index, MB": f"{index_bytes / _MEBIBYTE:.1f}",
        "most while it is built, MB": f"{peak_bytes / _MEBIBYTE:.1f}",
        "whole replies, ns / character": _spread(
            _times(lambda: [matcher.scan(text) for text in replies], extent.runs), characters, 1e9
        ),
        "the same, first time": f"{cold[0] / characters * 1e9:.0f}",
        "findings in 1,000 characters": f"{found / characters * 1000:.2f}",
        f"prompt of {_PROMPT_CHARACTERS} characters, µs": _spread(
            _times(lambda: [matcher.scan(text) for text in prompts], extent.runs), len(prompts), 1e6
        ),
        f"delta of {_DELTA_CHARACTERS} characters with its frontier, µs": _spread(
            _times(lambda: [_stream(matcher, each) for each in cut], extent.runs), deltas, 1e6
        ),
        "held characters on average": f"{sum(_held(matcher, each) for each in cut) / deltas:.2f}",
        f"memory of an open stream, bytes ({_STREAMS:,} in mid-text)": f"{_stream_bytes(matcher, cut):.0f}",
    }


def _measure_hostile(harmless: Harmless, extent: Extent) -> dict[str, tuple[str, str]]:
    matcher = KeywordMatcher((*shipped_terms(), *near_miss_terms()), Phase.RESPONSE)
    seconds: dict[str, tuple[float, float]] = {}
    for name, text in hostile_texts(harmless.replies).items():
        cut = pieces(text, _HOSTILE_PIECE_CHARACTERS)
        whole = min(_times(lambda text=text: matcher.scan(text), min(extent.runs, 3)))  # type: ignore[misc]
        streamed = min(_times(lambda cut=cut: _stream(matcher, cut), 1))  # type: ignore[misc]
        seconds[name] = whole, streamed
    ordinary = next(iter(seconds.values()))
    return {
        name: (f"{whole / ordinary[0]:.2f} ({whole:.3f} s)", f"{streamed / ordinary[1]:.2f} ({streamed:.3f} s)")
        for name, (whole, streamed) in seconds.items()
    }


def _measure_automata(harmless: Harmless, extent: Extent) -> dict[str, tuple[str, str]]:
    texts = [class_text(text) for text in harmless.replies[: extent.replies]]
    characters = sum(map(len, texts))
    terms = made_up_terms(100_000, harmless.replies)
    patterns = list(dict.fromkeys(class_text(term.text) for term in terms if len(term.text) > 1))
    results: dict[str, tuple[str, str]] = {}
    for name, build in (
        ("daachorse", build_finder),
        ("pyahocorasick", lambda words: ReferenceAutomaton(words).find),
    ):
        started = time.process_time()
        find = build(patterns)
        seconds = time.process_time() - started
        runs = _times(lambda find=find: [find(text) for text in texts], extent.runs)  # type: ignore[misc]
        results[name] = f"{seconds:.2f}", _spread(runs, characters, 1e9)
    return results


def _times(work: Callable[[], object], runs: int) -> list[float]:
    seconds = []
    for _ in range(runs):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return seconds


def _spread(seconds: Sequence[float], units: int, scale: float) -> str:
    """Return least and median of a unit's time."""
    return f"{min(seconds) / units * scale:.1f} ({statistics.median(seconds) / units * scale:.1f})"


def _stream(matcher: KeywordMatcher, cut: Sequence[str]) -> int:
    stream, frontiers = matcher.stream(), 0
    for piece in cut:
        stream.feed(piece)
        frontiers += stream.frontier
    stream.finish()
    return frontiers


def _held(matcher: KeywordMatcher, cut: Sequence[str]) -> int:
    stream, held = matcher.stream(), 0
    for piece in cut:
        stream.feed(piece)
        held += stream.pending
    return held


def _stream_bytes(matcher: KeywordMatcher, cut: Sequence[Sequence[str]]) -> float:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    streams = []
    for number in range(_STREAMS):
        stream = matcher.stream()
        reply = cut[number % len(cut)]
        for piece in reply[: len(reply) // 2]:
            stream.feed(piece)
        streams.append(stream)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / len(streams)


def _forget_peak() -> None:
    """Have the system count this process's most resident memory anew."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_bytes() -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().split("\n") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
