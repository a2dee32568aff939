"""Draw four panels: PCA and t-SNE, before and after training; a class has one colour and marker in all panels."""

from __future__ import annotations

from typing import Any

from frostline.report.figures.draw.style import escape_dollar, legend, line_styles
from frostline.report.figures.vectors import REST, VectorsFigure

SIZE = 3.2  # points
PALE = {"color": "#B3B3B3", "marker": "."}


def draw_vectors(panels: Any, figure: VectorsFigure) -> None:
    """Draw on panels (2, 2)."""
    styles = line_styles(len(figure.classes))
    for axes, panel in zip(panels.flat, figure.panels, strict=True):
        for at in _drawing_order(figure):
            name = figure.classes[at]
            style = PALE if name == REST else styles[at]
            points = panel.points[figure.class_of == at]
            marker = {"color": style["color"], "marker": style["marker"], "linestyle": "none"}
            axes.plot(points[:, 0], points[:, 1], **marker, markersize=SIZE, markeredgewidth=0)
            if axes is panels.flat[0]:
                axes.plot([], [], **marker, markersize=6, label=escape_dollar(name))
        axes.set_aspect("equal", adjustable="datalim")
        axes.set(xticks=[], yticks=[])
        axes.set_title(panel.title, loc="left", fontsize=9)
    legend(panels.flat[0])


def _drawing_order(figure: VectorsFigure) -> list[int]:
    """Return the class indices, the other classes first so that the coloured ones are drawn above them."""
    return sorted(range(len(figure.classes)), key=lambda at: figure.classes[at] != REST)
