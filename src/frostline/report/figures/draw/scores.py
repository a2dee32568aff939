"""Points with whiskers, the rows of all panels in line; what is of a kind looks alike in every row."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from frostline.report.figures.draw.style import INK, error_bars, escape_dollar, line_styles
from frostline.report.figures.scores import ScoresFigure

ROW, COL = 36, 18  # letters of a label that leave room for the points
GAP = 0.7  # of a row, between groups
FAINT = {"color": INK, "alpha": 0.15, "linewidth": 0.6, "zorder": 0}


def draw(panels: Any, found: ScoresFigure) -> None:
    """panels (1, columns), with one y axis."""
    kinds = list(dict.fromkeys(found.kinds))
    looked = dict(zip(kinds, line_styles(len(kinds)), strict=True))
    heights = _heights(found.groups)
    for at, axes in enumerate(panels.flat):
        for y, kind, row in zip(heights, found.kinds, found.told, strict=True):
            if (told := row[at]) is not None:
                own = looked[kind] | {"linestyle": "none"}
                axes.errorbar([told.mean], [y], xerr=error_bars([told]), **own, markersize=6, capsize=2, elinewidth=1)
            axes.axhline(y, **FAINT)
        axes.set_title(_short(found.cols[at], COL), loc="left", fontsize=9)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
    first = panels.flat[0]
    first.set(ylim=(heights[-1] + 0.5, -0.5))
    first.set_yticks(heights, [_short(row, ROW) for row in found.rows])


def rows_high(found: ScoresFigure) -> float:
    """How many rows all of them take, with the space between groups."""
    return _heights(found.groups)[-1] + 1


def _heights(groups: Sequence[str]) -> list[float]:
    """Of each row: further from the one above where another group begins."""
    begins = (own != before for before, own in itertools.pairwise(groups))
    return list(itertools.accumulate((1 + GAP * begin for begin in begins), initial=0.0))


def _short(label: str, letters: int) -> str:
    return escape_dollar(label if len(label) <= letters else f"{label[: letters - 1]}…")
