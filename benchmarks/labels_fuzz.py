"""Damaged and hostile files against the readers of labels: no crash, bounded memory, bounded time.

Run from the root of the repository::

    python -m benchmarks.labels_fuzz                 # 20,000 cases of every format
    python -m benchmarks.labels_fuzz --cases 2000 --seed 7

Each case takes a small labelled file, damages it in one to three ways (bits, lengths, cuts, pieces of other files,
repeated pieces) and reads it; every tenth is labelled and passed on as well. Whatever is raised besides `LabelError`
is a crash.
Exits 1 when there is one, when memory grows by more than ``--limit-mb``, or when a case takes more than
``--limit-seconds`` of processor time.
"""

import argparse
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Literal, NamedTuple

from gateway.labelling.formats import propagate_label, read_file, write_label
from gateway.labelling.members import LabelError
from gateway.labelling.signing import load_signer
from tests.gateway.labelling.certificates import signing_files
from tests.gateway.labelling.pictures import MEMBERS, OTHER, PICTURES
from tests.gateway.labelling.vendor_forms import FILES, MALFORMED, written
from tests.media import SMALL

# What lengths and offsets are wrong by.
_NUMBERS = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
_MARKS = (
    b"AIGC{",
    b"<TC260:AIGC>",
    b"IDAT",
    b"iTXt",
    b"zTXt",
    b"\xff\xe1",
    b"XMP ",
    b"iloc",
    b"iinf",
    b"\x21\xff\x0b",
    b"moov",
    b"TXXX",
    b"RIFF",
    b"OggS",
    b"PK\1\2",
    b"endobj\n",
    b"jumdc2pa",
    b"---\nAIGC:\n",
)


class Outcome(NamedTuple):
    """What came of all cases.

    Attributes:
        verdicts: how many of each; a file of no known format is ``unknown``.
        crashes: what was raised, with the case's number.
        slowest_seconds: processor time of the slowest case.
        grown_mb: memory at its peak above what the first hundred cases needed.
    """

    verdicts: Counter[str]
    crashes: list[str]
    slowest_seconds: float
    grown_mb: float


def seeds(folder: Path) -> list[tuple[str, bytes]]:
    """Return labelled files, files of vendors, and malformed ones, with the end of their names.

    Args:
        folder: where they are made.
    """
    found = []
    for name in (*PICTURES, *SMALL):
        path = PICTURES[name](folder / name) if name in PICTURES else written(folder / name, SMALL[name])
        write_label(path, path, MEMBERS)
        found.append((path.suffix, path.read_bytes()))
    signer = load_signer(*signing_files(folder))
    signed = []
    for name in ("plain.png", "plain.jpg"):
        write_label(folder / name, folder / name, MEMBERS, signer=signer)
        signed.append((Path(name).suffix, (folder / name).read_bytes()))
    # Whole files more often: most of what is malformed already is turned away early. A manifest is read in a process
    # of its own, whose start takes longer than all the rest.
    return found * 4 + signed + [(Path(name).suffix, make()) for name, make in (FILES | MALFORMED).items()]


def damaged(chance: random.Random, data: bytes, others: list[tuple[str, bytes]]) -> bytes:
    """Return a file that was damaged in one to three ways.

    Args:
        chance: draws the ways.
        data: the file.
        others: files to take pieces of.
    """
    body = bytearray(data[: 256 * 1024])
    for _ in range(chance.randint(1, 3)):
        # Heads and tables are what readers believe, so half of the damage is done there.
        span = chance.choice((len(body), min(len(body), 256)))
        chance.choice(_WAYS)(chance, body, chance.randrange(span + 1), chance.choice(others)[1])
    return bytes(body)


def _flip(chance: random.Random, body: bytearray, at: int, _other: bytes) -> None:
    if body:
        body[at % len(body)] ^= 1 << chance.randrange(8)


def _number(chance: random.Random, body: bytearray, at: int, _other: bytes) -> None:
    size = chance.choice((1, 2, 4, 8))
    order: Literal["big", "little"] = chance.choice(("big", "little"))
    body[at : at + size] = (chance.choice(_NUMBERS) % 2 ** (8 * size)).to_bytes(size, order)


def _cut(chance: random.Random, body: bytearray, at: int, _other: bytes) -> None:
    del body[at : at + chance.choice((1, 3, 64, len(body)))]


def _graft(chance: random.Random, body: bytearray, at: int, other: bytes) -> None:
    start = chance.randrange(len(other) + 1)
    body[at:at] = other[start : start + chance.choice((4, 100, 2000))]


def _repeat(chance: random.Random, body: bytearray, at: int, _other: bytes) -> None:
    body[at:at] = body[at : at + chance.choice((8, 64, 512))] * chance.choice((2, 50))


def _mark(chance: random.Random, body: bytearray, at: int, _other: bytes) -> None:
    body[at:at] = chance.choice(_MARKS)


_WAYS = (_flip, _number, _cut, _graft, _repeat, _mark)


def run(cases: int, seed: int, folder: Path) -> Outcome:
    """Read damaged files, and write labels into some.

    Args:
        cases: how many.
        seed: of chance; the same cases come from the same one.
        folder: for the files.
    """
    chance = random.Random(seed)  # noqa: S311 cases, no secrets
    originals = seeds(folder)
    verdicts: Counter[str] = Counter()
    crashes: list[str] = []
    slowest, base = 0.0, _peak_mb()
    for number in range(cases):
        suffix, data = chance.choice(originals)
        path = folder / f"case{suffix}"
        path.write_bytes(damaged(chance, data, originals))
        began = time.process_time()
        try:
            verdicts[_read(path, write=number % 10 == 0)] += 1
        except Exception:  # noqa: BLE001 what is looked for
            crashes.append(f"case {number} of seed {seed}\n{traceback.format_exc()}")
        slowest = max(slowest, time.process_time() - began)
        if number < 100:  # noqa: PLR2004 libraries are loaded and caches filled by then
            base = _peak_mb()
    return Outcome(verdicts, crashes, slowest, _peak_mb() - base)


def _read(path: Path, *, write: bool) -> str:
    try:
        verdict = read_file(path).reading.verdict.value
    except LabelError:
        return "unknown"
    if write:
        try:
            write_label(path, path, MEMBERS)
            propagate_label(path, path, OTHER, "p-1")
        except LabelError:
            return f"{verdict}, not written"
        return f"{verdict}, written"
    return verdict


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Run the cases, print what came of them, and say whether all was well."""
    parser = argparse.ArgumentParser(description="Damaged and hostile files against the readers of labels.")
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit-mb", type=float, default=256.0, help="growth of memory that is allowed")
    parser.add_argument("--limit-seconds", type=float, default=5.0, help="processor time a case may take")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(arguments.cases, arguments.seed, Path(folder))
    for crash in outcome.crashes[:5]:
        print(crash)
    print(f"{arguments.cases} cases, {len(outcome.crashes)} crashes, {dict(outcome.verdicts)}")
    print(f"slowest case {outcome.slowest_seconds:.3f} s of processor time, memory grew by {outcome.grown_mb:.0f} MB")
    grown, slow = outcome.grown_mb > arguments.limit_mb, outcome.slowest_seconds > arguments.limit_seconds
    return int(bool(outcome.crashes) or grown or slow)


if __name__ == "__main__":
    sys.exit(main())
