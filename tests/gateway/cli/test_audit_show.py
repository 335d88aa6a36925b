"""Tests of `sluice audit`."""

import datetime as dt
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from filters.findings import Phase
from gateway.audit.entry import encode_exchange
from gateway.audit.event_forms import EventName
from gateway.audit.events import Event
from gateway.audit.recording import record_event
from gateway.audit.segment import log_directories, segment_paths
from gateway.audit.writer import LogWriter
from gateway.cli.main import app
from gateway.protocol.record import ExchangeRecord
from gateway.settings.models import Audit
from tests.gateway.audit.builders import FINDING, exchange

_NOON_US = 1_795_348_800_000_000  # 2026-11-22T12:00:00Z


def _show(directory: Path, *options: str, columns: int = 250) -> Result:
    environment = {"COLUMNS": str(columns), "SLUICE_AUDIT__DIRECTORY": str(directory)}
    return CliRunner().invoke(app, ["audit", "show", *options], env=environment)


def _ids(directory: Path, *options: str) -> list[str]:
    result = _show(directory, "--json", *options)
    assert result.exit_code == 0, result.output
    return [orjson.loads(line)["request_id"] for line in result.stdout.splitlines()]


def _write(directory: Path, *records: ExchangeRecord) -> None:
    writer = LogWriter(directory)
    writer.append_batch([encode_exchange(record) for record in records])
    writer.close()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An audit directory with two logs: one exchange an hour from noon, alternately."""
    first, second = LogWriter(tmp_path), LogWriter(tmp_path)
    for hour in range(4):
        record = exchange(
            request_id=f"r{hour}",
            started_at_us=_NOON_US + hour * 3_600_000_000,
            decision="block" if hour == 1 else "allow",
        )
        (second if hour % 2 else first).append_batch([encode_exchange(record)])
    first.close()
    second.close()
    return tmp_path


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["r0", "r1", "r2", "r3"]),
        (["--limit", "2"], ["r2", "r3"]),
        (["--request", "r2"], ["r2"]),
        (["--decision", "block"], ["r1"]),
        (["--since", "2026-11-22T13:30:00+00:00"], ["r2", "r3"]),
        (["--since", "2026-11-22T13:30:00Z", "--decision", "block"], []),
    ],
)
def test_entries_of_all_logs_are_shown_newest_last(directory: Path, options: list[str], expected: list[str]) -> None:
    """Entries of every worker are put in order of time; conditions add up; the limit keeps the newest."""
    assert _ids(directory, *options) == expected


@pytest.mark.parametrize(("since", "expected"), [("90m", ["new"]), ("3h", ["old", "new"]), ("1d", ["old", "new"])])
def test_since_takes_a_duration(tmp_path: Path, since: str, expected: list[str]) -> None:
    """A duration reaches back from now."""
    now_us = int(dt.datetime.now(dt.UTC).timestamp() * 1_000_000)
    old = exchange(request_id="old", started_at_us=now_us - 2 * 3_600_000_000)
    _write(tmp_path, old, exchange(request_id="new", started_at_us=now_us))
    assert _ids(tmp_path, "--since", since) == expected


def test_json_is_the_entry_as_it_lies_on_disk(tmp_path: Path) -> None:
    """A program gets the canonical bytes, one entry a line, which it can hash."""
    record = exchange(findings=(FINDING,), decision="block", phase=Phase.REQUEST)
    _write(tmp_path, record)
    assert _show(tmp_path, "--json").stdout_bytes == encode_exchange(record) + b"\n"


def test_table_says_who_what_and_why(tmp_path: Path) -> None:
    """The table has request, account, decision, phase, risks, terms with their counts, status and error."""
    _write(
        tmp_path,
        exchange(findings=(FINDING,), decision="block", phase=Phase.REQUEST, status=400, error="content_filter"),
    )
    row = _show(tmp_path).stdout.splitlines()[3]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[1:] == [
        "0199f0e2c0de7abc8123456789abcdef",
        "acc-0123456789abcdef",
        "block",
        "request",
        "A.1.f",
        "禁词 ×2",
        "400 content_filter",
    ]
    assert dt.datetime.fromisoformat(cells[0]).timestamp() == 1_795_316_941.0


def test_narrow_table_keeps_the_request_id_whole(tmp_path: Path) -> None:
    """On a terminal of eighty columns the id can still be copied."""
    _write(tmp_path, exchange())
    assert "0199f0e2c0de7abc8123456789abcdef" in _show(tmp_path, columns=80).stdout


def test_narrow_table_loses_nothing(tmp_path: Path) -> None:
    """On a terminal of eighty columns, every cell of the wide table is there, and no line is longer."""
    blocked = {"decision": "block", "phase": Phase.REQUEST, "status": 400, "error": "content_filter"}
    _write(tmp_path, exchange(findings=(FINDING,), **blocked))
    shown = _show(tmp_path, columns=80).stdout
    for text in ("acc-0123456789ab", "block", "request", "A.1.f", "禁词 ×2", "400 content_filter", "2026-11-22"):
        assert text in shown
    assert "…" not in shown
    assert all(len(line.rstrip()) <= 80 for line in shown.splitlines())


def test_markup_in_an_entry_is_shown_as_it_is(tmp_path: Path) -> None:
    """A name that looks like terminal markup is not taken for it."""
    _write(tmp_path, exchange(account="[red]acc[/red]"))
    assert "[red]acc[/red]" in _show(tmp_path).stdout
    assert "[red]acc[/red]" in _show(tmp_path, columns=80).stdout


def test_nothing_found_is_no_failure(directory: Path) -> None:
    """No entries that fit: said so, exit status 0, and nothing on the standard output."""
    result = _show(directory, "--request", "unknown")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "No entries" in result.stderr


@pytest.mark.parametrize("since", ["yesterday", "1y", "-5h", "9999999d"])
def test_unreadable_since_is_wrong_use(directory: Path, since: str) -> None:
    """A time that cannot be read exits 2 and says what can."""
    result = _show(directory, f"--since={since}")
    assert result.exit_code == 2
    assert "1h" in result.stderr


def test_missing_directory_is_a_failure(tmp_path: Path) -> None:
    """A directory that is not there exits 1 and says which option names it."""
    result = _show(tmp_path / "absent")
    assert result.exit_code == 1
    assert "--directory" in result.stderr


def test_damaged_log_is_a_failure(tmp_path: Path) -> None:
    """Damage exits 1 and names the file."""
    _write(tmp_path, exchange(request_id="r0"), exchange(request_id="r1"))
    (log_directory,) = log_directories(tmp_path)
    (path,) = segment_paths(log_directory)
    path.write_bytes(path.read_bytes().replace(b'"r0"', b'"rX"'))
    result = _show(tmp_path)
    assert result.exit_code == 1
    assert path.name in result.stderr
    assert "damaged" in result.stderr


def test_events_are_shown_with_the_exchanges(directory: Path) -> None:
    """What changed stands among them by its time, with who did it to what and why; each can be asked for alone."""
    at_us = _NOON_US + 5_400_000_000
    details = {"revision": 3}
    record_event(
        Audit(directory=directory), Event(EventName.ACCOUNTS_DISABLED, "cli:li", at_us, "acc-1", details, "asked to")
    )
    lines = _show(directory).stdout.splitlines()
    (row,) = (number for number, line in enumerate(lines) if "accounts.disabled" in line)
    for text in ("cli:li", "acc-1", "revision 3", "reason asked to"):
        assert text in lines[row]
    assert "r1" in lines[row - 1]
    assert "r2" in lines[row + 1]
    assert _ids(directory, "--type", "exchange") == ["r0", "r1", "r2", "r3"]
    shown = [orjson.loads(line) for line in _show(directory, "--json", "--type", "event").stdout.splitlines()]
    assert {each["event"] for each in shown} == {"accounts.disabled", "audit.key_created"}
    assert orjson.loads(_show(directory, "--json", "--account", "acc-1").stdout)["event"] == "accounts.disabled"
