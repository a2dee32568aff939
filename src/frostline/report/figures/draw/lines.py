"""A line an arm, and its interval as a band."""

from __future__ import annotations

from typing import Any

from frostline.report.figures.draw.style import INK, escape_dollar, legend, line_styles, log_axis
from frostline.report.figures.lines import CurvesFigure


def draw(axes: Any, lines: CurvesFigure) -> None:
    for line, look in zip(lines.lines, line_styles(len(lines.lines)), strict=True):
        axes.plot(line.x, [one.mean for one in line.y], label=escape_dollar(line.label), markersize=6, **look)
        banded = [(x, one) for x, one in zip(line.x, line.y, strict=True) if one.low is not None]
        low, high = ([getattr(one, end) for _, one in banded] for end in ("low", "high"))
        axes.fill_between([x for x, _ in banded], low, high, color=look["color"], alpha=0.15, linewidth=0)
    label = f"chosen: {', '.join(f'{place:g}' for place in lines.marked)}"
    for place in lines.marked:
        axes.axvline(place, color=INK, linewidth=0.8, linestyle=":", label=label if place == lines.marked[0] else None)
    every = sorted({x for line in lines.lines for x in line.x})
    if lines.wide:
        log_axis(axes, "x", every)
    if lines.wide or len(every) <= 12:
        axes.set_xticks(every, [f"{x:,g}" for x in every])
        axes.minorticks_off()
    axes.set(xlabel=lines.x, ylabel=lines.y)
    legend(axes)
