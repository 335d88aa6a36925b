"""The documents name everything there is, and nothing that is not there."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import typer

import gateway
from filters.taxonomy import load_taxonomy
from gateway.cli.main import app
from gateway.errors import ErrorCode
from gateway.metric_reference import declared_metrics, metric_name
from gateway.settings.catalogue import SETTINGS, Setting
from tests.documents import READMES, ROOT, documents, read

_LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
_RISK = re.compile(r"\b(?:A\.\d\.[a-z]|X\.[a-z_]+)\b")
_PLACE = re.compile(r"`((?:gateway|filters|tests|docs|keyword_lists|benchmarks)/[\w./-]*)(?:::(\w+))?`")
_VERSION = re.compile(r"^## \[([^]]+)\]", re.MULTILINE)


def _commands(command: Any, words: tuple[str, ...] = ("sluice",)) -> Iterator[str]:  # noqa: ANN401 the type is typer's own
    inner = getattr(command, "commands", {})
    for name, below in inner.items():
        yield from _commands(below, (*words, name))
    if not inner:
        yield " ".join(words)


def _everything() -> str:
    return "\n".join(read(name) for name in documents())


@pytest.mark.parametrize("name", READMES)
@pytest.mark.parametrize("command", list(_commands(typer.main.get_command(app))))
def test_command_is_in_the_readme(command: str, name: str) -> None:
    """The README lists every command and subcommand."""
    assert f"`{command}`" in read(name)


@pytest.mark.parametrize("name", READMES)
def test_every_make_target_is_in_the_readme(name: str) -> None:
    """What can be made is listed."""
    targets = re.search(r"^\.PHONY: (.*)$", read("Makefile"), re.MULTILINE)
    assert targets is not None
    assert [target for target in targets[1].split() if f"`make {target}`" not in read(name)] == []


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: ".".join(setting.path))
def test_setting_is_documented(setting: Setting) -> None:
    """Some page says what a setting is for."""
    assert f"`{setting.path[-1]}`" in read("docs/settings.md")


@pytest.mark.parametrize("metric", declared_metrics(), ids=metric_name)
def test_metric_is_documented(metric: Any) -> None:  # noqa: ANN401 each is of a class of its own
    """Some page says what a metric counts."""
    assert f"`{metric_name(metric)}`" in read("docs/metrics.md")


def test_only_metrics_that_exist_are_documented() -> None:
    """A page speaks of no metric that was renamed or dropped."""
    named = set(re.findall(r"\bsluice_[a-z]+_[a-z_]+\b", _everything()))
    assert named <= {metric_name(metric) for metric in declared_metrics()}


@pytest.mark.parametrize("code", ErrorCode)
def test_error_code_is_documented(code: ErrorCode) -> None:
    """Some page says what to do about an error."""
    assert f"`{code}`" in read("docs/errors.md")


@pytest.mark.parametrize("name", documents())
def test_links_lead_somewhere(name: str) -> None:
    """Each link inside the repository names a file that is there."""
    folder = (ROOT / name).parent
    targets = [target.partition("#")[0] for target in _LINK.findall(read(name)) if "://" not in target]
    assert [target for target in targets if not (folder / target).exists()] == []


@pytest.mark.parametrize("name", documents())
def test_places_in_the_code_exist(name: str) -> None:
    """A file or folder that a page names is there, and so is the test behind `::`."""
    for place, test in _PLACE.findall(read(name)):
        assert (ROOT / place).exists(), place
        assert not test or f"def {test}(" in read(place), test


@pytest.mark.parametrize("name", documents())
def test_risk_ids_are_of_the_taxonomy(name: str) -> None:
    """No page speaks of a risk class that does not exist."""
    assert set(_RISK.findall(read(name))) <= load_taxonomy().risks.keys()


def test_index_lists_every_page() -> None:
    """`docs/README.md` leads to each page of the folder."""
    pages = {name.removeprefix("docs/") for name in documents() if name.startswith("docs/")} - {"README.md"}
    assert pages <= set(_LINK.findall(read("docs/README.md")))


def test_changelog_begins_with_this_version() -> None:
    """Package, code and changelog agree on the version."""
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert gateway.__version__ == version
    assert _VERSION.findall(read("CHANGELOG.md"))[0] == version
