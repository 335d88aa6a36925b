"""Labels in large files: how long one takes, how much memory it holds, and that the rest is what it was.

Run from the root of the repository::

    python -m benchmarks.labels_files                      # two GiB each; two minutes, four GiB of disk
    python -m benchmarks.labels_files --mebibytes 64       # to see that it works

A WAV, an MP4 and a Matroska file of that size are made, mostly of nothing (sparse), with marks spread through them;
each is labelled in a process of its own, whose peak of memory is what the table shows. Then what stands behind the
label is compared byte by byte. Exit status 1 when a byte differs or memory exceeds 200 MiB.
"""

import argparse
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gateway.labelling.formats import read_file, write_label
from gateway.labelling.members import Members, Verdict
from tests.media import PRODUCER, box, chunk, element

_MEBIBYTE = 1024 * 1024
_MOST_MEBIBYTES = 200
_MARK = b"a mark in the samples"
_MARKS = 64


def _sparse(path: Path, head: bytes, size: int, tail: bytes) -> None:
    """Write a head, so many bytes of nothing with marks in them, and a tail."""
    with path.open("wb") as file:
        file.write(head)
        for number in range(_MARKS):
            file.seek(len(head) + number * (size // _MARKS))
            file.write(_MARK)
        file.truncate(len(head) + size)
        file.seek(len(head) + size)
        file.write(tail)


def make_wav(path: Path, size: int) -> None:
    """Write a WAV file of so many bytes of samples, mostly of nothing.

    Args:
        path: the file.
        size: of its samples in bytes.
    """
    form = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, 48_000, 192_000, 4, 16))
    tail = chunk(b"LIST", b"INFOkept")
    head = b"WAVE" + form + b"data" + struct.pack("<I", size)
    _sparse(path, b"RIFF" + struct.pack("<I", len(head) + size + len(tail)) + head, size, tail)


def _mp4(path: Path, size: int) -> None:
    start = box(b"ftyp", b"isom", bytes(4), b"isom")
    count = 100_000

    def movie(place: int) -> bytes:
        places = struct.pack(f">{count}I", *(place + each * (size // count) for each in range(count)))
        table = box(b"stco", bytes(4), struct.pack(">I", count), places)
        return box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", table)))))

    head = start + movie(len(start) + len(movie(0)) + 8)
    _sparse(path, head + struct.pack(">I4s", size + 8, b"mdat"), size, b"")


def _mkv(path: Path, size: int) -> None:
    # Clusters of a mebibyte each, as encoders make them, with nothing in most of each.
    inside = _MEBIBYTE - 64
    block = b"\x1f\x43\xb6\x75" + (inside | 1 << 56).to_bytes(8) + element("e7", b"\0") + element("a3", _MARK)
    block += b"\xec" + ((inside - (len(block) - 12) - 9) | 1 << 56).to_bytes(8)
    step, count = inside + 12, size // _MEBIBYTE
    head = (
        element("1a45dfa3", element("4282", b"matroska")) + b"\x18\x53\x80\x67" + (step * count | 1 << 56).to_bytes(8)
    )
    with path.open("wb") as file:
        file.write(head)
        for number in range(count):
            file.seek(len(head) + number * step)
            file.write(block)
        file.truncate(len(head) + count * step)


_MAKERS: dict[str, Callable[[Path, int], None]] = {"large.wav": make_wav, "large.mp4": _mp4, "large.mkv": _mkv}


def _label(source: Path, target: Path) -> None:
    """Label a file, and print seconds and peak of memory in MiB; runs in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    write_label(source, target, Members.first(PRODUCER, "req-1"))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(time.perf_counter() - started, after / 1024, (after - before) / 1024)


def same_behind(old: Path, new: Path) -> bool:
    """Tell whether the last 99 % of a file are the end of another.

    Args:
        old: the file.
        new: the other.
    """
    size = old.stat().st_size
    compared = size - size // 100
    with old.open("rb") as one, new.open("rb") as other:
        one.seek(size - compared)
        other.seek(new.stat().st_size - compared)
        while block := one.read(8 * _MEBIBYTE):
            if block != other.read(8 * _MEBIBYTE):
                return False
    return True


def _large(size: int, console: Console) -> bool:
    table = Table("file", "MiB", "seconds", "peak MiB", "of it for the label", "rest is the same")
    good = True
    with tempfile.TemporaryDirectory() as name:
        for file, make in _MAKERS.items():
            old, new = Path(name, file), Path(name, f"labelled-{file}")
            make(old, size)
            command = [sys.executable, "-m", "benchmarks.labels_files", "--label", str(old), str(new)]
            shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            seconds, peak, grown = map(float, shown.split())
            same = same_behind(old, new) and read_file(new).reading.verdict is Verdict.IS
            good = good and same and peak < _MOST_MEBIBYTES
            table.add_row(file, f"{size // _MEBIBYTE}", f"{seconds:.1f}", f"{peak:.0f}", f"{grown:.0f}", str(same))
            old.unlink()
            new.unlink()
    console.print(table)
    return good


def main() -> int:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=2040, help="size of each large file")
    parser.add_argument("--label", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.label:
        _label(*options.label)
        return 0
    console = Console()
    return 0 if _large(options.mebibytes * _MEBIBYTE, console) else 1


if __name__ == "__main__":
    sys.exit(main())
