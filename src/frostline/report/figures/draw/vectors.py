"""Four panels of points: before and after side by side, one projection above the other; a class has one look in all."""

from __future__ import annotations

from typing import Any

from frostline.report.figures.draw.style import escape_dollar, legend, line_styles
from frostline.report.figures.vectors import OTHERS, VectorsFigure

SIZE = 3.2  # points
PALE = {"color": "#B3B3B3", "marker": "."}


def draw(panels: Any, found: VectorsFigure) -> None:
    """panels (2, 2)."""
    looked = line_styles(len(found.classes))
    for axes, panel in zip(panels.flat, found.panels, strict=True):
        for at in _order(found):
            name = found.classes[at]
            look = PALE if name == OTHERS else looked[at]
            own = panel.points[found.of == at]
            style = {"color": look["color"], "marker": look["marker"], "linestyle": "none"}
            axes.plot(own[:, 0], own[:, 1], **style, markersize=SIZE, markeredgewidth=0)
            if axes is panels.flat[0]:
                axes.plot([], [], **style, markersize=6, label=escape_dollar(name))
        axes.set_aspect("equal", adjustable="datalim")
        axes.set(xticks=[], yticks=[])
        axes.set_title(panel.title, loc="left", fontsize=9)
    legend(panels.flat[0])


def _order(found: VectorsFigure) -> list[int]:
    """Those without a colour of their own lie beneath."""
    places = range(len(found.classes))
    return sorted(places, key=lambda at: found.classes[at] != OTHERS)
