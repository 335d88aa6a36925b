"""What is in force, where it comes from, and nothing secret."""

from pathlib import Path

from gateway.settings import load
from gateway.settings.show import effective_settings, render_toml
from tests.settings_files import COMPLETE, load_text

RICH = (
    COMPLETE
    + """
[policies.strict]
request.keywords = "mask"
risks."A.1.f" = {action = "block", answer.zh = "不\\"行"}

[lists]
directories = ["own", "更多"]
"""
)


def test_what_is_shown_can_be_read_back(tmp_path: Path) -> None:
    """The output is TOML that loads to the same settings."""
    loaded = load_text(tmp_path, RICH, {"SLUICE_SERVER__TRUSTED_PROXIES": '["10.0.0.0/8"]'})
    again = tmp_path / "again.toml"
    again.write_text(render_toml(loaded), encoding="utf-8")
    assert load(again, {}).settings == loaded.settings


def test_names_of_models_can_be_read_back(tmp_path: Path) -> None:
    """A table of names is a value of its key, whatever characters the names have."""
    models = 'models = { fast = "org/small", "a.b 大" = "c" }\n[labels]'
    loaded = load_text(tmp_path, COMPLETE.replace("[labels]", models))
    (tmp_path / "again.toml").write_text(render_toml(loaded), encoding="utf-8")
    assert load(tmp_path / "again.toml", {}).settings == loaded.settings
    (row,) = [row for row in effective_settings(loaded) if row.path[-1] == "models"]
    assert row.value == {"fast": "org/small", "a.b 大": "c"}


def test_settings_without_an_upstream_can_be_read_back(tmp_path: Path) -> None:
    """An empty list stands before the first table, where it belongs to none."""
    loaded = load_text(tmp_path, "")
    (tmp_path / "again.toml").write_text(render_toml(loaded), encoding="utf-8")
    assert load(tmp_path / "again.toml", {}).settings == loaded.settings


def test_each_value_is_shown_with_its_source(tmp_path: Path) -> None:
    """File, variable and default are told apart, also inside a list of tables."""
    shown = render_toml(load_text(tmp_path, RICH, {"SLUICE_SERVER__PORT": "81"}))
    assert "port = 81  # SLUICE_SERVER__PORT" in shown
    assert f'name = "local"  # {tmp_path}/sluice.toml' in shown
    assert "idle_seconds = 60.0  # default" in shown
    assert "# api_key_env is not set" in shown


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    """The store's address is shown without it."""
    loaded = load_text(tmp_path, "", {"SLUICE_STORE__URL": "postgresql+psycopg://me:pw@host/db"})
    assert 'url = "postgresql+psycopg://…@host/db"  # SLUICE_STORE__URL' in render_toml(loaded)
    assert all("pw" not in str(row.value) for row in effective_settings(loaded))
