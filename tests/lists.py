"""Keyword lists for tests: written by few words, and a few dozen of the shipped terms."""

import json
from pathlib import Path
from typing import Any

from filters.findings import Action, Kind
from filters.list_import import row_defaults
from filters.list_rows import read_row
from filters.list_writing import list_text

FEW_TERMS_DIRECTORY = Path(__file__).parent / "data" / "lists"
"""Some of the shipped rows, of every risk: the shipped lists take seconds to build, which few tests need."""
FEW_TERMS: dict[str, Any] = {"shipped": False, "directories": [str(FEW_TERMS_DIRECTORY)]}
"""The settings ``lists`` by which a gateway has these terms alone."""
FEW_TERMS_ENVIRON = {f"SLUICE_LISTS__{key.upper()}": json.dumps(value) for key, value in FEW_TERMS.items()}
"""The same as environment variables, for commands."""


def write_list(directory: Path, *terms: str, risk: str = "A.1.h", **columns: str) -> Path:
    """Write one list, replaced in one step as careful editors do.

    Args:
        directory: made when it is not there.
        terms: its terms.
        risk: their risk id.
        columns: values of all rows, where they differ from the defaults of an import.
    """
    values = row_defaults(Kind(columns.get("kind", "literal")), risk, "own", "own") | {"action": Action.BLOCK.value}
    rows = [read_row(values | columns | {"term": term}) for term in terms]
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"{risk}.csv"
    making = target.with_suffix(".making")
    making.write_text(list_text(rows), encoding="utf-8")
    return making.replace(target)
