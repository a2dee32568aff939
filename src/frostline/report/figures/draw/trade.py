"""A point an arm with the interval of its score, and the front as steps."""

from __future__ import annotations

from typing import Any

from frostline.report.figures.draw.style import INK, legend, looks, plain, whiskers, wide_axis
from frostline.report.figures.trade import SPENT, Trade


def draw(axes: Any, trade: Trade) -> None:
    for point, look in zip(trade.points, looks(len(trade.points)), strict=True):
        x, y = point.place
        own = look | {"linestyle": "none"}
        axes.errorbar(
            [x],
            [y],
            yerr=whiskers([point.score]),
            **own,
            markersize=8,
            capsize=3,
            elinewidth=1,
            label=plain(point.label),
            zorder=3,
        )
    wide_axis(axes, "x", [point.place[0] for point in trade.points])
    best = sorted(point.place for point in trade.points if point.label in trade.front)
    axes.step(*zip(*best, strict=True), where="post", color=INK, linestyle=":", label="Pareto front")
    axes.set(xlabel=SPENT[trade.spent], ylabel=trade.metric)
    legend(axes)
