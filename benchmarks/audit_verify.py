"""Measures how long verifying an audit trail takes: entries of a usual size, one log, checkpoints as in service.

    python -m benchmarks.audit_verify --entries 1000000

Prints CPU time per entry of writing the log, tree and checkpoints included, and of verifying it, by one process.
"""

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path

from gateway.audit.entry import encode_exchange
from gateway.audit.verification.anchored import Anchors
from gateway.audit.verification.report import LogReport
from gateway.audit.verification.trail import plan
from gateway.audit.writer import LogWriter
from gateway.cli.audit_options import progress_bar
from tests.gateway.audit.builders import SIGNER, checkpointing, exchange

_BATCH_ENTRIES = 2000  # 50 ms at 40,000 entries a second


def main() -> None:
    """Write a trail, verify it, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--directory", type=Path, default=None, help="where to write; a temporary one otherwise")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as folder:
        trail = Path(folder) / "audit"
        writing_us = _write(trail, arguments.entries)
        size = sum(path.stat().st_size for path in trail.rglob("*.seg"))
        began_cpu, began = time.process_time(), time.perf_counter()
        report = _verified(trail)
        cpu, wall = time.process_time() - began_cpu, time.perf_counter() - began
        if not report.good or report.entries != arguments.entries:
            raise SystemExit(f"verifying found problems: {report.problems}")
    count = arguments.entries
    print(f"{count} entries, {size / count:.0f} bytes each with their line, {report.checkpoints} checkpoints")
    print(f"written in {writing_us:.1f} µs of CPU each")
    print(f"verified in {cpu:.1f} s of CPU, {wall:.1f} s; {cpu / count * 1e6:.2f} µs each")


def _verified(trail: Path) -> LogReport:
    (work,) = plan(trail, [SIGNER.public], Anchors([SIGNER.public], []))
    with progress_bar() as bar:
        task = bar.add_task("verifying", total=work.total_bytes)
        return work.run(partial(bar.advance, task))


def _write(trail: Path, count: int) -> float:
    writer = LogWriter(trail, checkpointing=checkpointing(5.0))
    spent = 0.0
    for first in range(0, count, _BATCH_ENTRIES):
        last = min(first + _BATCH_ENTRIES, count)
        ids = [f"{number:032x}" for number in range(first, last)]
        batch = [encode_exchange(exchange(request_id=each, produce_id=each)) for each in ids]
        began = time.process_time()
        writer.append_batch(batch)
        writer.checkpoint_if_due()
        spent += time.process_time() - began
    writer.close()
    return spent / count * 1e6


if __name__ == "__main__":
    main()
