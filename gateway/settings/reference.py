"""`docs/settings.md`, rendered from the models: every key with type, default, bounds and meaning."""

import json

from gateway.settings.catalogue import ANY, TABLES, Setting, Table

HEAD = """\
# Settings

<!-- Rendered from the models by `sluice config reference`; change the models, not this page. -->

Sluice reads `sluice.toml` of the current directory, or the file `--config` names. An environment variable wins over
the file: `SLUICE_`, then the path in capital letters with `__` between levels, such as `SLUICE_SERVER__PORT`. In a
variable, lists and tables are written as JSON:
`SLUICE_UPSTREAMS='[{"name": "local", "base_url": "http://127.0.0.1:8000/v1"}]'`. Relative paths start at the current
directory.

A key that is not listed here is an error. Keys and passwords never stand in the file: name the variable or the file
that holds them. `sluice config check FILE` says what is wrong and what to do; `sluice config show` says what is in
force and where each value comes from; `sluice config schema` prints the JSON schema for editors.
"""

COLUMNS = "| key | takes | default | meaning |\n|---|---|---|---|"


def render_reference() -> str:
    """Return the page."""
    return "\n".join([HEAD, *(_section(table) for table in TABLES if table.settings)])


def _section(table: Table) -> str:
    rows = "\n".join(_row(setting) for setting in table.settings)
    return f"## `{_header(table)}`\n\n{table.description}\n\n{COLUMNS}\n{rows}\n"


def _header(table: Table) -> str:
    path = table.path
    if table.listed:
        return f"[[{'.'.join(path[:-1])}]]"
    # At most two chosen names stand in one path; a third would fail here rather than print a riddle.
    names = iter(("<name>", '"<risk>"'))
    return f"[{'.'.join(next(names) if part == ANY else part for part in path)}]"


def _row(setting: Setting) -> str:
    takes = f"{setting.kind}; {setting.bounds}" if setting.bounds else setting.kind
    cells = (f"`{setting.path[-1]}`", takes, _default(setting), setting.description)
    # A bare bar would end the cell, and closed sets of values are written with bars.
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _default(setting: Setting) -> str:
    if setting.required:
        return "must be given"
    return "not set" if setting.default is None else f"`{json.dumps(setting.default, ensure_ascii=False)}`"
