"""What all figures have in common: colours and marks that the colour-blind tell apart, also in print without colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

from frostline.report.statistics.intervals import Summary

INK = "#1b1b1a"  # of text and axes; a page puts its own in its place
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")  # Okabe and Ito, less the pale
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: to be searched, and in the reader's own font
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
LONG = 45  # letters of a title line


def line_styles(count: int) -> list[dict[str, Any]]:
    """Colour, mark and line of each: no two of the first 315 have all three in common."""
    made = zip(cycle(COLOURS), cycle(MARKS), cycle(DASHES), strict=False)
    return [
        {"color": colour, "marker": mark, "linestyle": dash, "markeredgecolor": INK, "markeredgewidth": 0.6}
        for colour, mark, dash in islice(made, count)
    ]


def error_bars(values: Sequence[Summary]) -> list[list[float]]:
    """How far each interval goes below and above its mean, (2, N); nothing where there is none."""
    low = [(one.mean or 0) - one.low if one.low is not None else 0.0 for one in values]
    high = [one.high - (one.mean or 0) if one.high is not None else 0.0 for one in values]
    return [low, high]


def escape_dollar(text: str) -> str:
    """A dollar sign is a dollar sign, and no formula begins with it."""
    return text.replace("$", r"\$")


def legend(axes: Any) -> None:
    """Below the axes, where it hides nothing, in as many columns as its words leave room for."""
    _, labels = axes.get_legend_handles_labels()
    if labels:
        longest = max(map(len, labels))
        columns = 1 if longest > 24 else 2 if longest > 12 else 3
        axes.figure.legend(loc="outside lower center", ncols=columns, fontsize=9, handlelength=3.4)


def log_axis(axes: Any, which: str, values: Sequence[float]) -> None:
    """By ratios where values differ by ten times or more; with zero among them linear near it."""
    above = [value for value in values if value > 0]
    if above and max(above) >= 10 * min(above):
        set_scale = getattr(axes, f"set_{which}scale")
        if len(above) == len(values):
            set_scale("log")
        else:
            low, high = math.floor(math.log10(min(above))), math.ceil(math.log10(max(above)))
            set_scale("symlog", linthresh=10**low, linscale=0.7)
            decades = [10.0**power for power in range(low, high + 1)]
            getattr(axes, f"set_{which}ticks")([0, *decades])  # else one within the linear part is written over 0
