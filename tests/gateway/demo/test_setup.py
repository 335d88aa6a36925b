"""What the demonstration starts with."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.accounts.account import AccountKind
from gateway.accounts.keys import key_digest
from gateway.accounts.store import AccountStore
from gateway.demo.setup import PRODUCER, demo_keys, demo_settings

MODEL = "http://127.0.0.1:8000/v1"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file but the test's own."""
    monkeypatch.chdir(tmp_path)


def test_a_demonstration_needs_no_settings() -> None:
    """Everything has a default; the producer is a name that no legal entity bears."""
    settings = demo_settings({}, upstream=MODEL).settings
    assert settings.upstreams[0].base_url == MODEL
    assert settings.labels.content_producer == PRODUCER
    assert (settings.server.port, settings.server.admin_port) == (8080, 9090)


def test_the_operators_own_settings_win(tmp_path: Path) -> None:
    """A file and the environment are left alone, but for the model that is demonstrated."""
    (tmp_path / "sluice.toml").write_text('[labels]\ncontent_producer = "of-the-file"\n[server]\nport = 8181\n')
    settings = demo_settings({"SLUICE_SERVER__ADMIN_PORT": "9191"}, upstream=MODEL).settings
    assert settings.labels.content_producer == "of-the-file"
    assert (settings.server.port, settings.server.admin_port) == (8181, 9191)
    environ = {"SLUICE_LABELS__CONTENT_PRODUCER": "of-the-environment"}
    assert demo_settings(environ, upstream=MODEL).settings.labels.content_producer == "of-the-environment"


def test_ports_of_the_command_line_win(tmp_path: Path) -> None:
    """What was asked for just now counts more than what stands in a file."""
    (tmp_path / "sluice.toml").write_text("[server]\nport = 8181\n")
    settings = demo_settings({}, upstream=MODEL, port=1234, admin_port=1235).settings
    assert (settings.server.port, settings.server.admin_port) == (1234, 1235)


def test_each_kind_has_a_key_and_every_start_a_new_one(store_engine: Engine) -> None:
    """Keys of an earlier start end at once; accounts do not pile up."""
    first, second = demo_keys(store_engine, lambda _changes: None), demo_keys(store_engine, lambda _changes: None)
    assert set(first) == set(second) == set(AccountKind)
    store = AccountStore(store_engine)
    assert len(store.list_all()) == len(AccountKind)
    for kind in AccountKind:
        found = store.find_by_digest(key_digest(second[kind]))
        assert found is not None
        assert found.account.kind is kind
        earlier = store.find_by_digest(key_digest(first[kind]))
        assert earlier is None or earlier.key_expires_at_us is not None


def test_the_unfiltered_account_is_bounded(store_engine: Engine) -> None:
    """It ends within two days, and works on this machine only."""
    demo_keys(store_engine, lambda _changes: None)
    (account,) = [each for each in AccountStore(store_engine).list_all() if each.kind is AccountKind.UNFILTERED]
    assert account.expires_at_us is not None
    assert account.expires_at_us - account.created_at_us <= 2 * 24 * 3600 * 1_000_000
    assert all(network.is_loopback for network in account.allow_from)
