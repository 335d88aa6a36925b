"""On which line of a TOML file each key stands: the parser of the standard library does not say.

Rule: the text is known to be TOML, so a statement that does not parse by itself goes on with the next line.
"""

import tomllib
from collections.abc import Iterator
from typing import Any

KeyPath = tuple[str, ...]

# What can end a statement of several lines: a list, a table inside one, a text in three quotes.
_CLOSING = ("]", "}", '"""', "'''")


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line of each table and key, counted from 1; tables of a list by their number.

    Args:
        text: a TOML file without errors.
    """
    lines: dict[KeyPath, int] = {}
    numbers: dict[KeyPath, int] = {}  # of the last table of each list of tables
    table: KeyPath = ()
    for line, statement in _statements(text):
        tree = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _enter(tree, numbers)
            lines.setdefault(table, line)
        else:
            lines |= {(*table, *path): line for path in _paths(tree)}
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    begun, parts = 1, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        begun = begun if parts else number
        parts.append(line)
        # Tried where it may end and not after each line: a long list would be parsed once for each of its entries.
        if (len(parts) == 1 or any(mark in line for mark in _CLOSING)) and _is_whole("\n".join(parts)):
            yield begun, "\n".join(parts)
            parts = []


def _is_whole(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _enter(tree: dict[str, Any], numbers: dict[KeyPath, int]) -> KeyPath:
    """Return the path of the table that a header opens."""
    path: KeyPath = ()
    while tree:
        ((name, inner),) = tree.items()
        path = (*path, name)
        if isinstance(inner, list):
            numbers[path] = numbers.get(path, -1) + 1
            return (*path, str(numbers[path]))
        # A table below a list of tables belongs to the last of them.
        path = (*path, str(numbers[path])) if path in numbers and inner else path
        tree = inner
    return path


def _paths(tree: dict[str, Any]) -> Iterator[KeyPath]:
    for name, inner in tree.items():
        yield (name,)
        if isinstance(inner, dict):
            yield from ((name, *below) for below in _paths(inner))
