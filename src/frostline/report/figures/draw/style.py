"""The style of all figures: colours and markers for colour-blind readers, and for print without colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

from frostline.report.figures.looks import Look
from frostline.report.statistics.intervals import Summary

INK = "#1b1b1a"  # of text and axes; the HTML page replaces it by its text colour
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")  # Okabe and Ito, without yellow
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
FILLINGS = ("full", "none", "left", "right", "top", "bottom")
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",  # text remains text, which can be searched and uses the reader's font
    "pdf.fonttype": 42,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial"],
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "legend.frameon": False,
    "path.simplify": True,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
TITLE_WIDTH = 45  # letters of a line of the title


def look_style(look: Look) -> dict[str, Any]:
    """Return the colour, marker, line and filling of an arm, which are the same in every figure of a report."""
    colour, filled = COLOURS[look.colour % len(COLOURS)], look.filling == 0
    return {
        "color": colour,
        "marker": MARKS[look.marker % len(MARKS)],
        "linestyle": DASHES[look.line % len(DASHES)],
        "fillstyle": FILLINGS[look.filling % len(FILLINGS)],
        "markeredgecolor": INK if filled else colour,  # an empty marker has no colour but that of its edge
        "markeredgewidth": 0.6 if filled else 1.4,
    }


def line_styles(count: int) -> list[dict[str, Any]]:
    """Return the colour, marker and line of each curve; no two of the first 315 have all three in common."""
    combinations = zip(cycle(COLOURS), cycle(MARKS), cycle(DASHES), strict=False)
    return [
        {"color": colour, "marker": mark, "linestyle": dash, "markeredgecolor": INK, "markeredgewidth": 0.6}
        for colour, mark, dash in islice(combinations, count)
    ]


def error_bars(values: Sequence[Summary]) -> list[list[float]]:
    """Return the distances (2, N) from the means to the ends of their intervals; 0 without an interval."""
    low = [(value.mean or 0) - value.low if value.low is not None else 0.0 for value in values]
    high = [value.high - (value.mean or 0) if value.high is not None else 0.0 for value in values]
    return [low, high]


def escape_dollar(text: str) -> str:
    """Escape dollar signs, which would begin a formula in matplotlib."""
    return text.replace("$", r"\$")


def legend(axes: Any) -> None:
    """Add a legend below the axes, in as many columns as its labels leave room for."""
    _, labels = axes.get_legend_handles_labels()
    if labels:
        longest = max(map(len, labels))
        columns = 1 if longest > 24 else 2 if longest > 12 else 3
        axes.figure.legend(loc="outside lower center", ncols=columns, fontsize=9, handlelength=3.4)


def log_axis(axes: Any, which: str, values: Sequence[float]) -> None:
    """Make an axis logarithmic if values differ by a factor of ten or more; linear near zero if there is a zero."""
    positive = [value for value in values if value > 0]
    if positive and max(positive) >= 10 * min(positive):
        set_scale = getattr(axes, f"set_{which}scale")
        if len(positive) == len(values):
            set_scale("log")
        else:
            low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
            set_scale("symlog", linthresh=10**low, linscale=0.7)
            decades = [10.0**power for power in range(low, high + 1)]
            getattr(axes, f"set_{which}ticks")([0, *decades])  # more ticks would overlap with 0
