"""Draw a point for each arm with the interval of its score, and the Pareto front as steps."""

from __future__ import annotations

from typing import Any

from frostline.report.figures.draw.style import INK, error_bars, escape_dollar, legend, log_axis, look_style
from frostline.report.figures.trade import COSTS, TradeoffFigure


def draw_tradeoff(axes: Any, figure: TradeoffFigure) -> None:
    for point in figure.points:
        x, y = point.xy
        marker = look_style(point.look) | {
            "linestyle": "none",
            "markersize": 8,
            "capsize": 3,
            "elinewidth": 1,
            "zorder": 3,
        }
        axes.errorbar([x], [y], yerr=error_bars([point.score]), **marker, label=escape_dollar(point.label))
    log_axis(axes, "x", [point.xy[0] for point in figure.points])
    front = sorted(point.xy for point in figure.points if point.label in figure.front)
    axes.step(*zip(*front, strict=True), where="post", color=INK, linestyle=":", label="Pareto front")
    axes.set(xlabel=COSTS[figure.cost], ylabel=figure.metric)
    legend(axes)
