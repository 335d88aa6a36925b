"""The effective settings as TOML, each with the source of its value, passwords hidden."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from gateway.protocol.policy_table import DEFAULT_POLICY
from gateway.settings.base import Section
from gateway.settings.lines import KeyPath
from gateway.settings.loader import Loaded
from gateway.settings.policy_models import PolicySettings
from gateway.settings.problems import dotted, without_password
from gateway.settings.sources import DEFAULT


class Effective(NamedTuple):
    """One setting in force.

    Attributes:
        path: its place; members of a list by number.
        value: as JSON writes it; None when it is not set.
        origin: file, environment variable, `command line` or `default`.
    """

    path: KeyPath
    value: object
    origin: str


def effective_settings(loaded: Loaded) -> list[Effective]:
    """Return every setting in force, tables after the keys beside them."""
    return walk_settings(loaded.settings, loaded.origins.origin)


def walk_settings(section: Section, origin: Callable[[KeyPath], str] = lambda _path: DEFAULT) -> list[Effective]:
    """Return every setting of a section, tables after the keys beside them.

    Args:
        section: the settings.
        origin: tells where a value that was given comes from.
    """
    rows = list(_walk(section, (), origin, sparse=False))
    return sorted(rows, key=lambda row: len(row.path) > 1)  # TOML reads a key behind a table as part of that table


def render_toml(loaded: Loaded) -> str:
    """Return the settings as TOML that can be read back, with the sources as comments."""
    return render_rows(effective_settings(loaded))


def render_rows(settings: Iterable[Effective]) -> str:
    """Return settings as TOML, with the sources as comments; those of one table stand together."""
    lines: list[str] = []
    for table, rows in groupby(settings, key=lambda row: row.path[:-1]):
        lines += ["", _header(table)] if table else []
        lines += [_line(row) for row in rows]
    return "\n".join(lines).lstrip("\n") + "\n"


def _walk(section: Section, path: KeyPath, origin: Callable[[KeyPath], str], *, sparse: bool) -> Iterator[Effective]:
    plain = section.model_dump(mode="json")
    inner: list[tuple[KeyPath, Section]] = []
    # Policies stand beside the keys of their table, under names the operator chose.
    for name in (*type(section).model_fields, *(section.model_extra or {})):
        tables = list(_tables(getattr(section, name)))
        inner += [((*path, name, *step), table) for step, table in tables]
        # An empty table has no key to show, and its header would be noise.
        if not tables and plain[name] != {}:
            # A default inside a table that was given is still a default, though its table has a source.
            given = name in section.model_fields_set
            here = (*path, name)
            # Where tables inherit, a default that is written down would be taken for a value of the table's own.
            if given or not sparse or plain[name] is None:
                yield Effective(here, _without_secrets(plain[name]), origin(here) if given else DEFAULT)
    for below, table in inner:
        inherits = isinstance(table, PolicySettings) and below[-1] != DEFAULT_POLICY
        yield from _walk(table, below, origin, sparse=sparse or inherits)


def _tables(value: object) -> Iterator[tuple[KeyPath, Section]]:
    """Yield the tables a member holds, with the path step to each."""
    if isinstance(value, Section):
        yield (), value
    elif isinstance(value, dict):
        # A table of plain values, such as names of models, is a value itself.
        yield from (((name,), table) for name, table in value.items() if isinstance(table, Section))
    elif isinstance(value, tuple):
        yield from (((str(place),), table) for place, table in enumerate(value) if isinstance(table, Section))


def _without_secrets(value: object) -> object:
    # The output is for tickets and chats, so what may stay in a variable does not leave by this way.
    return without_password(value) if isinstance(value, str) else value


def _header(table: KeyPath) -> str:
    return f"[[{dotted(table[:-1])}]]" if table[-1].isdigit() else f"[{dotted(table)}]"


def _line(row: Effective) -> str:
    if row.value is None:
        # TOML has no null; a comment keeps the key in view.
        return f"# {row.path[-1]} is not set"
    return f"{row.path[-1]} = {_toml(row.value)}  # {row.origin}"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(member)}" for key, member in value.items()) + " }"
    # JSON's scalars, strings and lists of strings are TOML as well.
    return json.dumps(value, ensure_ascii=False)
