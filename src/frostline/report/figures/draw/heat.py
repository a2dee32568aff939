"""Draw matrices as colours with a monotonic brightness, with the values in the cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frostline.report.figures.confusion import ConfusionFigure
from frostline.report.figures.draw.style import INK, escape_dollar
from frostline.report.figures.plans import FROZEN, PlanFigure

COLOURS = "cividis"
DARK = 0.43  # below it, white text has more contrast than black text
MAX_NUMBERED = 12  # classes whose cells have room for numbers


def draw_plan(axes: Any, plan: PlanFigure) -> None:
    """Draw phases and blocks: frozen blocks are empty, and `*` marks a block whose parameters differ."""
    values = [[_multiplier(cell) for cell in row] for row in plan.cells]
    highest = max((value for row in values for value in row if value), default=1.0)
    shades = [[0.25 + 0.75 * value / highest if value is not None else None for value in row] for row in values]
    _draw_cells(axes, shades, plan.cells)
    _label_axes(axes, plan.blocks, plan.phases)
    axes.set(xlabel="blocks from input to output; multipliers of optimizer.lr")


def _multiplier(cell: str) -> float | None:
    """Return the multiplier; 1 if the parameters of the block differ, or if the head is fitted in closed form."""
    if cell == FROZEN:
        return None
    try:
        return float(cell)
    except ValueError:
        return 1.0


def draw_confusion(axes: Any, confusion: ConfusionFigure) -> None:
    few = len(confusion.classes) <= MAX_NUMBERED
    rows = zip(confusion.shares, confusion.counts, strict=True)
    texts = [[f"{share:.2f}\n{count:,}" for share, count in zip(*row, strict=True)] for row in rows]
    _draw_cells(axes, confusion.shares, texts if few else None)
    _label_axes(axes, confusion.classes, confusion.classes)
    axes.set(xlabel="predicted", ylabel="true")
    if not few:
        axes.tick_params(labelsize=6)


def _draw_cells(axes: Any, shades: Sequence[Sequence[float | None]], texts: Sequence[Sequence[str]] | None) -> None:
    """Draw shades from 0 to 1; None is an empty cell."""
    import matplotlib as mpl

    colours = mpl.colormaps[COLOURS]
    for y, row in enumerate(shades):
        for x, shade in enumerate(row):
            empty = {"facecolor": "none", "edgecolor": INK, "linewidth": 0.5}
            box = empty if shade is None else {"facecolor": colours(shade), "edgecolor": "none"}
            axes.add_patch(mpl.patches.Rectangle((x, y), 1, 1, **box))
            if texts:
                ink = INK if shade is None else "#ffffff" if shade < DARK else "#000000"
                axes.text(x + 0.5, y + 0.5, texts[y][x], ha="center", va="center", fontsize=9, color=ink)
    axes.set(xlim=(0, max(map(len, shades))), ylim=(len(shades), 0))


def _label_axes(axes: Any, columns: Sequence[str], rows: Sequence[str]) -> None:
    rotation = {"rotation": 90} if max(map(len, columns)) * len(columns) > 60 else {}
    axes.set_xticks([i + 0.5 for i in range(len(columns))], list(map(escape_dollar, columns)), **rotation)
    axes.set_yticks([i + 0.5 for i in range(len(rows))], list(map(escape_dollar, rows)))
    axes.tick_params(length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
