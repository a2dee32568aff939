"""Draw points with error bars, the rows of all panels aligned; the colour is the arm, the marker the encoder."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from frostline.report.figures.draw.style import INK, error_bars, escape_dollar, look_style
from frostline.report.figures.scores import ScoresFigure

MAX_ROW_LABEL, MAX_COL_LABEL = 36, 18  # letters that leave room for the points
GAP = 0.7  # of a row, between groups
GRID_LINE = {"color": INK, "alpha": 0.15, "linewidth": 0.6, "zorder": 0}


def draw_scores(panels: Any, figure: ScoresFigure) -> None:
    """Draw on panels (1, columns) with a common y axis."""
    heights = _heights(figure.groups)
    for at, axes in enumerate(panels.flat):
        for y, look, row in zip(heights, figure.looks, figure.summaries, strict=True):
            if (summary := row[at]) is not None:
                style = look_style(look) | {"linestyle": "none"}
                bars = error_bars([summary])
                axes.errorbar([summary.mean], [y], xerr=bars, **style, markersize=6, capsize=2, elinewidth=1)
            axes.axhline(y, **GRID_LINE)
        axes.set_title(_truncate(figure.cols[at], MAX_COL_LABEL), loc="left", fontsize=9)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
    first = panels.flat[0]
    first.set(ylim=(heights[-1] + 0.5, -0.5))
    first.set_yticks(heights, [_truncate(row, MAX_ROW_LABEL) for row in figure.rows])


def count_row_units(figure: ScoresFigure) -> float:
    """Return the height of all rows and the gaps between groups, in rows."""
    return _heights(figure.groups)[-1] + 1


def _heights(groups: Sequence[str]) -> list[float]:
    """Return the position of each row, with a gap where a group begins."""
    begins = (group != before for before, group in itertools.pairwise(groups))
    return list(itertools.accumulate((1 + GAP * begin for begin in begins), initial=0.0))


def _truncate(label: str, letters: int) -> str:
    return escape_dollar(label if len(label) <= letters else f"{label[: letters - 1]}…")
