"""Draw accuracy by confidence, with markers sized by the number of texts; the diagonal is perfect calibration."""

from __future__ import annotations

from typing import Any

from frostline.report.figures.draw.style import INK, escape_dollar, legend, look_style
from frostline.report.figures.reliability import ReliabilityFigure

SMALL, LARGE = 8, 160  # square points: of an almost empty bin, and what is added for all texts


def draw_reliability(axes: Any, figure: ReliabilityFigure) -> None:
    axes.plot([0, 1], [0, 1], color=INK, linestyle=":", linewidth=1, label="perfect calibration")
    for arm in figure.arms:
        style = look_style(arm.look)
        x, y = [one.confidence for one in arm.bins], [one.accuracy for one in arm.bins]
        texts = sum(one.texts for one in arm.bins)
        axes.plot(x, y, color=style["color"], linestyle=style["linestyle"])
        sizes = [SMALL + LARGE * one.texts / texts for one in arm.bins]
        marker = {"color": style["color"], "marker": style["marker"]}
        axes.scatter(x, y, s=sizes, **marker, edgecolor=INK, linewidth=0.6, zorder=3)
        axes.plot([], [], label=f"{escape_dollar(arm.label)}, ECE {arm.ece:.3f}", markersize=6, **style)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    legend(axes)
