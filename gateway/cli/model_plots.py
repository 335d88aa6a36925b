"""Plots of a model's figures, as SVG written by hand: a browser shows them, and nothing has to be installed."""

from collections.abc import Mapping, Sequence
from html import escape

_SIZE = 480
_MARGIN = 60
_CELL = 26
_LABELS = 190


def threshold_plot(curves: Mapping[str, Sequence[tuple[float, float, float]]]) -> str:
    """Return a plot of what a threshold catches and what it stops by mistake, for each side.

    Args:
        curves: by side, points of threshold, share of harmful rows and share of harmless rows at or above it.
    """
    parts = [_axes()]
    for number, (side, points) in enumerate(curves.items()):
        dash = "" if number == 0 else ' stroke-dasharray="6 4"'
        for place, (kind, colour) in enumerate((("harmful", "#b3261e"), ("harmless", "#1e6fb3"))):
            line = " ".join(f"{_x(point[0]):.1f},{_y(point[1 + place]):.1f}" for point in points)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
            below = _MARGIN + 18 * (2 * number + place)
            parts.append(_text(_SIZE + _MARGIN + 10, below, f"{side}, {kind}", f' fill="{colour}"'))
    return _svg(_SIZE + 2 * _MARGIN + 140, _SIZE + 2 * _MARGIN, parts)


def confusion_plot(names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Return a table of which class (row) was taken for which (column), darker where more.

    Args:
        names: classes, in the order of the table.
        counts: a row for each class, with a count for each class it was taken for.
    """
    parts = []
    for row, (name, values) in enumerate(zip(names, counts, strict=True)):
        top, total = _LABELS + row * _CELL, max(1, sum(values))
        parts.append(_text(_LABELS - 6, top + 17, name, ' text-anchor="end"'))
        turn = f"rotate(-60 {_LABELS + row * _CELL + 16} {_LABELS - 6})"
        parts.append(_text(_LABELS + row * _CELL + 16, _LABELS - 6, name, f' transform="{turn}"'))
        for column, value in enumerate(values):
            share = value / total
            left = _LABELS + column * _CELL
            parts.append(
                f'<rect x="{left}" y="{top}" width="{_CELL}" height="{_CELL}" fill="#1e6fb3"'
                f' fill-opacity="{share:.2f}" stroke="#ccc"/>'
            )
            if value:
                ink = "#fff" if share > 0.5 else "#000"  # noqa: PLR2004 readable on either half of the scale
                parts.append(_text(left + _CELL // 2, top + 17, str(value), f' text-anchor="middle" fill="{ink}"'))
    side = _LABELS + len(names) * _CELL + 20
    return _svg(side, side, parts)


def _axes() -> str:
    frame = f'<rect x="{_MARGIN}" y="{_MARGIN}" width="{_SIZE}" height="{_SIZE}" fill="none" stroke="#888"/>'
    marks = []
    for tenth in range(0, 11, 2):
        share = tenth / 10
        marks.append(_text(_x(share), _SIZE + _MARGIN + 18, f"{share:.1f}", ' text-anchor="middle"'))
        marks.append(_text(_MARGIN - 8, _y(share) + 4, f"{share:.0%}", ' text-anchor="end"'))
    marks.append(_text(_MARGIN + _SIZE / 2, _SIZE + _MARGIN + 42, "threshold", ' text-anchor="middle"'))
    marks.append(_text(_MARGIN, _MARGIN - 14, "rows at or above it"))
    return frame + "".join(marks)


def _x(share: float) -> float:
    return _MARGIN + share * _SIZE


def _y(share: float) -> float:
    return _MARGIN + (1 - share) * _SIZE


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}"{more}>{escape(text)}</text>'


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" font-family="sans-serif"'
    return f'{head} font-size="12"><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
