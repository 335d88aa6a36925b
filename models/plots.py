"""Plots of the model card."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

from models.rows import CATEGORIES

_DPI = 80
_NAMES = {"input": "prompts", "output": "replies and posts"}


def plot_curves(curves: Mapping[str, Mapping[str, Sequence[float]]], path: Path) -> None:
    """Draw what is caught and what alarms by threshold, one panel for each side.

    Args:
        curves: by side: ``threshold``, ``recall`` and ``alarms``.
        path: the PNG to write.
    """
    figure, panels = plt.subplots(1, len(curves), figsize=(9, 3.6), sharey=True)
    for panel, (side, curve) in zip(panels, curves.items(), strict=True):
        panel.plot(curve["threshold"], curve["recall"], label="harmful texts that reach it")
        panel.plot(curve["threshold"], curve["alarms"], label="harmless texts that reach it")
        panel.set_yscale("symlog", linthresh=0.01)
        panel.set_ylim(0, 1)
        panel.set_yticks([0, 0.01, 0.1, 1], ["0", "1 %", "10 %", "100 %"])
        panel.set_title(f"{_NAMES[side]}, sources not met")
        panel.set_xlabel("threshold")
        panel.grid(alpha=0.3)
    panels[0].legend(loc="lower left", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)


def plot_confusion(counts: Sequence[Sequence[int]], path: Path) -> None:
    """Draw what classes were taken for, as shares of the rows of each.

    Args:
        counts: rows are the true classes, columns what was said, in the order of `CATEGORIES`.
        path: the PNG to write.
    """
    figure, panel = plt.subplots(figsize=(7.5, 6.5))
    shares = [[count / max(1, sum(row)) for count in row] for row in counts]
    panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = range(len(CATEGORIES))
    panel.set_xticks(places, CATEGORIES, rotation=90, fontsize=7)
    panel.set_yticks(places, CATEGORIES, fontsize=7)
    for true in places:
        for said in places:
            if counts[true][said]:
                dark = shares[true][said] > 0.5  # noqa: PLR2004 - where black on blue is hard to read
                panel.text(
                    said,
                    true,
                    str(counts[true][said]),
                    ha="center",
                    va="center",
                    fontsize=6,
                    color="w" if dark else "k",
                )
    panel.set_xlabel("said")
    panel.set_ylabel("true")
    figure.tight_layout()
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)
