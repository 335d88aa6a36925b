"""The model card, in the common form (Mitchell et al. 2019), written from the figures of the run."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from models.rows import SIDES

_NAMES = {"input": "prompts", "output": "replies and posts"}
_SCORERS = {"model": "the model", "linear": "linear stage alone", "baseline": "encoder untrained"}
_TEMPLATE = Path(__file__).parent / "card_template.txt"


def card(manifest: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    """Return the card.

    Args:
        manifest: of the model.
        figures: as `models.verdicts.figures` gives them.
    """
    values = {
        "name": manifest["name"],
        "version": manifest["version"],
        "created": manifest["created"],
        "rows": f"{manifest['training']['rows']:,}",
        "data_sha256": manifest["training"]["data_sha256"],
        "command": manifest["training"]["command"],
        "seed": manifest["training"]["seed"],
        "macro_f1": f"{figures['macro_f1']:.3f}",
        "questions": _percent(figures["questions"]["at_one_percent"]),
        "questions_shipped": _percent(figures["questions"]["as_shipped"]),
        "apart": "\n".join(_apart(figures["apart"])),
        "unseen": "\n".join(_unseen(figures["unseen"])),
        "held": "\n".join(_sides(figures["held"])),
        "by_lang": "\n".join(_table(figures["unseen_by"]["lang"], "language")),
        "by_category": "\n".join(_table(figures["unseen_by"]["category"], "class")),
        "by_source": "\n".join(_table(figures["unseen_by"]["source"], "source")),
        "f1": "\n".join(f"| {name} | {value:.2f} |" for name, value in figures["f1"].items()),
        "thresholds": "\n".join(_thresholds(figures)),
    }
    text = _TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"{{{{{name}}}}}", str(value))
    return text


def _percent(share: float) -> str:
    return "–" if share != share else f"{share * 100:.1f} %"  # noqa: PLR0124 - nan alone differs from itself


def _apart(apart: Mapping[str, Any]) -> Iterator[str]:
    for side in SIDES:
        for scorer, name in _SCORERS.items():
            found = apart[scorer][side]
            yield (
                f"| {_NAMES[side]} | {name} | {found['auroc']:.3f} | {_percent(found['recall'])} | "
                f"{_percent(found['recall_by_source'])} | {found['auroc_unmet']:.3f} | "
                f"{_percent(found['recall_unmet'])} |"
            )


def _unseen(unseen: Mapping[str, Any]) -> Iterator[str]:
    for side in SIDES:
        for scorer, name in _SCORERS.items():
            found = unseen[scorer][side]
            yield (
                f"| {_NAMES[side]} | {name} | {found['auroc']:.3f} | {_percent(found['recall'])} | "
                f"{_percent(found['hard_alarms'])} | {found['harmful']:,} | {found['harmless']:,} |"
            )


def _sides(held: Mapping[str, Any]) -> Iterator[str]:
    for side in SIDES:
        found = held[side]
        yield (
            f"| {_NAMES[side]} | {found['auroc']:.3f} | {_percent(found['recall'])} | "
            f"{found['harmful']:,} | {found['harmless']:,} |"
        )


def _table(found: Mapping[str, Mapping[str, Mapping[str, float]]], name: str) -> Iterator[str]:
    yield f"| side | {name} | harmful | caught | harmless | alarms |"
    yield "|---|---|---:|---:|---:|---:|"
    for side in SIDES:
        for value, row in found[side].items():
            yield (
                f"| {_NAMES[side]} | {value} | {row['harmful']:,.0f} | {_percent(row['recall'])} | "
                f"{row['harmless']:,.0f} | {_percent(row['alarms'])} |"
            )


def _thresholds(figures: Mapping[str, Any]) -> Iterator[str]:
    for side in SIDES:
        found = figures["thresholds"][side]
        yield (
            f"| {_NAMES[side]} | {found['unsafe']:.3f} | {found['early']:.3f} | "
            f"{_percent(figures['alarm_share'][side])} | {figures['linear']['safe_below'][side]:.3f} | "
            f"{_percent(figures['settled'][side])} | {_percent(figures['lost_by_settling'][side])} |"
        )
