"""Where settings come from: the TOML file, `SLUICE_…` variables, the command line; and which one a value came from.

Later sources win, key by key; a list is taken as a whole. Environment names are the path in capital letters with `__`
between levels: `SLUICE_SERVER__PORT`. Lists, and tables whose names have capitals or dots, are written as JSON.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from gateway.settings.lines import KeyPath, key_lines
from gateway.settings.models import Settings
from gateway.settings.problems import Problem, SettingsError
from gateway.settings.suggestions import nearest

Tree = dict[str, Any]  # what TOML and JSON decode to

DEFAULT_FILE = Path("sluice.toml")
# No settings come near it; a log or a disk image named by mistake is not read to its end.
FILE_LIMIT_BYTES = 1024 * 1024
PREFIX = "SLUICE_"
DELIMITER = "__"
DEFAULT = "default"
COMMAND_LINE = "command line"


class _EnvironmentModel(Settings, BaseSettings):
    """Tells pydantic-settings the names to look for; never instantiated."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter=DELIMITER)


class _EnvironmentSource(EnvSettingsSource):
    """Reads a given mapping instead of the process's environment."""

    # The environment is an argument so that a check can be made for another one than this process has.
    def __init__(self, environ: Mapping[str, str]) -> None:
        # Before the base class, which reads the variables while it is being made.
        self._environ = environ
        super().__init__(_EnvironmentModel)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        # pydantic-settings looks names up in small letters when case does not matter.
        return {name.lower(): value for name, value in self._environ.items()}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ANN401 - as inherited
        """Decode JSON; what is none stays text, so that the check names the key as for any other wrong value."""
        try:
            return super().decode_complex_value(field_name, field, value)
        # The library would stop at the first such variable, with an exception of its own and no remedy.
        except json.JSONDecodeError:
            return value


def read_file(path: Path) -> Tree:
    """Read a TOML file.

    Raises:
        SettingsError: it cannot be read, is too large, or is not TOML in UTF-8; names the line.
    """
    return read_file_and_text(path)[0]


def read_file_and_text(path: Path) -> tuple[Tree, str]:
    """Read a TOML file; see `read_file`. The text tells afterwards on which line a key stands."""
    try:
        with path.open("rb") as file:
            # One byte more than allowed tells too large from just large enough, whatever size the system claims.
            content = file.read(FILE_LIMIT_BYTES + 1)
        if len(content) > FILE_LIMIT_BYTES:
            raise _file_error(path, f"is larger than {FILE_LIMIT_BYTES} bytes", "Check that it is the settings file")
        # Decoded here: tomllib's own reading of a file knows no limit.
        text = content.decode()
        return tomllib.loads(text), text
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _file_error(path, f"cannot be read ({reason})", "Check the path and its permissions") from error
    except UnicodeDecodeError as error:
        raise _file_error(path, f"is not UTF-8 at byte {error.start}", "Save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise _file_error(path, f"is not valid TOML: {error}", "Correct that line") from error


def read_environment(environ: Mapping[str, str]) -> Tree:
    """Return what the `SLUICE_…` variables set, as a tree.

    Raises:
        SettingsError: a variable with `__` in its name leads to no section; it would be ignored in silence.
    """
    strangers = [name for name in environ if _is_stranger(name)]
    # SLUICE_SEVER__PORT would leave the default in force, and the operator sure of having changed it.
    if strangers:
        raise SettingsError(_stranger_problem(name) for name in strangers)
    return _EnvironmentSource(environ)()


def merge(*trees: Tree) -> Tree:
    """Merge trees key by key; later ones win."""
    merged: Tree = {}
    for tree in trees:
        for key, value in tree.items():
            below = merged.get(key)
            # A table over a plain value, or the reverse, is no merge: the check then reports it with its key.
            merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


class Origins:
    """Which source each given value came from.

    Args:
        path: the file read; None when there was none.
        environ: environment variables, for their names as spelt.
        file: what the file set.
        environment: what the variables set.
        overrides: what the command line set.
        text: the file as it was read.
    """

    def __init__(
        self,
        path: Path | None,
        environ: Mapping[str, str],
        file: Tree,
        environment: Tree,
        overrides: Tree,
        text: str = "",
    ) -> None:
        self._fallback = str(path or DEFAULT_FILE)
        self._file = str(path)
        self._text = text
        # Errors name the variable as the operator spelt it, or a search for it would find nothing.
        self._environ = {name.lower(): name for name in environ}
        self._places: dict[KeyPath, str] = dict.fromkeys(_leaves(file), str(path))
        # In the order in which the values are merged, so that the place named is that of the value that won.
        self._places |= {leaf: self._variable(leaf) for leaf in _leaves(environment)}
        self._places |= dict.fromkeys(_leaves(overrides), COMMAND_LINE)

    def origin(self, path: KeyPath) -> str:
        """Return the source of the value at a path, `default` when none gave it."""
        return next((self._places[known] for known in _and_above(path) if known in self._places), DEFAULT)

    def spot(self, path: KeyPath) -> str:
        """Return the source of the value at a path as `origin` does, with the line where that is a file."""
        origin = self.origin(path)
        line = next((self._lines[known] for known in _and_above(path) if known in self._lines), None)
        return f"{origin}:{line}" if origin == self._file and line is not None else origin

    @cached_property
    def _lines(self) -> Mapping[KeyPath, int]:
        # Of the text as it was read and only when asked: the file may have changed since, and few ask.
        return key_lines(self._text)

    def place(self, path: KeyPath) -> str:
        """Return where an operator should look for a value: its source, else where it would stand."""
        below = (place for known, place in self._places.items() if known[: len(path)] == path)
        origin = self.origin(path)
        return next(below, self._fallback) if origin == DEFAULT else origin

    def _variable(self, leaf: KeyPath) -> str:
        # A table given as JSON is named by the level above, so the longest name that exists is the one.
        names = ((PREFIX + DELIMITER.join(above)).lower() for above in _and_above(leaf))
        return next(self._environ[name] for name in names if name in self._environ)


def _leaves(tree: Tree, path: KeyPath = ()) -> Iterator[KeyPath]:
    for key, value in tree.items():
        # An empty table counts as a value, or nothing would tell which source gave it.
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key)


def _and_above(path: KeyPath) -> Iterator[KeyPath]:
    return (path[:length] for length in range(len(path), 0, -1))


def _is_stranger(name: str) -> bool:
    # Only names with `__`: Kubernetes itself sets `SLUICE_PORT` and the like for a service called sluice.
    section, delimiter, _ = name.upper().removeprefix(PREFIX).partition(DELIMITER)
    return name.upper().startswith(PREFIX) and bool(delimiter) and section.lower() not in Settings.model_fields


def _stranger_problem(name: str) -> Problem:
    section = name.upper().removeprefix(PREFIX).partition(DELIMITER)[0].lower()
    remedy = nearest(section, Settings.model_fields) or f"Use one of: {', '.join(Settings.model_fields)}"
    return Problem(name, section, None, "is not a section of the settings", remedy)


def _file_error(path: Path, wrong: str, remedy: str) -> SettingsError:
    return SettingsError([Problem(str(path), "", None, wrong, remedy)])
