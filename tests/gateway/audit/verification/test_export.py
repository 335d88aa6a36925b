"""Tests of verifying an export: each of its files changed is named."""

import zipfile
from pathlib import Path

import pytest

from gateway.audit.export import FolderTarget, export_log
from gateway.audit.log_range import find_range
from gateway.audit.verification.report import Kind
from tests.gateway.audit.builders import OTHER_SIGNER, SIGNER
from tests.gateway.audit.trails import entry, kinds, write_trail


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export of the second half of a log."""
    log = write_trail(tmp_path / "audit")
    part = find_range(log)
    assert part is not None
    export_log(log, part._replace(first=25), SIGNER.public, FolderTarget(tmp_path / "export"))
    return tmp_path / "export"


def test_changed_files_are_named(export: Path) -> None:
    """Entries changed, removed, added, reordered or damaged; another key; a checkpoint or a range that is gone."""
    lines = (export / "entries.ndjson").read_bytes().splitlines(keepends=True)
    new = entry(999) + b"\n"
    for name, content, expected in (
        ("entries.ndjson", b"".join([new, *lines[1:]]), Kind.CHANGED),
        ("entries.ndjson", b"".join(lines[:-1]), Kind.MISSING),
        ("entries.ndjson", b"".join([*lines, new]), Kind.INSERTED),
        ("entries.ndjson", b"".join([lines[1], lines[0], *lines[2:]]), Kind.REORDERED),
        ("entries.ndjson", b"".join([*lines[:5], b'{"b": 1}\n', *lines[6:]]), Kind.DAMAGED),
        ("entries.ndjson", b"".join(lines)[:-1], Kind.DAMAGED),
        ("key.pub", OTHER_SIGNER.public.line.encode(), Kind.WRONG_KEY),
        ("key.pub", b"none", Kind.WRONG_KEY),
        ("key.pub", None, Kind.WRONG_KEY),
        ("checkpoint", None, Kind.CHECKPOINT_MISSING),
        ("checkpoint", b"none", Kind.CHECKPOINT_DAMAGED),
        ("range.json", None, Kind.CHANGED),
        ("range.json", b"{}", Kind.DAMAGED),
    ):
        whole = (export / name).read_bytes()
        if content is None:
            (export / name).unlink()
        else:
            (export / name).write_bytes(content)
        assert expected in kinds(export) or (name == "range.json" and kinds(export)), (name, expected)
        (export / name).write_bytes(whole)
    assert not kinds(export)


def test_damaged_archive_is_named(export: Path) -> None:
    """An archive whose content does not unpack is a problem and no crash."""
    path = export.parent / "export.zip"
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as archive:
        for file in export.iterdir():
            archive.write(file, file.name)
    assert not kinds(path)
    data = bytearray(path.read_bytes())
    at = data.index(b"entries.ndjson") + 60
    data[at] ^= 0xFF
    path.write_bytes(data)
    assert kinds(path)
