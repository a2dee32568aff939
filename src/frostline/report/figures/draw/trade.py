"""A point an arm with the interval of its score, and the front as steps."""

from __future__ import annotations

from typing import Any

from frostline.report.figures.draw.style import INK, error_bars, escape_dollar, legend, line_styles, log_axis
from frostline.report.figures.trade import COSTS, TradeoffFigure


def draw(axes: Any, trade: TradeoffFigure) -> None:
    for point, look in zip(trade.points, line_styles(len(trade.points)), strict=True):
        x, y = point.place
        own = look | {"linestyle": "none"}
        axes.errorbar(
            [x],
            [y],
            yerr=error_bars([point.score]),
            **own,
            markersize=8,
            capsize=3,
            elinewidth=1,
            label=escape_dollar(point.label),
            zorder=3,
        )
    log_axis(axes, "x", [point.place[0] for point in trade.points])
    best = sorted(point.place for point in trade.points if point.label in trade.front)
    axes.step(*zip(*best, strict=True), where="post", color=INK, linestyle=":", label="Pareto front")
    axes.set(xlabel=COSTS[trade.spent], ylabel=trade.metric)
    legend(axes)
