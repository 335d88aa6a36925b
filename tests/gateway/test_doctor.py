"""Each check of the doctor finds what is wrong, and says what to do."""

import datetime as dt
import os
from pathlib import Path

import pytest

from filters.taxonomy import load_taxonomy
from gateway.accounts.account import AccountKind
from gateway.accounts.store import AccountStore
from gateway.audit.event_forms import EventName
from gateway.audit.events import Event
from gateway.audit.index import Indexer
from gateway.audit.recording import record_event
from gateway.audit.segment import log_directories, segment_paths
from gateway.audit.writer import LogWriter
from gateway.doctor import (
    Finding,
    Verdict,
    check_audit,
    check_clock,
    check_index,
    check_lists,
    check_port,
    check_program,
    check_store,
    check_upstreams,
    examine,
)
from gateway.rulesets.versions import VersionStore
from gateway.settings import Loaded
from gateway.settings.models import Audit
from gateway.sockets import open_socket
from gateway.storage.engine import open_engine
from gateway.storage.migrate import migrate
from tests.filters.list_rows import list_row
from tests.gateway.audit.builders import entries
from tests.gateways import LOOPBACK, Gateway, reply, scripted
from tests.lists import FEW_TERMS_ENVIRON
from tests.raw_server import Do
from tests.settings_files import COMPLETE, load_text

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
NOW_US = int(NOW.timestamp() * 1_000_000)
DAY_US = 24 * 3600 * 1_000_000
OK, WARNING, FAILED = Verdict.OK, Verdict.WARNING, Verdict.FAILED


def _loaded(folder: Path, text: str = COMPLETE) -> Loaded:
    environ = {
        "SLUICE_STORE__URL": f"sqlite:///{folder / 'store.db'}",
        "SLUICE_AUDIT__DIRECTORY": str(folder / "audit"),
    }
    return load_text(folder, text, environ)


def _verdicts(findings: list[Finding]) -> list[tuple[str, Verdict]]:
    assert all(found.remedy or found.verdict is OK for found in findings)
    return [(found.check, found.verdict) for found in findings]


def test_a_fresh_installation_has_only_warnings(tmp_path: Path, standin_url: str) -> None:
    """Everything is looked at, nothing is made, and nothing fails."""
    path = tmp_path / "sluice.toml"
    with open_socket("127.0.0.1", 0) as first, open_socket("127.0.0.1", 0) as second:
        ports = first.getsockname()[1], second.getsockname()[1]
    own = f"[server]\nport = {ports[0]}\nadmin_port = {ports[1]}\n"
    path.write_text(COMPLETE.replace("http://127.0.0.1:8000", standin_url) + own)
    environ = {
        "SLUICE_STORE__URL": f"sqlite:///{tmp_path / 'store.db'}",
        "SLUICE_AUDIT__DIRECTORY": str(tmp_path / "audit"),
    }
    findings = list(examine(path, environ, NOW))
    assert {found.verdict for found in findings} <= {OK, WARNING}
    assert [found.check for found in findings] == [
        *("program", "clock", "settings", "lists", "lists", "store", "audit", "disk", "upstream local"),
        *("data plane", "management plane"),
    ]
    assert list(tmp_path.iterdir()) == [path]


def test_settings_that_do_not_load_end_the_examination(tmp_path: Path) -> None:
    """Key and remedy are named; what depends on them is not guessed at."""
    (tmp_path / "sluice.toml").write_text("[server]\nport = 0\n")
    *_, last = examine(tmp_path / "sluice.toml", {}, NOW)
    assert (last.check, last.verdict) == ("settings", FAILED)
    assert "server.port" in last.what
    assert last.remedy


def test_settings_that_cannot_serve_fail(tmp_path: Path) -> None:
    """Without producer and model server, and with a rule for no risk, each is said."""
    (tmp_path / "sluice.toml").write_text('[policies.default.risks."A.9"]\naction = "flag"\n')
    environ = {
        "SLUICE_STORE__URL": f"sqlite:///{tmp_path / 'store.db'}",
        "SLUICE_AUDIT__DIRECTORY": str(tmp_path / "audit"),
        **FEW_TERMS_ENVIRON,
    }
    failed = [found for found in examine(tmp_path / "sluice.toml", environ, NOW) if found.check == "settings"]
    assert len(failed) == 3
    assert {found.verdict for found in failed} == {FAILED}


def test_the_program_knows_itself() -> None:
    """Versions for whoever reports a fault."""
    assert check_program().verdict in {OK, WARNING}
    assert "Python 3." in check_program().what


@pytest.mark.parametrize(("year", "verdict"), [(1970, FAILED), (2025, FAILED), (2026, OK)])
def test_a_clock_of_the_past_fails(year: int, verdict: Verdict) -> None:
    """Before this program existed, it cannot be."""
    assert check_clock(NOW.replace(year=year)).verdict is verdict


def test_lists_that_do_not_load_fail(tmp_path: Path) -> None:
    """The first problem is shown."""
    loaded = _loaded(tmp_path, COMPLETE + '[lists]\ndirectories = ["absent"]\n')
    (found,) = check_lists(loaded, NOW)
    assert (found.verdict, "absent" in found.what) == (FAILED, True)


def test_old_lists_are_a_warning(tmp_path: Path) -> None:
    """The operator's own are looked at by the day they changed; few words are a warning, too."""
    directory = tmp_path / "lists"
    directory.mkdir()
    file = directory / "A.1.f.csv"
    header = "term,kind,risk,severity,action,phase,languages,folds_off,source,licence,note,expires"
    file.write_text(f"{header}\n我们自己的词,literal,A.1.f,high,block,both,zh,,own,own,,\n")
    loaded = _loaded(tmp_path, COMPLETE + f'[lists]\nshipped = false\ndirectories = ["{directory}"]\n')
    for days, verdict in ((7, OK), (8, WARNING)):
        at = NOW.timestamp() - days * 86_400
        os.utime(file, (at, at))
        sizes, age = check_lists(loaded, NOW)
        assert (sizes.verdict, age.verdict) == (WARNING, verdict)
        assert f"{days} days" in age.what


def test_a_published_version_is_what_is_looked_at(tmp_path: Path) -> None:
    """Its age is counted from the day it was published, whatever the files of the settings say."""
    loaded = _loaded(tmp_path, COMPLETE + f'[lists]\nversions = "{tmp_path / "versions"}"\n')
    for days, verdict in ((7, OK), (8, WARNING)):
        at_us = int((NOW.timestamp() - days * 86_400) * 1_000_000)
        lists = [[list_row(f"出售某物{days}")]]
        version = VersionStore(loaded.settings.lists.versions).publish(lists, "li", "", at_us)
        sizes, age = check_lists(loaded, NOW)
        assert sizes.what.startswith("1 terms; 17 risk classes")
        assert (age.verdict, age.what) == (verdict, f"version {version.id}: published {days} days ago")


def test_enough_keywords_are_well(tmp_path: Path) -> None:
    """Ten thousand in all and the operator's number in each class that needs them."""
    loaded = _loaded(tmp_path, COMPLETE + f'[lists]\nversions = "{tmp_path / "versions"}"\nminimum_per_risk = 600\n')
    risks = [risk.id for risk in load_taxonomy().risks.values() if risk.keyword_min]
    rows = [list_row(f"词{risk}{number}", risk) for risk in risks for number in range(600)]
    VersionStore(loaded.settings.lists.versions).publish([rows], "li", "", int(NOW.timestamp() * 1_000_000))
    assert _verdicts(list(check_lists(loaded, NOW))) == [("lists", OK), ("lists", OK)]


def test_a_store_that_is_not_there_or_empty_is_a_warning(tmp_path: Path) -> None:
    """The gateway makes it; looking does not."""
    loaded = _loaded(tmp_path)
    assert _verdicts(list(check_store(loaded, NOW))) == [("store", WARNING)]
    assert not (tmp_path / "store.db").exists()
    (tmp_path / "store.db").touch()
    (found,) = check_store(loaded, NOW)
    assert (found.verdict, "migrations" in found.what) == (WARNING, True)


def test_a_store_that_is_none_fails(tmp_path: Path) -> None:
    """A file of something else."""
    (tmp_path / "store.db").write_bytes(b"no database" * 100)
    assert _verdicts(list(check_store(_loaded(tmp_path), NOW))) == [("store", FAILED)]


@pytest.mark.parametrize(
    ("days", "verdict", "said"),
    [(-1, WARNING, "expired on 2026-11-21"), (3, WARNING, "expires on"), (30, OK, "expires on")],
)
def test_unfiltered_accounts_are_watched(tmp_path: Path, days: int, verdict: Verdict, said: str) -> None:
    """Expired ones are to be taken out of service, ending ones replaced; disabled ones are out already."""
    loaded = _loaded(tmp_path)
    migrate(loaded.settings.store.url)
    engine = open_engine(loaded.settings.store.url)
    store = AccountStore(engine)
    for name in ("test", "disabled"):
        ends = NOW_US + days * DAY_US
        store.create(name, AccountKind.UNFILTERED, expires_at_us=ends, allow_from=LOOPBACK, at_us=1)
    store.disable("disabled", at_us=2)
    store.create("user", AccountKind.USER, at_us=1)
    engine.dispose()
    whole, account = check_store(loaded, NOW)
    assert (whole.verdict, "3 accounts" in whole.what) == (OK, True)
    assert (account.verdict, said in account.what) == (verdict, True)


def test_a_good_audit_trail_is_ok(tmp_path: Path) -> None:
    """It can be written, has room, and ends well, also while somebody writes it."""
    writer = LogWriter(tmp_path / "audit")
    writer.append_batch(entries(2))
    findings = list(check_audit(_loaded(tmp_path)))
    writer.close()
    assert [found.check for found in findings] == ["audit", "disk", "audit"]
    assert "1 logs end well" in findings[-1].what


def test_a_damaged_audit_trail_fails(tmp_path: Path) -> None:
    """The file is named."""
    writer = LogWriter(tmp_path / "audit")
    writer.append_batch(entries(2))
    writer.close()
    (path,) = segment_paths(log_directories(tmp_path / "audit")[0])
    path.write_bytes(path.read_bytes().replace(b'"n":0', b'"n":9'))
    last = list(check_audit(_loaded(tmp_path)))[-1]
    assert (last.verdict, path.name in last.what) == (FAILED, True)


def test_an_audit_directory_that_is_a_file_fails(tmp_path: Path) -> None:
    """Nothing could be written there."""
    (tmp_path / "audit").touch()
    assert _verdicts(list(check_audit(_loaded(tmp_path))))[0] == ("audit", FAILED)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(b"200 OK", OK), (b"404 Not Found", WARNING), (b"401 No", FAILED), (b"403 No", FAILED), (b"500 No", FAILED)],
)
def test_a_model_server_is_judged_by_its_answer(tmp_path: Path, status: bytes, verdict: Verdict) -> None:
    """It is asked for its models, with our key."""
    with scripted((Do.READ_REQUEST, reply(b"{}", status=status))) as upstream:
        text = COMPLETE.replace("http://127.0.0.1:8000", upstream.url)
        loaded = _loaded(tmp_path, text.replace("[labels]", 'api_key_env = "KEY"\n[labels]'))
        (found,) = check_upstreams(loaded, {"KEY": "secret"})
        (request,) = upstream.server.requests
    assert found.verdict is verdict
    assert request.startswith(b"GET /v1/models ")
    assert b"authorization: Bearer secret\r\n" in request
    assert "secret" not in found.what + found.remedy


def test_a_model_server_that_is_not_there_fails(tmp_path: Path) -> None:
    """With the address, and what to do."""
    (found,) = check_upstreams(_loaded(tmp_path, COMPLETE.replace(":8000", ":1")), {})
    assert (found.verdict, "127.0.0.1:1" in found.what) == (FAILED, True)


def test_each_model_server_is_asked(tmp_path: Path) -> None:
    """One that is away does not hide what is wrong with the next, and each is named."""
    second = '[[upstreams]]\nname = "second"\nbase_url = "https://127.0.0.1:1/v1"\nca_file = "absent.pem"\n[labels]'
    text = COMPLETE.replace(":8000", ":1").replace("[labels]", second)
    found = list(check_upstreams(_loaded(tmp_path, text), {}))
    assert [(each.check, each.verdict) for each in found] == [("upstream local", FAILED), ("upstream second", FAILED)]
    assert "ca_file" in found[1].what


def test_ports_are_free_ours_or_somebody_elses(shared: Gateway, standin_url: str) -> None:
    """A gateway that runs is no fault; any other server is."""
    with open_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
    assert check_port("data plane", "127.0.0.1", port).verdict is OK
    own = int(shared.url.rpartition(":")[2])
    assert "a gateway listens" in check_port("data plane", "127.0.0.1", own).what
    other = int(standin_url.rpartition(":")[2])
    assert check_port("data plane", "127.0.0.1", other).verdict is FAILED
    assert check_port("data plane", "203.0.113.1", port).verdict is FAILED


def test_little_space_is_said_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below a gibibyte a warning, below 64 mebibytes a failure."""
    for free, verdict in ((2**31, OK), (2**29, WARNING), (2**25, FAILED)):
        usage = type("Usage", (), {"free": free})
        monkeypatch.setattr("shutil.disk_usage", lambda _path, usage=usage: usage)
        assert next(each for each in check_audit(_loaded(tmp_path)) if each.check == "disk").verdict is verdict


@pytest.mark.parametrize(
    ("age_seconds", "verdict", "said"),
    [(30, OK, "up to date"), (600, WARNING, "600 seconds behind"), (None, WARNING, "not there")],
)
def test_an_anchor_that_is_behind_the_checkpoints_is_said(
    tmp_path: Path, age_seconds: int | None, verdict: Verdict, said: str
) -> None:
    """By the time of its file; one that was never written is behind as soon as there is a checkpoint."""
    file = tmp_path / "anchor"
    loaded = _loaded(tmp_path, f'[[audit.anchors]]\nkind = "file"\npath = "{file}"\n')

    def anchor() -> Finding:
        return next(found for found in check_audit(loaded) if found.check == "anchor")

    assert anchor().verdict is OK
    record_event(Audit(directory=tmp_path / "audit"), Event(EventName.ACCOUNTS_DISABLED, "cli:li", 7, "acc-1"))
    (checkpoint,) = (tmp_path / "audit").glob("*/checkpoint")
    if age_seconds is not None:
        file.write_bytes(b"")
        written = checkpoint.stat().st_mtime - age_seconds
        os.utime(file, (written, written))
    assert (anchor().verdict, said in anchor().what) == (verdict, True)


def test_how_far_the_index_is_behind_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Little is as it should be, much is a warning; without a trail or a store there is nothing to say."""
    loaded = _loaded(tmp_path)
    assert list(check_index(loaded)) == []
    record_event(loaded.settings.audit, Event(EventName.ACCOUNTS_DISABLED, "cli:li", 7, "acc-1"))
    assert list(check_index(loaded)) == []
    migrate(loaded.settings.store.url)
    (found,) = check_index(loaded)
    assert (found.verdict, "behind by 0.0 MiB of 1 logs" in found.what) == (OK, True)
    monkeypatch.setattr("gateway.doctor.INDEX_BEHIND_BYTES", 1)
    assert _verdicts(list(check_index(loaded))) == [("audit index", WARNING)]
    engine = open_engine(loaded.settings.store.url)
    Indexer(engine, loaded.settings.audit.directory).index_new()
    engine.dispose()
    (found,) = check_index(loaded)
    assert found.what == "up to date"
