"""A sample of the damaged files that `benchmarks/labels_fuzz.py` reads by the thousand."""

from pathlib import Path

from benchmarks.labels_fuzz import run


def test_damaged_files_never_crash_a_reader(tmp_path: Path) -> None:
    """And cost no memory to speak of; most are seen to be damaged."""
    outcome = run(300, 20_261_125, tmp_path)
    assert outcome.crashes == []
    assert outcome.grown_mb < 256
    assert outcome.verdicts.total() == 300
    assert outcome.verdicts["broken"] > 30
