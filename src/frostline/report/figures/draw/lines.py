"""Draw a curve for each arm, with its interval as a band."""

from __future__ import annotations

import math
from typing import Any

from frostline.report.figures.draw.style import INK, escape_dollar, legend, log_axis, look_style
from frostline.report.figures.figure import Curve
from frostline.report.figures.lines import EPOCH, CurvesFigure


def draw_curves(axes: Any, figure: CurvesFigure) -> None:
    for curve in figure.curves:
        style = look_style(curve.look)
        means = [summary.mean for summary in curve.y]
        axes.plot(curve.x, means, label=escape_dollar(curve.label), markersize=6, **style)
        ends = [
            (math.nan if one.low is None else one.low, math.nan if one.high is None else one.high) for one in curve.y
        ]
        axes.fill_between(curve.x, *zip(*ends, strict=True), color=style["color"], alpha=0.15, linewidth=0)
    label = f"selected: {', '.join(f'{alpha:g}' for alpha in figure.marked)}"
    for alpha in figure.marked:
        label_once = label if alpha == figure.marked[0] else None
        axes.axvline(alpha, color=INK, linewidth=0.8, linestyle=":", label=label_once)
    positions = sorted({x for curve in figure.curves for x in curve.x})
    if figure.wide:
        log_axis(axes, "x", positions)
    if figure.wide or len(positions) <= 12:
        axes.set_xticks(positions, [f"{x:,g}" for x in positions])
        axes.minorticks_off()
    elif figure.x == EPOCH:
        axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel=figure.x, ylabel=figure.y)
    legend(axes)


def _interval_ends(curve: Curve) -> tuple[list[float | None], list[float | None]]:
    """Return the lower and the upper end at each x; the band is interrupted where there is no interval."""
    return [summary.low for summary in curve.y], [summary.high for summary in curve.y]
