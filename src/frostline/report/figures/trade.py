"""A score against what was spent for it, and which arms nothing beats in both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.cells import make_cell
from frostline.report.figures.figure import Figure, MissingFigure, arms_of, file_name
from frostline.report.statistics.intervals import Summary
from frostline.results.metric_names import better

COSTS = {
    "parameters/ever_trainable": "parameters that learned",
    "cost/texts_encoded": "texts encoded",
    "cost/seconds": "seconds",
}


@dataclass(frozen=True)
class CostPoint:
    """An arm: score and what it spent, over its seeds; collapsed runs are left out, as in the table."""

    label: str
    score: Summary
    spent: Summary

    @property
    def place(self) -> tuple[float, float]:
        """What it spent, and its score."""
        assert self.spent.mean is not None and self.score.mean is not None
        return self.spent.mean, self.score.mean


@dataclass(frozen=True)
class TradeoffFigure(Figure):
    """front: labels of the points that no other is better than in both, by what they spent."""

    metric: str
    spent: str
    points: Sequence[CostPoint]
    front: Sequence[str]


def tradeoff_figures(study: Report) -> Iterator[TradeoffFigure | MissingFigure]:
    for metric in study.asked.metrics:
        for spent, words in COSTS.items():
            if metric == spent:
                continue
            points = _points(study, metric, spent)
            title = f"{metric} against {words}"
            if not points:
                yield MissingFigure(title, f"no run has both {metric} and {spent}")
            elif len(points) < 2:
                yield MissingFigure(title, "there is one arm alone")
            else:
                yield _trade(metric, spent, title, points)


def _trade(metric: str, spent: str, title: str, points: Sequence[CostPoint]) -> TradeoffFigure:
    best = pareto_front(metric, [point.place for point in points])
    labels = [points[at].label for at in best]
    says = f"On the Pareto front, of {len(points)} arms: {'; '.join(labels)}."
    return TradeoffFigure(file_name("cost", metric, spent.split("/")[1]), title, says, metric, spent, points, labels)


def _points(study: Report, metric: str, spent: str) -> list[CostPoint]:
    found = []
    for arm in arms_of(study):
        score, cost = (make_cell(arm.row, arm.col, name, arm.runs, study.collapsed).told for name in (metric, spent))
        if score.mean is not None and cost.mean is not None:
            found.append(CostPoint(arm.label, score, cost))
    return found


def pareto_front(metric: str, places: Sequence[tuple[float, float]]) -> list[int]:
    """places: (spent, score) of each -> which are on the Pareto front: what costs no more is never better.

    By what they spent; of two that are equal in both, both.
    """
    found: list[int] = []
    for at in sorted(range(len(places)), key=lambda i: places[i][0]):
        spent, score = places[at]
        beaten = any(
            not better(metric, score, other[1]) and (other[0] < spent or better(metric, other[1], score))
            for other in places
            if other[0] <= spent and other != places[at]
        )
        if not beaten:
            found.append(at)
    return found
