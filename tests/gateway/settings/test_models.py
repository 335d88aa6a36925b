"""Bounds and cross-checks of the sections."""

import pytest
from pydantic import ValidationError

from gateway.settings.models import Lists, Server, Settings, Store, Upstream

PLAIN = {"name": "local", "base_url": "http://127.0.0.1:8000/v1"}


def test_defaults_listen_on_loopback_alone() -> None:
    """Nothing is reachable from other machines until an operator says so."""
    server = Settings().server
    assert (server.host, server.port) == ("127.0.0.1", 8080)
    assert (server.admin_host, server.admin_port) == ("127.0.0.1", 9090)


def test_defaults_name_no_upstream_and_believe_no_proxy() -> None:
    """There is no model server and no trusted proxy to guess."""
    assert Settings().upstreams == ()
    assert Settings().server.trusted_proxies == ()


@pytest.mark.parametrize("given", [{"port": 0}, {"port": 65536}, {"body_limit_bytes": 1023}, {"drain_seconds": -1}])
def test_server_values_out_of_bounds_are_refused(given: dict[str, int]) -> None:
    """Every number has bounds."""
    with pytest.raises(ValidationError):
        Server.model_validate(given)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Asia", "../etc/passwd", "", "/etc/localtime"])
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    """Terms must not expire by a clock that nobody chose."""
    with pytest.raises(ValidationError, match="is no time zone"):
        Lists(timezone=zone)


def test_lists_expire_by_beijing_time() -> None:
    """The days of filings and of official lists begin and end there."""
    assert Lists().timezone == "Asia/Shanghai"


def test_the_planes_need_listeners_of_their_own() -> None:
    """One address and port cannot serve clients and administrators."""
    with pytest.raises(ValidationError, match="same address and port"):
        Server(port=9090)


def test_trusted_proxies_are_networks() -> None:
    """A network with host bits is a slip and not silently widened."""
    assert str(Server.model_validate({"trusted_proxies": ["10.0.0.0/8"]}).trusted_proxies[0]) == "10.0.0.0/8"
    with pytest.raises(ValidationError):
        Server.model_validate({"trusted_proxies": ["10.0.0.1/8"]})


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/v1",
        "host:8000/v1",
        "http://",
        "http://host/v1?x=1",
        "http://host/v1#x",
        "http://key@host/v1",
        "http://[::1/v1",
        "http://host:99999/v1",
        "http://host:0/v1",
        "http://host/v 1",
    ],
)
def test_an_address_that_cannot_be_called_is_refused(url: str) -> None:
    """A wrong address is an error at the start, not at the first request."""
    with pytest.raises(ValidationError):
        Upstream(name="local", base_url=url)


def test_a_trailing_slash_is_no_part_of_an_address() -> None:
    """Paths are appended, so the address ends without a slash."""
    assert Upstream(name="local", base_url="https://[::1]:8000/v1/").base_url == "https://[::1]:8000/v1"


@pytest.mark.parametrize("name", ["sk-live-123", "abc", "A B", "1A", ""])
def test_what_looks_like_a_key_is_no_variable_name(name: str) -> None:
    """A key written where its variable's name belongs is refused."""
    with pytest.raises(ValidationError):
        Upstream.model_validate(PLAIN | {"api_key_env": name})


def test_a_key_comes_from_one_place() -> None:
    """A variable and a file at once would leave open which one counts."""
    with pytest.raises(ValidationError, match="both api_key_env and api_key_file"):
        Upstream.model_validate(PLAIN | {"api_key_env": "KEY", "api_key_file": "key"})


def test_upstreams_have_names_of_their_own() -> None:
    """Several are taken; one name for two would add up in the metrics what only one of them does."""
    assert len(Settings.model_validate({"upstreams": [PLAIN, PLAIN | {"name": "other"}]}).upstreams) == 2
    with pytest.raises(ValidationError, match="the same name"):
        Settings.model_validate({"upstreams": [PLAIN, PLAIN]})


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ([], {}),
        (["a", "b"], {"a": "a", "b": "b"}),
        ({"fast": "org/qwen-8b"}, {"fast": "org/qwen-8b"}),
    ],
)
def test_models_are_a_list_or_a_table(models: object, expected: dict[str, str]) -> None:
    """A list is a table of each name to itself."""
    assert Upstream.model_validate(PLAIN | {"models": models}).models == expected


@pytest.mark.parametrize("models", ["a", 1, ["a", 1], {"a": 1}, [""], {"": "a"}, ["m" * 257]])
def test_models_of_another_form_are_refused(models: object) -> None:
    """A single name is no list of its letters."""
    with pytest.raises(ValidationError):
        Upstream.model_validate(PLAIN | {"models": models})


@pytest.mark.parametrize("origin", ["*", "https://chat.example", "http://localhost:3000", "http://[::1]:8080"])
def test_origins_are_taken(origin: str) -> None:
    """As browsers write them."""
    assert Server.model_validate({"cors_origins": [origin]}).cors_origins == (origin,)


@pytest.mark.parametrize("origin", ["chat.example", "https://chat.example/", "https://Chat.example", "null", ""])
def test_what_no_browser_sends_is_no_origin(origin: str) -> None:
    """It would never match, and nobody would see why."""
    with pytest.raises(ValidationError, match="no origin"):
        Server.model_validate({"cors_origins": [origin]})


@pytest.mark.parametrize("url", ["mysql://host/db", "postgresql://host/db", "var/sluice.db"])
def test_only_stores_sluice_speaks_to_are_taken(url: str) -> None:
    """SQLite, and PostgreSQL through psycopg."""
    with pytest.raises(ValidationError):
        Store(url=url)


def test_lists_cannot_all_be_switched_off() -> None:
    """Without any list everything would pass as allowed."""
    with pytest.raises(ValidationError, match="no keyword list at all"):
        Lists(shipped=False)
    assert Lists.model_validate({"shipped": False, "directories": ["own"]}).shipped is False


def test_the_default_policy_always_exists() -> None:
    """Accounts without a policy of their own are never without one."""
    assert set(Settings().policies.named) == {"default"}
    assert set(Settings.model_validate({"policies": {"strict": {}}}).policies.named) == {"default", "strict"}
