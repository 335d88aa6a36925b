"""Every setting as a value, read off the JSON schema of the models.

One walk serves the error messages, the suggestions for mistyped keys and `docs/settings.md`, so these cannot disagree
with what is checked. In a path, `*` stands for a name the operator chooses and for the place in a list of tables.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.settings.models import Settings

Node = dict[str, Any]  # one node of a JSON schema; pydantic types these as plain dictionaries
Path = tuple[str, ...]

ANY = "*"


class Setting(NamedTuple):
    """One key an operator can set.

    Attributes:
        path: its place, with `*` for chosen names.
        kind: what kind of value it takes, in words.
        bounds: limits of the value in words; empty when there are none.
        default: the default as JSON writes it; None when there is none.
        required: whether it must be given where its table is.
        hidden: whether its value may be a secret by mistake and is never shown in an error.
        description: what it is for.
        remedy: what to do about a wrong value, where kind and bounds do not tell; else empty.
    """

    path: Path
    kind: str
    bounds: str
    default: object
    required: bool
    hidden: bool
    description: str
    remedy: str


class Table(NamedTuple):
    """One table of keys, such as `[server]`.

    Attributes:
        path: its place, with `*` for chosen names.
        description: what it is for.
        settings: the keys that stand directly in it.
        members: names of its keys and of the tables in it.
        remedies: by name of a table in it, what to do where that table or one of its names is wrong.
        listed: whether it is one of a list of tables, such as `[[upstreams]]`.
    """

    path: Path
    description: str
    settings: tuple[Setting, ...]
    members: tuple[str, ...]
    remedies: dict[str, str]
    listed: bool


def _tables() -> Iterator[Table]:
    # The schema and not the classes: it is public and stable, while the library's inner types change.
    schema = Settings.model_json_schema()
    yield from _walk(schema, (), schema["$defs"])


def _walk(node: Node, path: Path, definitions: Node, *, listed: bool = False) -> Iterator[Table]:
    """Yield the table at a node and, after it, those inside it."""
    properties: Node = node.get("properties", {})
    resolved = {name: _resolve(child, definitions) for name, child in properties.items()}
    inner = {name: _inner_table(child, definitions) for name, child in resolved.items()}
    yield Table(
        path=path,
        # The first line of a docstring is for operators, what follows for programmers.
        description=node.get("description", "").split("\n")[0],
        settings=tuple(
            _setting((*path, name), child, required=name in node.get("required", ()))
            for name, child in resolved.items()
            if inner[name] is None
        ),
        # Tables too, so that a mistyped table is suggested like a mistyped key.
        members=tuple(properties),
        remedies={name: child["remedy"] for name, child in resolved.items() if inner[name] and "remedy" in child},
        listed=listed,
    )
    # Behind the keys, which is the order TOML wants: a key behind a table would belong to it.
    for name, found in inner.items():
        if found is not None:
            is_list = resolved[name].get("type") == "array"
            yield from _walk(found[1], (*path, name, *found[0]), definitions, listed=is_list)
    # Tables under chosen names may stand beside the keys, as policies do.
    chosen = node.get("additionalProperties")
    if properties and isinstance(chosen, dict):
        yield from _walk(_resolve(chosen, definitions), (*path, ANY), definitions)


def _resolve(node: Node, definitions: Node) -> Node:
    """Follow a reference and drop the "or null" of an optional value; keys beside the reference win."""
    for choice in node.get("anyOf", ()):
        if choice.get("type") != "null":
            node = {**choice, **node}
    if "$ref" in node:
        node = {**definitions[node["$ref"].rpartition("/")[2]], **node}
    return node


def _inner_table(node: Node, definitions: Node) -> tuple[Path, Node] | None:
    """Return the table a member leads to, with the path step into it, or None for a plain value."""
    if "properties" in node:
        return (), node
    # A list of tables and a table of chosen names differ in the schema, and not for an operator.
    elements = (node.get("items", {}), *node.get("patternProperties", {}).values())
    for element in (_resolve(element, definitions) for element in elements):
        if "properties" in element:
            return (ANY,), element
    return None


def _setting(path: Path, node: Node, *, required: bool) -> Setting:
    return Setting(
        path=path,
        kind=_kind(node),
        bounds=_bounds(node),
        default=node.get("default"),
        required=required,
        hidden=node.get("hidden", False),
        description=node.get("description", ""),
        remedy=node.get("remedy", ""),
    )


KINDS = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text", "array": "list"}


def _kind(node: Node) -> str:
    # For the one value that may be written in two ways, which the schema knows only one of.
    if "kind" in node:
        return str(node["kind"])
    if "enum" in node:
        return " | ".join(f'"{value}"' for value in node["enum"])
    # A kind that is not known fails when this module is loaded, and so in the first test rather than in a message.
    return "path" if node.get("format") == "path" else KINDS[node["type"]]


BOUNDS = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "at most {}"),
    ("maxLength", "at most {} characters"),
    ("maxItems", "at most {} entries"),
)


def _bounds(node: Node) -> str:
    return ", ".join(wording.format(_number(node[name])) for name, wording in BOUNDS if name in node)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


# Once, at import: every message about a wrong key looks in here.
TABLES = tuple(_tables())
SETTINGS = tuple(setting for table in TABLES for setting in table.settings)


def find_table(path: Path) -> Table | None:
    """Return the table at a path as given, where chosen names stand for themselves."""
    return next((table for table in TABLES if _fits(table.path, path)), None)


def find_setting(path: Path) -> Setting | None:
    """Return the setting at a path as given, where chosen names stand for themselves."""
    return next((setting for setting in SETTINGS if _fits(setting.path, path)), None)


def _fits(pattern: Path, path: Path) -> bool:
    return len(pattern) == len(path) and all(
        expected in (ANY, given) for expected, given in zip(pattern, path, strict=True)
    )
