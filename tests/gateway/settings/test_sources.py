"""Where settings come from, and which source a value is traced to."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import SettingsError
from gateway.settings.sources import FILE_LIMIT_BYTES, Origins, merge, read_environment, read_file

TREES = st.recursive(
    st.dictionaries(st.sampled_from("abc"), st.integers()),
    lambda inner: st.dictionaries(st.sampled_from("abc"), st.integers() | inner),
    max_leaves=8,
)


def _message(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        read_file(path)
    return str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The path and the system's reason stand in the message."""
    assert _message(tmp_path / "none.toml").startswith(f"{tmp_path}/none.toml: cannot be read (No such file")


def test_a_directory_is_no_settings_file(tmp_path: Path) -> None:
    """A path that leads to a directory is an error like any other."""
    assert "cannot be read" in _message(tmp_path)


def test_a_syntax_error_names_file_and_line(tmp_path: Path) -> None:
    """The line to correct is told."""
    path = tmp_path / "sluice.toml"
    path.write_text("[server]\nport 8080\n", encoding="utf-8")
    message = _message(path)
    assert message.startswith(f"{path}: is not valid TOML: ")
    assert "line 2" in message


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """Chinese text saved in another encoding is not guessed at."""
    path = tmp_path / "sluice.toml"
    path.write_bytes('a = "中"'.encode("gb18030"))
    assert "is not UTF-8 at byte 5. Save it as UTF-8" in _message(path)


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    """A wrong file does not fill the memory."""
    path = tmp_path / "sluice.toml"
    path.write_bytes(b"#" * (FILE_LIMIT_BYTES + 1))
    assert f"is larger than {FILE_LIMIT_BYTES} bytes" in _message(path)


def test_variables_are_paths_in_capital_letters() -> None:
    """`__` stands between levels; lists and tables are JSON; other variables do not matter."""
    environ = {
        "SLUICE_SERVER__PORT": "81",
        "SLUICE_SERVER__TRUSTED_PROXIES": '["10.0.0.0/8"]',
        "SLUICE_POLICIES__STRICT__REQUEST__KEYWORDS": "block",
        "SLUICE_UPSTREAMS": '[{"name": "local"}]',
        "PATH": "/bin",
    }
    assert read_environment(environ) == {
        "server": {"port": "81", "trusted_proxies": ["10.0.0.0/8"]},
        "policies": {"strict": {"request": {"keywords": "block"}}},
        "upstreams": [{"name": "local"}],
    }


def test_what_is_not_json_stays_text() -> None:
    """The check of the value names the key; decoding does not fail before it."""
    assert read_environment({"SLUICE_LISTS__DIRECTORIES": "own"}) == {"lists": {"directories": "own"}}


def test_a_mistyped_section_in_a_variable_is_an_error() -> None:
    """It would be ignored in silence."""
    with pytest.raises(SettingsError) as caught:
        read_environment({"SLUICE_SERVR__PORT": "81"})
    assert str(caught.value) == "SLUICE_SERVR__PORT: servr: is not a section of the settings. Did you mean server."


def test_variables_of_others_are_left_alone() -> None:
    """Kubernetes sets these for a service called sluice."""
    assert read_environment({"SLUICE_PORT": "tcp://10.0.0.1:80", "SLUICE_SERVICE_HOST": "10.0.0.1"}) == {}


@given(TREES, TREES)
def test_merging_keeps_all_of_the_later_tree(earlier: dict[str, object], later: dict[str, object]) -> None:
    """Later sources win and lose nothing; merging again changes nothing."""
    merged = merge(earlier, later)
    assert merge(merged, later) == merged
    assert merge({}, merged) == merged
    assert set(merged) == set(earlier) | set(later)


def test_a_list_is_taken_as_a_whole() -> None:
    """Half an upstream from the file and half from a variable would be nobody's intent."""
    assert merge({"a": {"b": [1, 2], "c": 1}}, {"a": {"b": [3]}}) == {"a": {"b": [3], "c": 1}}


def test_each_value_is_traced_to_the_source_that_won() -> None:
    """Command line before variable before file before default."""
    environ = {"SLUICE_SERVER__PORT": "2", "SLUICE_AUDIT": '{"directory": "a"}'}
    file = {"server": {"host": "h", "port": 1, "admin_port": 1}}
    origins = Origins(Path("my.toml"), environ, file, read_environment(environ), {"server": {"admin_port": 3}})
    assert origins.origin(("server", "host")) == "my.toml"
    assert origins.origin(("server", "port")) == "SLUICE_SERVER__PORT"
    assert origins.origin(("server", "admin_port")) == "command line"
    assert origins.origin(("audit", "directory")) == "SLUICE_AUDIT"
    assert origins.origin(("store", "url")) == "default"


def test_a_missing_value_belongs_into_the_file() -> None:
    """Without any source the place to look at is the settings file."""
    assert Origins(None, {}, {}, {}, {}).place(("store", "url")) == "sluice.toml"
    assert Origins(Path("my.toml"), {}, {}, {}, {}).place(("store", "url")) == "my.toml"


def test_a_table_is_looked_for_where_its_members_stand() -> None:
    """A wrong table from a variable is not blamed on the file."""
    environ = {"SLUICE_AUDIT__FOO__BAR": "1"}
    origins = Origins(Path("my.toml"), environ, {}, read_environment(environ), {})
    assert origins.place(("audit", "foo")) == "SLUICE_AUDIT__FOO__BAR"
