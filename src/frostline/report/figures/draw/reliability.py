"""Accuracy by confidence, marks by how many texts; on the diagonal a model is right as often as it is sure."""

from __future__ import annotations

from typing import Any

from frostline.report.figures.draw.style import INK, escape_dollar, legend, line_styles
from frostline.report.figures.reliability import ReliabilityFigure

SMALL, LARGE = 8, 160  # square points: of a bin with next to no text, and how much more with all of them


def draw(axes: Any, found: ReliabilityFigure) -> None:
    axes.plot([0, 1], [0, 1], color=INK, linestyle=":", linewidth=1, label="as sure as right")
    for one, look in zip(found.arms, line_styles(len(found.arms)), strict=True):
        x, y = [own.confidence for own in one.bins], [own.accuracy for own in one.bins]
        texts = sum(own.texts for own in one.bins)
        line = {"color": look["color"], "linestyle": look["linestyle"]}
        axes.plot(x, y, **line)
        sizes = [SMALL + LARGE * own.texts / texts for own in one.bins]
        axes.scatter(x, y, s=sizes, color=look["color"], marker=look["marker"], edgecolor=INK, linewidth=0.6, zorder=3)
        axes.plot([], [], label=f"{escape_dollar(one.label)}, ECE {one.ece:.3f}", markersize=6, **look)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    legend(axes)
