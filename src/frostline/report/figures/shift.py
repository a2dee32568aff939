"""Scores on the in-domain test set against scores on a shifted test set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.cells import make_cell
from frostline.report.figures.figure import Figure, MissingFigure, arms_of, file_name
from frostline.report.figures.looks import DEFAULT_LOOK, Look
from frostline.report.statistics.intervals import Summary

IN_DOMAIN, SHIFTED = "test/", "test_"  # prefixes of metrics


@dataclass(frozen=True)
class ShiftPoint:
    """The scores of an arm over its seeds, in-domain and shifted."""

    label: str
    in_domain: Summary
    shifted: Summary
    look: Look = DEFAULT_LOOK


@dataclass(frozen=True)
class ShiftFigure(Figure):
    """in_domain, shifted: the metrics on the two axes."""

    in_domain: str
    shifted: str
    points: Sequence[ShiftPoint]


def shift_figures(report: Report) -> Iterator[ShiftFigure | MissingFigure]:
    """Yield one figure for each metric and shifted test set."""
    names = sorted({name for run in report.runs for name in run.metrics if name.startswith(SHIFTED)})
    for metric in report.query.metrics:
        if not metric.startswith(IN_DOMAIN):
            continue
        shifted = [name for name in names if name.partition("/")[2] == metric.removeprefix(IN_DOMAIN)]
        if not shifted:
            why = "no run was tested on another domain (dataset.shifts)"
            yield MissingFigure(f"{metric}, in-domain against shifted", why)
        for name in shifted:
            yield _shift_figure(report, metric, name)


def _shift_figure(report: Report, in_domain: str, shifted: str) -> ShiftFigure | MissingFigure:
    points, title = [], f"{in_domain} against {shifted}"
    for arm in arms_of(report):
        runs = [run for run in arm.runs if {in_domain, shifted} <= set(run.metrics)]  # the same runs on both axes
        x, y = (make_cell(arm.row, arm.col, name, runs, report.collapsed).summary for name in (in_domain, shifted))
        if x.n and y.n:
            points.append(ShiftPoint(arm.label, x, y, arm.look))
    if not points:
        return MissingFigure(title, "no run has both")
    words = [
        f"{point.label} {point.in_domain.mean:.3f} in-domain, {point.shifted.mean:.3f} shifted" for point in points
    ]
    name = file_name("shift", in_domain, shifted)
    return ShiftFigure(name, title, f"{'; '.join(words)}.", in_domain, shifted, points)
