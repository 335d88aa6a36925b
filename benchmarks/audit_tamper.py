"""Flips random bits of an audit trail, one at a time, and counts those that verifying does not find; none may be.

    python -m benchmarks.audit_tamper --flips 20000

The trail is small, with several segments and checkpoints, so that headers, signatures and entries are all hit.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

from tests.gateway.audit.trails import flip, kinds, truth_files, write_trail


def main() -> None:
    """Flip, verify, put back; exit with 1 when a flip was not found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311 it has to be the same at every run
    with tempfile.TemporaryDirectory() as folder:
        trail = Path(folder) / "audit"
        write_trail(trail, batches=6, segment_bytes=700)
        if kinds(trail):
            raise SystemExit("the trail is not good before anything was done to it")
        whole = {path: path.read_bytes() for path in truth_files(trail)}
        total = sum(map(len, whole.values()))
        missed, began = 0, time.perf_counter()
        for _ in range(arguments.flips):
            byte, bit = chance.randrange(total), chance.randrange(8)
            path = flip(whole, byte, bit)
            if not kinds(trail):
                missed += 1
                print(f"not found: bit {bit} of byte {byte}, in {path.name}")
            path.write_bytes(whole[path])
    seconds = time.perf_counter() - began
    print(
        f"{arguments.flips} bits of {total} bytes in {len(whole)} files flipped, {missed} not found, {seconds:.0f} s"
    )
    raise SystemExit(missed > 0)


if __name__ == "__main__":
    main()
