"""Scores against costs, with the Pareto front."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.cells import make_cell
from frostline.report.figures.figure import Figure, MissingFigure, arms_of, file_name
from frostline.report.figures.looks import DEFAULT_LOOK, Look
from frostline.report.statistics.intervals import Summary
from frostline.results.metric_names import is_better

COSTS = {
    "parameters/ever_trainable": "trainable parameters",
    "cost/texts_encoded": "encoder passes (texts)",
    "cost/seconds": "seconds",
}


@dataclass(frozen=True)
class CostPoint:
    """The score and the cost of an arm over its seeds, without collapsed runs."""

    label: str
    score: Summary
    cost: Summary
    look: Look = DEFAULT_LOOK

    @property
    def xy(self) -> tuple[float, float]:
        """The mean cost and the mean score."""
        assert self.cost.mean is not None and self.score.mean is not None
        return self.cost.mean, self.score.mean


@dataclass(frozen=True)
class TradeoffFigure(Figure):
    """cost: a key of COSTS. front: labels of the points on the Pareto front, by cost."""

    metric: str
    cost: str
    points: Sequence[CostPoint]
    front: Sequence[str]


def tradeoff_figures(report: Report) -> Iterator[TradeoffFigure | MissingFigure]:
    """Yield one figure for each metric and cost."""
    for metric in report.query.metrics:
        for cost, words in COSTS.items():
            if metric == cost:
                continue
            points = _cost_points(report, metric, cost)
            title = f"{metric} against {words}"
            if not points:
                yield MissingFigure(title, f"no run has both {metric} and {cost}")
            elif len(points) < 2:
                yield MissingFigure(title, "there is only one arm")
            else:
                yield _tradeoff_figure(metric, cost, title, points)


def _tradeoff_figure(metric: str, cost: str, title: str, points: Sequence[CostPoint]) -> TradeoffFigure:
    labels = [points[at].label for at in pareto_front(metric, [point.xy for point in points])]
    caption = f"On the Pareto front, of {len(points)} arms: {'; '.join(labels)}."
    name = file_name("cost", metric, cost.split("/")[1])
    return TradeoffFigure(name, title, caption, metric, cost, points, labels)


def _cost_points(report: Report, metric: str, cost: str) -> list[CostPoint]:
    points = []
    for arm in arms_of(report):
        y, x = (make_cell(arm.row, arm.col, name, arm.runs, report.collapsed).summary for name in (metric, cost))
        if y.mean is not None and x.mean is not None:
            points.append(CostPoint(arm.label, y, x, arm.look))
    return points


def pareto_front(metric: str, points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the indices of the points (cost, score) on the Pareto front, by cost: no point that costs at most as much
    is better. Of points that are equal in both, all are on it."""
    front: list[int] = []
    for at in sorted(range(len(points)), key=lambda i: points[i][0]):
        cost, score = points[at]
        dominated = any(
            not is_better(metric, score, other[1]) and (other[0] < cost or is_better(metric, other[1], score))
            for other in points
            if other[0] <= cost and other != points[at]
        )
        if not dominated:
            front.append(at)
    return front
