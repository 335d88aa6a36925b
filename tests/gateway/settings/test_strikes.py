"""The settings of the strike rule."""

import pytest

from gateway.settings.loader import load
from gateway.settings.problems import SettingsError
from gateway.settings.strikes import duration_seconds


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1_800), ("24h", 86_400), ("7d", 604_800)])
def test_a_length_of_time_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    """No months, whose length depends on the date."""
    assert duration_seconds(text) == seconds
    assert load(None, {"SLUICE_STRIKES__SUSPEND": text}).settings.strikes.suspend == text


@pytest.mark.parametrize("text", ["", "24", "0h", "1w", "9999d", "-1h"])
def test_a_suspension_has_an_end(text: str) -> None:
    """None that never comes, and none that has come already."""
    with pytest.raises(SettingsError) as caught:
        load(None, {"SLUICE_STRIKES__SUSPEND": text})
    assert "strikes.suspend" in str(caught.value)
    assert "24h" in str(caught.value)


def test_another_form_is_no_length() -> None:
    """The reader does not guess."""
    with pytest.raises(ValueError, match="number and m, h or d"):
        duration_seconds("soon")


def test_a_password_of_redis_stays_out_of_the_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It is taken from the environment, like the store's."""
    file = tmp_path_factory.mktemp("settings") / "sluice.toml"
    file.write_text('[store]\nredis_url = "redis://:hunter2@127.0.0.1/0"\n')
    with pytest.raises(SettingsError) as caught:
        load(file, {})
    assert "SLUICE_STORE__REDIS_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_history_is_kept_for_half_a_year_at_least() -> None:
    """Measures against users stay on record."""
    with pytest.raises(SettingsError, match="article 14"):
        load(None, {"SLUICE_STRIKES__RETENTION_DAYS": "30"})
