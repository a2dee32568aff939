"""Draw in-domain scores (x) against shifted scores (y); on the diagonal there is no loss."""

from __future__ import annotations

from typing import Any

from frostline.report.figures.draw.style import INK, error_bars, escape_dollar, legend, look_style
from frostline.report.figures.shift import ShiftFigure


def draw_shift(axes: Any, figure: ShiftFigure) -> None:
    for point in figure.points:
        bars = {"xerr": error_bars([point.in_domain]), "yerr": error_bars([point.shifted])}
        marker = look_style(point.look) | {"linestyle": "none"}
        x, y, label = [point.in_domain.mean], [point.shifted.mean], escape_dollar(point.label)
        axes.errorbar(x, y, **bars, **marker, markersize=8, capsize=3, elinewidth=1, label=label, zorder=3)
    ends = [*axes.get_xlim(), *axes.get_ylim()]
    axes.plot([min(ends), max(ends)], [min(ends), max(ends)], color=INK, linestyle=":", linewidth=1, label="no loss")
    axes.set(xlabel=figure.in_domain, ylabel=figure.shifted)
    legend(axes)
