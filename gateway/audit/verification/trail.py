"""Verifies everything under a path: the logs of an audit directory, or those of an export."""

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.audit import segment
from gateway.audit.export_files import ENTRIES_NAME
from gateway.audit.note import PublicKey
from gateway.audit.verification.anchored import Anchors
from gateway.audit.verification.export import ArchiveFiles, Files, FolderFiles, check_export, folders
from gateway.audit.verification.log import LogCheck, Progress
from gateway.audit.verification.marks import Notes
from gateway.audit.verification.report import Kind, LogReport


class NoTrailError(Exception):
    """There is nothing to verify at a path."""


class Work(NamedTuple):
    """One log to be verified.

    Attributes:
        name: what it is called on a progress bar.
        total_bytes: how much will be read.
        run: verifies it.
    """

    name: str
    total_bytes: int
    run: Callable[[Progress], LogReport]


def plan(path: Path, keys: Sequence[PublicKey], anchors: Anchors) -> list[Work]:
    """Find out what there is to verify.

    Args:
        path: an audit directory, one log of it, or an export as a folder or archive.
        keys: keys that sign checkpoints.
        anchors: what to hold it against.

    Raises:
        NoTrailError: there is no trail, or an archive that cannot be read.
        OSError: the path cannot be read.
    """
    if path.is_file():
        try:
            return _export(ArchiveFiles(zipfile.ZipFile(path)), keys, anchors)
        except zipfile.BadZipFile as exc:
            raise NoTrailError(f"{path} is no zip archive ({exc})") from exc
    if not path.is_dir():
        raise NoTrailError(f"there is no {path}")
    # A copy of one log may be named otherwise than a log is; what is in it says what it is.
    directories = _logs(path)
    if not directories and segment.segment_paths(path):
        directories = [path]
    if directories:
        return [_log(directory, keys, anchors) for directory in directories]
    if work := _export(FolderFiles(path), keys, anchors):
        return work
    if anchors.log_ids:
        return []
    raise NoTrailError(f"{path} holds neither logs nor an export")


def missing_logs(path: Path, anchors: Anchors) -> list[LogReport]:
    """Return a report for each log that an anchor knows and an audit directory does not have."""
    directories = _logs(path) if path.is_dir() else []
    # A single log, or an export, is not all there is; nothing is missing from it.
    if not path.is_dir() or (not directories and any(path.iterdir())):
        return []
    reports = []
    for log_id in sorted(anchors.log_ids - {directory.name for directory in directories}):
        report = LogReport(log_id)
        mark = anchors.marks(log_id)[-1]
        what = f"the anchor {mark.file} saw {mark.size} entries at {mark.time}, and the log is not there"
        report.add(Kind.LOG_MISSING, str(path / log_id), what)
        reports.append(report)
    return reports


def _logs(path: Path) -> list[Path]:
    """Return the logs under a path; folders of an export are named alike and hold other files."""
    return [each for each in segment.log_directories(path) if not (each / ENTRIES_NAME).exists()]


def _log(directory: Path, keys: Sequence[PublicKey], anchors: Anchors) -> Work:
    def run(progress: Progress) -> LogReport:
        report = LogReport(directory.name)
        LogCheck(directory, report, Notes(report, keys), anchors.marks(directory.name), progress).run()
        return report

    total = sum(path.stat().st_size for path in segment.segment_paths(directory))
    return Work(directory.name, total, run)


def _export(files: Files, keys: Sequence[PublicKey], anchors: Anchors) -> list[Work]:
    def work(folder: str) -> Work:
        def run(progress: Progress) -> LogReport:
            return check_export(files, folder, keys, anchors, progress)

        return Work(folder or "export", files.size(folder + ENTRIES_NAME), run)

    return [work(folder) for folder in folders(files)]
