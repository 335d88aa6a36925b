"""The tree keeps its own rules: tests mirror the code, modules stay small, files speak of the product alone."""

import re
from pathlib import Path

import pytest

from tests.documents import ROOT, read, tracked_files

_CODE = ("gateway", "filters")
# The script needs packages the product does not; what it writes is tested beside the code that reads it.
_WITHOUT_TESTS = frozenset({"__init__.py", "__main__.py", "derive.py"})
_MOST_LINES = 500

# Groups keep this file from being one of those it looks for.
_MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/\w")
_REGISTRY_HOST = re.compile(r"\b(?:pypi|pythonhosted|npmjs|docker|huggingface)\.(?:org|com|io|co)\b")


def _modules() -> list[Path]:
    python = [file for file in tracked_files() if file.suffix == ".py" and file.parts[0] in _CODE]
    return [file for file in python if file.name not in _WITHOUT_TESTS and "migrations" not in file.parts]


@pytest.mark.parametrize("module", _modules(), ids=str)
def test_module_has_its_tests(module: Path) -> None:
    """`gateway/x/y.py` is tested by `tests/gateway/x/test_y.py`."""
    mirror = Path("tests") / module.parent / f"test_{module.name}"
    assert (ROOT / mirror).is_file(), f"write {mirror}"


def test_modules_are_found() -> None:
    """The check above sees the code."""
    assert {Path("gateway/errors.py"), Path("filters/keywords.py")} <= set(_modules())


def test_modules_stay_small() -> None:
    """A module that outgrows the limit wants to be two."""
    python = [file for file in tracked_files() if file.suffix == ".py"]
    assert [str(file) for file in python if len(read(file).splitlines()) > _MOST_LINES] == []


@pytest.mark.parametrize("pattern", [_MACHINE_PATH, _REGISTRY_HOST], ids=["machine path", "registry host"])
def test_files_name_no(pattern: re.Pattern[str]) -> None:
    """What is under version control is the same on every machine and behind every mirror."""
    found = [
        f"{file}: {match[0]}"
        for file in tracked_files()
        for match in pattern.finditer((ROOT / file).read_bytes().decode("utf-8", "replace"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("cd /" + "work/main", True),
        ("see https://example.org/" + "work/x", False),
        ("pypi" + ".org/simple", True),
        ("var/audit", False),
    ],
)
def test_patterns_see_what_they_should(text: str, *, named: bool) -> None:
    """The check above would notice."""
    assert bool(_MACHINE_PATH.search(text) or _REGISTRY_HOST.search(text)) is named
