"""Trails for tests of verifying, and what verifying says of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.audit.canonical import canonical_json
from gateway.audit.note import PublicKey
from gateway.audit.segment import log_directories, segment_paths
from gateway.audit.verification.anchored import Anchors
from gateway.audit.verification.log import ignore_progress
from gateway.audit.verification.report import Kind, LogReport
from gateway.audit.verification.trail import missing_logs, plan
from gateway.audit.writer import LogWriter
from tests.gateway.audit.builders import SIGNER, checkpointing

KEYS = (SIGNER.public,)
BATCHES, BATCH_ENTRIES = 12, 5


def entry(number: int) -> bytes:
    """Return an entry with a request id."""
    return canonical_json({"v": 2, "type": "exchange", "request_id": f"r{number}", "n": number})


def write_trail(directory: Path, batches: int = BATCHES, segment_bytes: int = 1500, first: int = 0) -> Path:
    """Write a log with a checkpoint after each batch, over several segments; return its directory."""
    writer = LogWriter(directory, segment_bytes=segment_bytes, checkpointing=checkpointing())
    for batch in range(batches):
        number = first + batch * BATCH_ENTRIES
        writer.append_batch([entry(number + each) for each in range(BATCH_ENTRIES)])
        writer.checkpoint_if_due()
    log_directory = directory / writer.log_id
    writer.close()
    return log_directory


def verified(path: Path, keys: Sequence[PublicKey] = KEYS, anchors: Sequence[Path] = ()) -> list[LogReport]:
    """Verify what is under a path."""
    against = Anchors(keys)
    for each in anchors:
        against.read(each)
    reports = [work.run(ignore_progress) for work in plan(path, keys, against)]
    return [*reports, *missing_logs(path, against), against.report]


def kinds(path: Path, keys: Sequence[PublicKey] = KEYS, anchors: Sequence[Path] = ()) -> set[Kind]:
    """Return the kinds of problems verifying finds."""
    return {problem.kind for report in verified(path, keys, anchors) for problem in report.problems}


def only_log(directory: Path) -> Path:
    """Return the one log of a trail."""
    (log_directory,) = log_directories(directory)
    return log_directory


def lines_of(path: Path) -> list[bytes]:
    """Return a file's lines with their line feeds."""
    return path.read_bytes().splitlines(keepends=True)


def segments(directory: Path) -> list[Path]:
    """Return the segments of the one log of a trail."""
    return segment_paths(only_log(directory))


def truth_files(directory: Path) -> list[Path]:
    """Return the files of which every bit counts: segments, history and latest checkpoint."""
    return [
        path for path in sorted(directory.rglob("*")) if path.suffix == ".seg" or path.name.startswith("checkpoint")
    ]


def flip(whole: Mapping[Path, bytes], byte: int, bit: int) -> Path:
    """Flip one bit, counted over all files together; return the file it is in."""
    for path, content in whole.items():
        if byte < len(content):
            flipped = bytearray(content)
            flipped[byte] ^= 1 << bit
            path.write_bytes(flipped)
            return path
        byte -= len(content)
    raise ValueError("there are not so many bytes")
