"""Tests of exports: they verify, whole and in part, as a folder and as an archive."""

import zipfile
from pathlib import Path

import pytest

from gateway.audit import segment
from gateway.audit.export import ArchiveTarget, FolderTarget, export_log
from gateway.audit.log_range import LogRange, find_range
from gateway.audit.segment import CorruptLogError, segment_paths
from tests.gateway.audit.builders import SIGNER
from tests.gateway.audit.trails import entry, lines_of, verified, write_trail


def _part(log: Path, first: int = 0) -> LogRange:
    part = find_range(log)
    assert part is not None
    return part._replace(first=first)


@pytest.mark.parametrize("first", [0, 1, 25, 59])
def test_export_verifies(tmp_path: Path, first: int) -> None:
    """Folder and archive hold the entries, and both verify."""
    log = write_trail(tmp_path / "audit")
    export_log(log, _part(log, first), SIGNER.public, FolderTarget(tmp_path / "folder"))
    assert (tmp_path / "folder" / "entries.ndjson").read_bytes().split(b"\n")[:-1] == [
        entry(number) for number in range(first, 60)
    ]
    with zipfile.ZipFile(tmp_path / "export.zip", "x") as archive:
        export_log(log, _part(log, first), SIGNER.public, ArchiveTarget(archive), "folder/")
    for path in (tmp_path / "folder", tmp_path / "export.zip"):
        report = verified(path)[0]
        assert (report.first, report.entries, report.covered) == (first, 60 - first, 60)
    assert verified(tmp_path / "folder")[0].good


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """An export that is there already stays as it is."""
    log = write_trail(tmp_path / "audit")
    export_log(log, _part(log), SIGNER.public, FolderTarget(tmp_path / "folder"))
    with pytest.raises(FileExistsError):
        export_log(log, _part(log), SIGNER.public, FolderTarget(tmp_path / "folder"))


def test_changed_log_is_not_exported(tmp_path: Path) -> None:
    """What would not verify is not handed over as if it did: no checkpoint is written."""
    log = write_trail(tmp_path / "audit")
    path = segment_paths(log)[0]
    lines = lines_of(path)
    lines[1] = segment.frame(entry(999))
    path.write_bytes(b"".join(lines))
    with pytest.raises(CorruptLogError, match="not those of its checkpoint"):
        export_log(log, _part(log), SIGNER.public, FolderTarget(tmp_path / "folder"))
    assert not (tmp_path / "folder" / "checkpoint").exists()
