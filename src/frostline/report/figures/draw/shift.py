"""Home across, shifted up; on the diagonal nothing is lost."""

from __future__ import annotations

from typing import Any

from frostline.report.figures.draw.style import INK, error_bars, escape_dollar, legend, line_styles
from frostline.report.figures.shift import ShiftFigure


def draw(axes: Any, shift: ShiftFigure) -> None:
    for place, look in zip(shift.places, line_styles(len(shift.places)), strict=True):
        bars = {"xerr": error_bars([place.home]), "yerr": error_bars([place.away])}
        own = look | {"linestyle": "none"}
        mean = ([place.home.mean], [place.away.mean])
        axes.errorbar(
            *mean, **bars, **own, markersize=8, capsize=3, elinewidth=1, label=escape_dollar(place.label), zorder=3
        )
    ends = [*axes.get_xlim(), *axes.get_ylim()]
    axes.plot([min(ends), max(ends)], [min(ends), max(ends)], color=INK, linestyle=":", linewidth=1, label="no loss")
    axes.set(xlabel=shift.home, ylabel=shift.away)
    legend(axes)
