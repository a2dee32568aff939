"""Tables of numbers as colours that grow darker or lighter in grey, too; with the numbers in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frostline.report.figures.confusion import ConfusionFigure
from frostline.report.figures.draw.style import INK, escape_dollar
from frostline.report.figures.plans import REST, PlanFigure

COLOURS = "cividis"
DARK = 0.43  # of these colours: below it white is read better than black
NUMBERED = 12  # classes of which each cell has room for its number


def draw_plan(axes: Any, plan: PlanFigure) -> None:
    """Blocks that rest are empty; those whose parameters differ are told by `*`."""
    values = [[_multiplier(cell) for cell in row] for row in plan.cells]
    highest = max((value for row in values for value in row if value), default=1.0)
    shades = [[0.25 + 0.75 * value / highest if value is not None else None for value in row] for row in values]
    _cells(axes, shades, plan.cells)
    _ticks(axes, plan.blocks, plan.phases)
    axes.set(xlabel="blocks, input first; numbers multiply optimizer.lr")


def _multiplier(cell: str) -> float | None:
    """1 where parameters differ, or where a head is solved: it learns."""
    if cell == REST:
        return None
    try:
        return float(cell)
    except ValueError:
        return 1.0


def draw_confusion(axes: Any, confusion: ConfusionFigure) -> None:
    few = len(confusion.classes) <= NUMBERED
    words = [[f"{share:.2f}\n{count:,}" for share, count in zip(*rows, strict=True)] for rows in _rows(confusion)]
    _cells(axes, confusion.shares, words if few else None)
    _ticks(axes, confusion.classes, confusion.classes)
    axes.set(xlabel="told", ylabel="true")
    if not few:
        axes.tick_params(labelsize=6)


def _rows(confusion: ConfusionFigure) -> Any:
    return zip(confusion.shares, confusion.counts, strict=True)


def _cells(axes: Any, shades: Sequence[Sequence[float | None]], words: Sequence[Sequence[str]] | None) -> None:
    """shades: from 0 to 1, None for a cell that is empty."""
    import matplotlib as mpl

    colours = mpl.colormaps[COLOURS]
    for row, own in enumerate(shades):
        for column, shade in enumerate(own):
            bare = {"facecolor": "none", "edgecolor": INK, "linewidth": 0.5}
            box = bare if shade is None else {"facecolor": colours(shade), "edgecolor": "none"}
            axes.add_patch(mpl.patches.Rectangle((column, row), 1, 1, **box))
            if words:
                ink = INK if shade is None else "#ffffff" if shade < DARK else "#000000"
                place = (column + 0.5, row + 0.5)
                axes.text(*place, words[row][column], ha="center", va="center", fontsize=9, color=ink)
    axes.set(xlim=(0, max(map(len, shades))), ylim=(len(shades), 0))


def _ticks(axes: Any, across: Sequence[str], down: Sequence[str]) -> None:
    turned = {"rotation": 90} if max(map(len, across)) * len(across) > 60 else {}
    axes.set_xticks([i + 0.5 for i in range(len(across))], list(map(escape_dollar, across)), **turned)
    axes.set_yticks([i + 0.5 for i in range(len(down))], list(map(escape_dollar, down)))
    axes.tick_params(length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
