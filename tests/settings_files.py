"""Small settings for tests: a complete file, and a loader that writes one first."""

from collections.abc import Mapping
from pathlib import Path

from gateway.settings import Loaded, Problem, SettingsError, load

COMPLETE = """
[[upstreams]]
name = "local"
base_url = "http://127.0.0.1:8000/v1"

[labels]
content_producer = "example-operator"
"""


def load_text(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Loaded:
    """Write a settings file and load it with a given environment."""
    path = folder / "sluice.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ or {})


def problems_of(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    """Return the problems of a settings file; none when it loads."""
    try:
        load_text(folder, text, environ)
    except SettingsError as error:
        return error.problems
    return ()


def only_problem(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Problem:
    """Return the one problem of a settings file."""
    (problem,) = problems_of(folder, text, environ)
    return problem
