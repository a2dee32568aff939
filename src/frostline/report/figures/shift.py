"""The home domain against a shifted one: what is lost away from the texts that were trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.cells import make_cell
from frostline.report.figures.figure import Figure, MissingFigure, arms_of, file_name
from frostline.report.statistics.intervals import Summary

HOME, AWAY = "test/", "test_"


@dataclass(frozen=True)
class ShiftPoint:
    """An arm, over its seeds: its score at home and away."""

    label: str
    home: Summary
    away: Summary


@dataclass(frozen=True)
class ShiftFigure(Figure):
    home: str
    away: str
    places: Sequence[ShiftPoint]


def shift_figures(study: Report) -> Iterator[ShiftFigure | MissingFigure]:
    names = sorted({name for run in study.runs for name in run.metrics if name.startswith(AWAY)})
    for metric in study.asked.metrics:
        if not metric.startswith(HOME):
            continue
        away = [name for name in names if name.partition("/")[2] == metric.removeprefix(HOME)]
        if not away:
            yield MissingFigure(
                f"{metric}, home against shifted", "no run was tested on another domain (dataset.shifts)"
            )
        for name in away:
            yield _shift(study, metric, name)


def _shift(study: Report, home: str, away: str) -> ShiftFigure | MissingFigure:
    places, title = [], f"{home} against {away}"
    for arm in arms_of(study):
        runs = [run for run in arm.runs if {home, away} <= set(run.metrics)]  # the same runs on both axes
        one, other = (make_cell(arm.row, arm.col, name, runs, study.collapsed).told for name in (home, away))
        if one.n and other.n:
            places.append(ShiftPoint(arm.label, one, other))
    if not places:
        return MissingFigure(title, "no run has both")
    told = [f"{place.label} {place.home.mean:.3f} at home, {place.away.mean:.3f} away" for place in places]
    return ShiftFigure(file_name("shift", home, away), title, f"{'; '.join(told)}.", home, away, places)
