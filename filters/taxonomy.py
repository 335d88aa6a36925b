"""The risk classes that findings, lists and policies name.

The 31 risks of GB/T 45654-2025 Annex A with their recommended minimum numbers of keywords (TC260-003 chapter 8), and
the project's own group ``X``. They are read from the file that ships with the lists: code never spells a risk.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Risk:
    """One class of risk.

    Attributes:
        id: clause letters, such as ``A.1.f``; ``X.`` marks the project's own.
        zh: its name in Chinese, as the standard words it.
        en: its name in English.
        group: id of the group it belongs to, such as ``A.1``.
        keyword_min: recommended number of keywords; None where the standard gives none.
    """

    id: str
    zh: str
    en: str
    group: str
    keyword_min: int | None


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All risks there are.

    Attributes:
        risks: risk by its id, in the order of the standard.
        keyword_total_min: recommended number of keywords in all.
    """

    risks: Mapping[str, Risk]
    keyword_total_min: int


def load_taxonomy() -> Taxonomy:
    """Read the taxonomy that ships with the keyword lists."""
    document = json.loads(files("keyword_lists").joinpath("taxonomy.json").read_text(encoding="utf-8"))
    risks = {
        row["id"]: Risk(
            id=row["id"],
            zh=row["zh"],
            en=row["en"],
            group=row["group"],
            keyword_min=row["keyword_min"],
        )
        for row in document["risks"]
    }
    return Taxonomy(MappingProxyType(risks), document["totals"]["keyword_total_min"])
