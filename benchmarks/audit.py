"""The cost of the audit trail: on the request path, in the writer, and on disk.

Run from the root of the repository::

    python -m benchmarks.audit                        # half a minute
    python -m benchmarks.audit --entries 1000000      # the writer for longer

How long verifying takes is measured by `benchmarks.audit_verify`.
"""

import argparse
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import sqlalchemy
from rich.console import Console
from rich.progress import Progress

from benchmarks.report import engine_machine_lines, write_section
from filters.findings import Phase
from gateway.audit import segment
from gateway.audit.content.sealer import Sealer
from gateway.audit.content.secrets import KEY_BYTES, MasterKeys
from gateway.audit.content.store import ContentKeyStore
from gateway.audit.content.writer import ContentWriter
from gateway.audit.entry import encode_exchange
from gateway.audit.spool import Spool, SpoolLimits
from gateway.audit.writer import LogWriter
from gateway.protocol.buffered import Texts
from gateway.protocol.judge import Judge
from gateway.protocol.record import Added, Latency
from gateway.protocol.recording import Recording
from tests.gateway.audit.builders import FINDING, checkpointing, exchange
from tests.gateway.protocol.playbook import given, request

_ROUNDS = 5
_PATH_ENTRIES = 20_000
_PEOPLE = 100
_UNDER_WAY = 100  # exchanges at once; far more would measure how long their memory takes to come
_AT_US = 1_795_316_941_000_000
_CONTEXT = given()
_BATCH_ENTRIES = 2_000  # 50 ms at 40,000 entries a second
_LIMITS = SpoolLimits(entries=10**9, entries_bytes=10**12)


class RequestPath(NamedTuple):
    """Microseconds of the event loop's processor time an entry.

    Attributes:
        making: the record and the evidence, of an exchange's notes.
        sealing: pseudonym and salted digests.
        writing: the entry's bytes, and their place in the spool.
    """

    making: float
    sealing: float
    writing: float

    @property
    def whole(self) -> float:
        """All of it."""
        return sum(self)


class Writing(NamedTuple):
    """What the writer did.

    Attributes:
        per_second: entries written, tree and checkpoints included, each batch synced.
        cpu_us: processor time of the writing thread per entry.
        disk_bytes: bytes on disk per entry, everything in the log's directory counted.
    """

    per_second: float
    cpu_us: float
    disk_bytes: float


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=200_000, help="entries a round of the writer")
    parser.add_argument("--directory", type=Path, help="a directory on the disk to be measured")
    parser.add_argument("--write", type=Path, help="Markdown file whose section is written anew")
    arguments = parser.parse_args()
    # As a gateway does once it has started (`gateway.lifecycle`).
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    paths, writings = [], []
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        for _ in progress.track(range(_ROUNDS), description="audit trail"):
            with tempfile.TemporaryDirectory(dir=arguments.directory) as folder:
                paths.append(_request_path(Path(folder)))
            with tempfile.TemporaryDirectory(dir=arguments.directory) as folder:
                writings.append(_write(Path(folder), arguments.entries))
    report = _report(paths, writings, arguments.entries)
    print(report)
    if arguments.write is not None:
        machine = engine_machine_lines(" ".join(["python -m benchmarks.audit", *sys.argv[1:]]), ["orjson"])
        write_section(arguments.write, "audit", f"{report}\n\n{machine}", writer="audit")


def _request_path(folder: Path) -> RequestPath:
    """Measure what the event loop does for an entry, from an exchange's notes to the place in the spool."""
    spool = Spool(LogWriter(folder), _LIMITS)
    sealer = Sealer(MasterKeys([b"k" * KEY_BYTES]), _idle_content_writer())
    making = sealing = writing = 0.0
    for first in range(0, _PATH_ENTRIES, _UNDER_WAY):
        recordings = [_recording(number) for number in range(first, first + _UNDER_WAY)]
        began = time.thread_time()
        made = [(each.make(_AT_US + 900_412, None, None), each.witness.testify()) for each in recordings]
        made_at = time.thread_time()
        sealed = [sealer.seal(record, evidence) for record, evidence in made]
        sealed_at = time.thread_time()
        for (record, _), each in zip(made, sealed, strict=True):
            spool.put(encode_exchange(record, Added(*each, Latency(212, 1433, 897_310, 211_870, 245))))
        ended = time.thread_time()
        making, sealing, writing = (
            making + made_at - began,
            sealing + sealed_at - made_at,
            writing + ended - sealed_at,
        )
        spool.flush()
    spool.close()
    return RequestPath(*(seconds / _PATH_ENTRIES * 1e6 for seconds in (making, sealing, writing)))


def _recording(number: int) -> Recording:
    """Return the notes of a clean exchange that is over, as the protocol core takes them."""
    request_id = f"{number:032x}"
    context = replace(_CONTEXT, request_id=request_id, account=f"acc-{number % _PEOPLE:016x}")
    recording = Recording(context, Judge(context.standing.policy, observe=False))
    recording.take_request(context.dialect.parse_request(request(user=f"person-{number % _PEOPLE}")))
    for phase in Phase:
        recording.take_texts(phase, Texts((), 1234))
        recording.witness.hear(phase, ["text"])
    recording.started_at_us, recording.produce_id, recording.upstream = _AT_US, request_id, "local"
    return recording


def _idle_content_writer() -> ContentWriter:
    """Return a writer that takes keys and is never started: another thread's work is not measured here."""
    store = ContentKeyStore(sqlalchemy.create_engine("sqlite://"), MasterKeys([b"k" * KEY_BYTES]))
    return ContentWriter(store, lambda _entries: None, lambda _entry: None, retention_days=1)


def _write(folder: Path, count: int) -> Writing:
    writer = LogWriter(folder, checkpointing=checkpointing(5.0))
    spool = Spool(writer, _LIMITS)
    wall = cpu = 0.0
    for first in range(0, count, _BATCH_ENTRIES):
        for number in range(first, min(first + _BATCH_ENTRIES, count)):
            request_id = f"{number:032x}"
            spool.put(encode_exchange(exchange(request_id=request_id, produce_id=request_id)))
        began, began_cpu = time.perf_counter(), time.thread_time()
        spool.flush()
        writer.checkpoint_if_due()
        wall, cpu = wall + time.perf_counter() - began, cpu + time.thread_time() - began_cpu
    spool.close()
    stored = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Writing(count / wall, cpu / count * 1e6, stored / count)


def _report(paths: Sequence[RequestPath], writings: Sequence[Writing], count: int) -> str:
    clean = len(segment.frame(encode_exchange(exchange())))
    finding = len(segment.frame(encode_exchange(exchange(findings=(FINDING,))))) - clean
    rates, cpu = [each.per_second for each in writings], [each.cpu_us for each in writings]
    rows = (
        ("CPU on the request path, all of it", f"{_spread([each.whole for each in paths])} µs an entry", "15 µs"),
        ("– record and evidence", f"{_spread([each.making for each in paths])} µs", "–"),
        ("– pseudonym and salted digests", f"{_spread([each.sealing for each in paths])} µs", "–"),
        ("– entry and spool", f"{_spread([each.writing for each in paths])} µs", "–"),
        ("writer, with tree and checkpoints, each batch synced", f"{_spread(rates, 0)} entries/s", "40,000/s"),
        ("the writer's own CPU", f"{_spread(cpu)} µs an entry", "–"),
        (
            "on disk, clean exchange, all files",
            f"{statistics.median(each.disk_bytes for each in writings):.0f} B",
            "400 B",
        ),
        ("a finding more", f"{finding} B", "–"),
    )
    return "\n".join(
        [
            "### Cost of the audit trail",
            "",
            f"{_ROUNDS} rounds of {count} entries in batches of {_BATCH_ENTRIES}; median (least–most).",
            f"The request path: clean exchanges without content, {_UNDER_WAY} at once, of {_PEOPLE} people. The",
            "making of their keys is in it; the plain digest of the texts, which grows with them, is not. Other work",
            "shared the machine.",
            "",
            "| figure | value | aim |",
            "|---|---|---|",
            *(f"| {name} | {value} | {aim} |" for name, value, aim in rows),
        ]
    )


def _spread(values: Sequence[float], digits: int = 1) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


if __name__ == "__main__":
    main()
