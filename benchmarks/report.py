"""The report: Markdown of what was measured, and its place in a file."""

import os
import platform
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.frame_load import FRAMES_PER_SECOND, STREAMS, FrameResult, FrameRun
from benchmarks.processes import Cores
from benchmarks.request_load import CONNECTIONS, RequestResult, RequestRun
from benchmarks.servers import ROOT, find_program
from benchmarks.soak_load import FRAMES_PER_SECOND as SOAK_FRAMES_PER_SECOND
from benchmarks.soak_load import SoakResult

# Below this share of the asked pace, a server was overrun and its figure says something else.
_PACE_HELD = 0.98
_PERCENT = 100


def machine_lines(cores: Cores, command: str) -> str:
    """Describe machine, versions and command: a number without these is not quoted."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("uvicorn", "uvloop", "httptools"))
    placed = f"servers measured on core {cores.server}, stand-in and load on core {cores.rest}"
    placement = placed if cores.apart else "everything on one core: the figures are not comparable"
    return _machine({"Placement": placement}, f"{packages}, {_nginx_version()}, {_wrk_version()}", command)


def engine_machine_lines(command: str, packages: Sequence[str]) -> str:
    """Describe machine, versions and command of a benchmark that starts no servers."""
    return _machine({}, ", ".join(f"{name} {version(name)}" for name in packages), command)


def _machine(placement: dict[str, str], software: str, command: str) -> str:
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    rows = {
        "Machine": f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}",
        **placement,
        "Software": f"Python {sys.version}, {software}",
        "Commit": _commit(),
        "Command": f"`{command}`",
    }
    return "\n".join(f"- {name}: {value}" for name, value in rows.items())


def request_section(results: Sequence[RequestResult]) -> str:
    """Report processor time per request."""
    lines = [
        "### CPU per request",
        "",
        (
            f"Chat replies that are not streamed, {CONNECTIONS} keep-alive connections; scan, label and audit on."
            f" Median (least–most) of {len(results[0].nginx)} runs each, in turns."
        ),
        "",
        "| reply | server | µs CPU / request | requests / s | p50 ms | p99 ms | ratio, pair by pair |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in results:
        reply = f"{each.prompt.language}, {each.reply_bytes} B"
        lines.append(f"| {reply} | nginx | {_request_cells(each.nginx)} | 1 |")
        lines.append(f"| {reply} | sluice | {_request_cells(each.gateway)} | {_ratios(each.nginx, each.gateway)} |")
        alone = [run._replace(cpu_us=run.alone_us) for run in each.gateway]
        cells = f"{_spread([run.cpu_us for run in alone])} | | | |"
        lines.append(f"| {reply} | sluice, its index process left out | {cells} {_ratios(each.nginx, alone)} |")
        lines.append(f"| {reply} | none (stand-in asked directly) | – | {_load_cells([each.direct])} | – |")
    return "\n".join(lines)


def frame_section(result: FrameResult) -> str:
    """Report processor time per frame."""
    rows = [
        f"| nginx | {_spread([run.cpu_us for run in result.nginx])} | {_pace(result.nginx)} | 1 |",
        (
            f"| sluice | {_spread([run.cpu_us for run in result.gateway])} | {_pace(result.gateway)} |"
            f" {_ratios(result.nginx, result.gateway)} |"
        ),
        f"| none (stand-in asked directly) | – | {_pace([result.direct])} | – |",
    ]
    return "\n".join(
        [
            "### CPU per streamed frame",
            "",
            (
                f"{STREAMS} streams, each asked for a frame every {1000 // FRAMES_PER_SECOND} ms; median (least–most)"
                f" of {len(result.nginx)} runs each, in turns. A figure counts only where the pace was held."
            ),
            "",
            "| server | µs CPU / frame | frames / s of a stream (slowest) | ratio, pair by pair |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def soak_section(result: SoakResult) -> str:
    """Report the soak."""
    tally, mebibyte = result.tally, 2**20
    errors = ", ".join(f"{kind} {count}" for kind, count in sorted(tally.errors.items())) or "none"
    first, direct, bound = result.first_frame_ms, result.direct_first_frame_ms, result.added_bound_ms
    rows = (
        ("streams that ended with label and `[DONE]`", f"{tally.finished}"),
        ("errors, by kind", errors),
        ("most streams at once", f"{tally.most_at_once}"),
        ("frames", f"{tally.frames} ({tally.frames / result.seconds:.0f} / s)"),
        ("one core used", f"{result.core_share * _PERCENT:.0f} %"),
        (
            "resident memory after the first minute → end (highest)",
            (
                f"{result.rss_warm_bytes / mebibyte:.1f} → {result.rss_end_bytes / mebibyte:.1f} MiB"
                f" ({result.rss_most_bytes / mebibyte:.1f}), {result.growth_percent:+.1f} %"
            ),
        ),
        ("time to first frame, p50 / p99, seen by the client", f"{first.p50:.1f} / {first.p99:.1f} ms"),
        ("the same, stand-in asked directly", f"{direct.p50:.1f} / {direct.p99:.1f} ms"),
        ("added to it, as the gateway's own histogram says", f"≤ {bound.p50:g} / ≤ {bound.p99:g} ms"),
    )
    title = (
        f"{result.streams} concurrent streams of {SOAK_FRAMES_PER_SECOND} frames/s, {result.seconds} s, one worker."
    )
    return "\n".join(
        ["### Soak", "", title, "", "| figure | value |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)]
    )


def write_section(path: Path, name: str, text: str, *, writer: str = "main_path") -> None:
    """Put a section between its markers; add both at the end of a file that has none.

    Args:
        path: a Markdown file; made when missing.
        name: of the section.
        text: what stands there from now on.
        writer: the module it comes from.
    """
    begin, end = f"<!-- {name}: begin, written by {writer} -->", f"<!-- {name}: end -->"
    page = path.read_text(encoding="utf-8") if path.exists() else "# Results\n"
    block = f"{begin}\n{text}\n{end}"
    if begin in page and end in page:
        head, _, rest = page.partition(begin)
        page = head + block + rest.partition(end)[2]
    else:
        page = f"{page.rstrip()}\n\n{block}\n"
    path.write_text(page, encoding="utf-8")


def _request_cells(runs: Sequence[RequestRun]) -> str:
    return f"{_spread([run.cpu_us for run in runs])} | {_load_cells(runs)}"


def _load_cells(runs: Sequence[RequestRun]) -> str:
    rate = statistics.median(run.per_second for run in runs)
    times = " | ".join(
        f"{statistics.median(values):.2f}" for values in ([run.p50_ms for run in runs], [run.p99_ms for run in runs])
    )
    return f"{rate:.0f} | {times}"


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"


def _ratios(nginx: Sequence[RequestRun | FrameRun], gateway: Sequence[RequestRun | FrameRun]) -> str:
    return _spread([ours.cpu_us / theirs.cpu_us for theirs, ours in zip(nginx, gateway, strict=True)])


def _pace(runs: Sequence[FrameRun]) -> str:
    median, least = statistics.median(run.pace for run in runs), min(run.pace_least for run in runs)
    held = median >= _PACE_HELD * FRAMES_PER_SECOND
    return f"{median:.1f} ({least:.1f}){'' if held else ' – pace not held'}"


def _commit() -> str:
    def git(*arguments: str) -> str:
        command = [find_program("git", "git"), "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout.strip()

    # Results of its own earlier runs do not make another program of it.
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/RESULTS.md")
    return f"{git('rev-parse', '--short=12', 'HEAD') or 'unknown'}{' with local changes' if changed else ''}"


def _nginx_version() -> str:
    return _first_line("nginx", "nginx-light").removeprefix("nginx version: ").replace("/", " ")


def _wrk_version() -> str:
    return " ".join(_first_line("wrk", "wrk").split()[:2])


def _first_line(program: str, package: str) -> str:
    command = [find_program(program, package), "-v"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    return (done.stdout + done.stderr).splitlines()[0]
