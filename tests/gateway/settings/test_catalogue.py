"""The catalogue has every setting and finds it by the path an operator wrote."""

import pytest

from gateway.settings.catalogue import SETTINGS, TABLES, Setting, find_setting, find_table
from gateway.settings.models import Settings


def test_every_section_is_there() -> None:
    """The walk reaches each section of the models."""
    assert {table.path[0] for table in TABLES if table.path} == set(Settings.model_fields)


def test_a_setting_says_what_it_takes() -> None:
    """Kind, bounds and default are those of the model."""
    port = find_setting(("server", "port"))
    assert port is not None
    assert (port.kind, port.bounds, port.default) == ("whole number", "at least 1, at most 65535", 8080)
    assert not port.required


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (("upstreams", "0", "connect_seconds"), "number"),
        (("upstreams", "0", "api_key_file"), "path"),
        (("lists", "shipped"), "true or false"),
        (("lists", "directories"), "list"),
        (("policies", "strict", "refusal"), '"answer" | "error" | "fixed_answer"'),
        (("policies", "strict", "risks", "A.1.f", "answer"), "table"),
        (("policies", "select", "0", "policy"), "text"),
    ],
)
def test_names_the_operator_chose_lead_to_the_setting(path: tuple[str, ...], kind: str) -> None:
    """Places in a list, policy names and risk ids stand for any."""
    setting = find_setting(path)
    assert setting is not None
    assert setting.kind == kind


@pytest.mark.parametrize("path", [(), ("server",), ("server", "prot"), ("server", "port", "x")])
def test_what_is_no_setting_is_not_found(path: tuple[str, ...]) -> None:
    """Tables and unknown keys are no settings."""
    assert find_setting(path) is None


def test_a_table_knows_its_members() -> None:
    """Keys and tables alike, for suggestions."""
    table = find_table(("policies", "strict"))
    assert table is not None
    assert table.members[:2] == ("base", "refusal")
    assert table.members[-3:] == ("request", "response", "risks")
    assert find_table(("polices",)) is None


def test_required_and_hidden_settings_are_marked() -> None:
    """Name and address of an upstream, what an anchor is, when a review is; what may hold a key is not shown."""
    assert {setting.path for setting in SETTINGS if setting.required} == {
        ("upstreams", "*", "name"),
        ("upstreams", "*", "base_url"),
        ("policies", "select", "*", "policy"),
        ("audit", "anchors", "*", "kind"),
        ("classifiers", "*", "name"),
        *(("reviews", "*", name) for name in ("name", "begins", "ends")),
    }
    assert {setting.path for setting in SETTINGS if setting.hidden} == {
        ("upstreams", "*", "api_key_env"),
        ("classifiers", "*", "api_key_env"),
    }


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: ".".join(setting.path))
def test_every_setting_is_described(setting: Setting) -> None:
    """Each key has a sentence for the page."""
    assert setting.description.endswith(".")
