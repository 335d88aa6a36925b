"""Reads, merges and checks the settings; every problem is reported at once.

Rule: a key or password written into the file is refused, and no message repeats it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.settings.catalogue import SETTINGS, Setting, find_setting, find_table
from gateway.settings.lines import KeyPath
from gateway.settings.models import Settings
from gateway.settings.problems import Problem, SettingsError, dotted, has_password, shown
from gateway.settings.sources import DEFAULT_FILE, Origins, Tree, merge, read_environment, read_file_and_text
from gateway.settings.suggestions import nearest

KEY_REMEDY = (
    "Put the key into an environment variable and name that in api_key_env, or into a file named in api_key_file"
)

# Where the library's own words speak of Python.
WORDS = {
    "dict_type": "should be a table; in a variable, a JSON object",
    "missing": "is missing",
    "model_type": "should be a table; in a variable, a JSON object",
    "tuple_type": "should be a list; in a variable, a JSON array",
}

# Names under which people write a key straight into the file.
SECRET_NAMES = frozenset({"api_key", "apikey", "key", "password", "secret", "token"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """Checked settings, and where their values came from.

    Attributes:
        settings: the effective settings.
        origins: the source of each value.
    """

    settings: Settings
    origins: Origins


def load_settings(path: Path | None, environ: Mapping[str, str], overrides: Tree | None = None) -> Settings:
    """Return the effective settings; see `load`."""
    return load(path, environ, overrides).settings


def load(path: Path | None, environ: Mapping[str, str], overrides: Tree | None = None) -> Loaded:
    """Read, merge and check the settings.

    Args:
        path: the file; None takes `sluice.toml` of the current directory when it is there.
        environ: environment variables; `SLUICE_…` win over the file.
        overrides: what the command line set, as a tree; wins over both.

    Raises:
        SettingsError: names place, key, value, what is wrong and the remedy, for each problem.
    """
    # A file that was named and is missing is an error; the default one may be absent, as in a container set up by
    # variables alone.
    if path is None and DEFAULT_FILE.is_file():
        path = DEFAULT_FILE
    file, text = ({}, "") if path is None else read_file_and_text(path)
    trees = (file, read_environment(environ), overrides or {})
    origins = Origins(path, environ, *trees, text)
    # Only the file is searched: it gets copied and committed, while variables are where a password belongs.
    problems = [*_password_problems(file, origins)]
    try:
        settings = Settings.model_validate(merge(*trees))
    except ValidationError as error:
        # The library's own links lead to pages for programmers, not for operators.
        problems += [_problem(details, origins) for details in error.errors(include_url=False)]
    # Raised here and not in the handler: with the library's error as context, a traceback would print the values.
    if problems:
        raise SettingsError(problems)
    return Loaded(settings, origins)


def _password_problems(file: Tree, origins: Origins) -> Iterator[Problem]:
    # The file is not checked yet at this point, so it may hold anything in any place.
    store = file.get("store")
    for name in ("url", "redis_url"):
        url = store.get(name) if isinstance(store, dict) else None
        if isinstance(url, str) and has_password(url):
            yield Problem(
                # The value is shown with its password hidden, so that the operator sees which address is meant.
                place=origins.place(("store", name)),
                key=f"store.{name}",
                value=shown(url),
                wrong="holds a password in the file",
                remedy=f"Set the whole address in the environment variable SLUICE_STORE__{name.upper()} instead",
            )


def _problem(details: ErrorDetails, origins: Origins) -> Problem:
    # "[key]" is how pydantic marks an error in the name of a table rather than in what it holds.
    path = tuple(str(part) for part in details["loc"] if part != "[key]")
    setting = find_setting(path)
    wrong, remedy = _wording(details, path, setting)
    return Problem(
        place=origins.place(path),
        key=dotted(path),
        value=_shown_value(details, path, setting),
        wrong=wrong,
        remedy=remedy,
    )


def _shown_value(details: ErrorDetails, path: KeyPath, setting: Setting | None) -> str | None:
    """Return the value, unless it may be a secret: in a hidden field, under an unknown key, or a whole table."""
    # A member of a list has no setting of its own; whether it may be shown is decided by the list.
    owner = setting or find_setting(path[:-1])
    if owner is None or owner.hidden or details["type"] == "missing":
        return None
    return shown(details["input"])


def _wording(details: ErrorDetails, path: KeyPath, setting: Setting | None) -> tuple[str, str]:
    """Return what is wrong and what to do about it."""
    context: Mapping[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "rejected":
            return context["wrong"], context["remedy"]
        # Told apart from a slip of the pen: a suggestion of a like name would not get the key out of the file.
        case "extra_forbidden" if path[-1].lower() in SECRET_NAMES:
            return "is a key written into the settings", KEY_REMEDY
        case "extra_forbidden":
            return "is not a setting", _suggestion(path)
        case kind:
            # The library speaks of an input and a string; the operator wrote a setting.
            message = details["msg"].replace("Input should", "should").replace("String should", "should")
            return WORDS.get(kind, message), _setting_remedy(setting) if setting else _table_remedy(path)


def _setting_remedy(setting: Setting) -> str:
    """Return the remedy a setting declares, else one made of its kind, bounds and default."""
    bounds = f", {setting.bounds}" if setting.bounds else ""
    default = "" if setting.default is None else f"; the default is {json.dumps(setting.default, ensure_ascii=False)}"
    return setting.remedy or f"Expected: {setting.kind}{bounds}{default}"


def _table_remedy(path: KeyPath) -> str:
    """Return what to do about a wrong table, a wrong name of one, or a wrong member of a list."""
    if around := find_setting(path[:-1]):
        return _setting_remedy(around)
    # The second pass is for a wrong name of a table: the remedy stands at the table that holds it.
    for length in (len(path), len(path) - 1):
        table = find_table(path[: length - 1])
        if table and path[length - 1] in table.remedies:
            return table.remedies[path[length - 1]]
    return f"Write it as a table [{dotted(path)}] with its keys below"


def _suggestion(path: KeyPath) -> str:
    """Return what an unknown key may mean: a neighbour spelt alike, else its name elsewhere, else any neighbour."""
    table = find_table(path[:-1])
    members = table.members if table else ()
    # Often the name is right and only the table is wrong, and then no neighbour is spelt alike.
    elsewhere = (f"Did you mean {dotted(setting.path)}" for setting in SETTINGS if setting.path[-1] == path[-1])
    return nearest(path[-1], members) or next(elsewhere, f"Use one of: {', '.join(members)}")
