"""`sluice audit verify`: is the trail what was signed?

Exit status: 0 nothing is wrong, 1 something is, or it cannot be read, 2 wrong use.
"""

import json
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from cryptography.x509 import Certificate, load_pem_x509_certificates

from gateway.audit.note import PublicKey
from gateway.audit.verification.anchored import Anchors
from gateway.audit.verification.report import LogReport
from gateway.audit.verification.trail import NoTrailError, missing_logs, plan
from gateway.cli.audit_options import KeyOption, audit_directory, progress_bar, public_keys, trail_failures_reported

_SHOWN_PROBLEMS = 20
_PIECE_BYTES = 1024 * 1024
_TIMEOUT_SECONDS = 60
_MEBIBYTE = 1024 * 1024


def verify(
    trail: Annotated[
        str | None,
        typer.Argument(help="Audit directory, export (folder or zip) or address of a zip; otherwise the settings'."),
    ] = None,
    key: KeyOption = None,
    anchor: Annotated[
        list[Path] | None, typer.Option("--anchor", metavar="FILE", help="Checkpoints kept elsewhere.")
    ] = None,
    tsa_certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Root certificates (PEM) to check time stamps by.")
    ] = None,
    download_limit: Annotated[
        int, typer.Option(metavar="MIB", min=1, help="Largest archive that is fetched from an address.")
    ] = 16 * 1024,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Check every entry, checkpoint and signature, without any server; name everything that is wrong."""
    keys = public_keys(key)
    with trail_failures_reported(), _local(trail, download_limit * _MEBIBYTE) as path:
        anchors = Anchors(keys, _certificates(tsa_certificate))
        for file in anchor or ():
            anchors.read(file)
        reports = _check(path, keys, anchors)
    good = all(report.good for report in reports)
    if as_json:
        typer.echo(json.dumps({"good": good, "logs": [report.as_json() for report in reports]}, indent=2))
    else:
        _print(reports)
    if not good:
        raise typer.Exit(1)


def _check(path: Path, keys: Sequence[PublicKey], anchors: Anchors) -> list[LogReport]:
    try:
        work = plan(path, keys, anchors)
    except NoTrailError as exc:
        raise ValueError(str(exc)) from exc
    reports = []
    with progress_bar() as bar:
        tasks = [bar.add_task(each.name, total=each.total_bytes or 1) for each in work]
        for each, task in zip(work, tasks, strict=True):
            reports.append(each.run(partial(bar.advance, task)))
    reports += missing_logs(path, anchors)
    # What is wrong with the anchors belongs to no log.
    if anchors.report.problems or anchors.report.notices:
        reports.append(anchors.report)
    return reports


def _print(reports: Sequence[LogReport]) -> None:
    for report in reports:
        name = f"log {report.log_id}" if report.log_id else "anchors"
        if report.log_id:
            latest = f", the latest of {report.latest}" if report.latest else ""
            typer.echo(
                f"{name}: {report.entries} entries, {report.checkpoints} checkpoints{latest}"
                + (f", {report.anchors} anchors" if report.anchors else "")
            )
        for notice in report.notices:
            typer.echo(f"  note: {notice}")
        for problem in report.problems[:_SHOWN_PROBLEMS]:
            typer.echo(f"  {problem}", err=True)
        if (more := report.problems_found - _SHOWN_PROBLEMS) > 0:
            typer.echo(f"  and {more} more; --json shows the first thousand", err=True)
    bad = sum(not report.good for report in reports)
    typer.echo(f"NOT GOOD: problems in {bad} of {len(reports)}." if bad else "Good: everything is as it was signed.")


def _certificates(path: Path | None) -> list[Certificate]:
    return load_pem_x509_certificates(path.read_bytes()) if path else []


@contextmanager
def _local(trail: str | None, limit_bytes: int) -> Iterator[Path]:
    """Give the path of what is to be verified, fetched first when it is an address."""
    if trail is None or not trail.startswith(("http://", "https://")):
        yield audit_directory(Path(trail) if trail else None)
        return
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        with urllib.request.urlopen(trail, timeout=_TIMEOUT_SECONDS) as reply:  # noqa: S310 the scheme is checked
            fetched = 0
            while data := reply.read(_PIECE_BYTES):
                fetched += len(data)
                # A server that never ends would fill the disk.
                if fetched > limit_bytes:
                    raise ValueError(f"the archive is over {limit_bytes // _MEBIBYTE} MiB; see --download-limit")
                file.write(data)
        file.flush()
        yield Path(file.name)
