"""A training row: what it must look like, and reading files of them.

Rows are JSON objects, one a line, in the fields of the public training data: ``id``, ``text``, ``lang``, ``side``
(``input``, a user's prompt, or ``output``, a model's reply or a post), ``label``, ``category`` and ``source``.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CATEGORIES = (
    "hate_discrimination",
    "abuse",
    "fraud",
    "jailbreak",
    "other_illegal",
    "misinformation",
    "violence_terror",
    "drugs",
    "pornography",
    "weapons_explosives",
    "gambling",
    "privacy",
    "illicit_ads",
    "self_harm",
    "ip_commercial",
    "minors",
    "national_security_violent",
)
"""Classes of harm, in the order of the model's second output."""
SAFE = "safe"
SIDES = ("input", "output")
"""Sides, in the order of the numbers the model takes for them."""
FEWEST_CHARACTERS, MOST_CHARACTERS = 2, 2000
_FIELDS = ("id", "text", "lang", "side", "label", "category", "source")


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text.

    Attributes:
        id: unique among all rows.
        text: the text as received.
        lang: language code, such as ``zh``.
        side: ``input`` or ``output``.
        unsafe: True for harm.
        category: one of `CATEGORIES`, or `SAFE`.
        source: the data set, or ``sluice/<style>`` of what was written here.
    """

    id: str
    text: str
    lang: str
    side: str
    unsafe: bool
    category: str
    source: str


def read_rows(path: Path) -> Iterator[Row]:
    """Read a file of rows, gzipped when its name ends so.

    Args:
        path: a ``.jsonl`` or ``.jsonl.gz`` file.

    Yields:
        Its rows, in order.

    Raises:
        ValueError: a line is no row; the message names file, line and fault.
    """
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield parse_row(json.loads(line))
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from error


def parse_row(values: object) -> Row:
    """Take one decoded line.

    Args:
        values: what the line's JSON holds.

    Returns:
        The row.

    Raises:
        ValueError: a field is missing or holds what it may not.
    """
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - a fault of the file, not of the caller
    if missing := [field for field in _FIELDS if not isinstance(values.get(field), str)]:
        raise ValueError(f"no string in: {', '.join(missing)}")
    if problems := list(_problems(values)):
        raise ValueError("; ".join(problems))
    return Row(
        id=values["id"],
        text=values["text"],
        lang=values["lang"],
        side=values["side"],
        unsafe=values["label"] == "unsafe",
        category=values["category"],
        source=values["source"],
    )


def _problems(values: dict[str, str]) -> Iterator[str]:
    if not FEWEST_CHARACTERS <= len(values["text"]) <= MOST_CHARACTERS:
        yield f"text has {len(values['text'])} characters; {FEWEST_CHARACTERS} to {MOST_CHARACTERS} are read"
    if values["side"] not in SIDES:
        yield f"side is {values['side']!r}; write input or output"
    if values["label"] not in {"safe", "unsafe"}:
        yield f"label is {values['label']!r}; write safe or unsafe"
    if values["category"] != SAFE and values["category"] not in CATEGORIES:
        yield f"category is {values['category']!r}; it is none of the classes"
    if (values["label"] == "safe") != (values["category"] == SAFE):
        yield f"label {values['label']} and category {values['category']} contradict each other"
