"""One number of a table: what the runs of a row, a column and a metric say, and how they differ from the baseline."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frostline.report.grid import Key
from frostline.report.read.runs import RunRecord, is_covered
from frostline.report.statistics import paired
from frostline.report.statistics.intervals import Summary, summarize
from frostline.report.statistics.paired import PairedDifference
from frostline.results.metric_names import better


@dataclass(frozen=True)
class TableCell:
    """row, col: values of the shown keys. values: seed -> its value, the mean over its splits, of runs that have not
    collapsed. runs: all complete ones, of how many seeds.

    told: mean and interval of the values; with_collapsed: of all runs. p: after Holm's correction over the table.
    """

    row: Key
    col: Key
    metric: str
    values: Mapping[Any, float]
    runs: int
    seeds: int
    collapsed: int
    told: Summary
    with_collapsed: Summary
    difference: PairedDifference | None = None
    difference_with_collapsed: float | None = None
    p: float | None = None
    is_baseline: bool = False

    @property
    def is_better(self) -> bool:
        """Than the baseline, by the metric's own direction, so surely that chance alone would hardly do it."""
        if self.difference is None or self.p is None or self.p >= paired.LEVEL:
            return False
        return better(self.metric, self.difference.mean, 0.0)


def make_cell(row: Key, col: Key, metric: str, runs: Sequence[RunRecord], fallen: Collection[str]) -> TableCell:
    """fallen: folders of the runs that have collapsed."""
    known = [run for run in runs if math.isfinite(run.metrics.get(metric, math.nan))]
    standing = [run for run in known if run.folder not in fallen]
    values, every = seed_means(standing, metric), seed_means(known, metric)
    return TableCell(
        row,
        col,
        metric,
        values,
        runs=len(known),
        seeds=len(every),
        collapsed=len(known) - len(standing),
        told=summarize(list(values.values())),
        with_collapsed=summarize(list(every.values())),
    )


def seed_means(runs: Iterable[RunRecord], metric: str) -> dict[Any, float]:
    """Folds and other splits of a seed are one measurement, repeated: their mean."""
    values: dict[Any, list[float]] = {}
    for run in runs:
        values.setdefault(run.seed, []).append(run.metrics[metric])
    return {seed: math.fsum(own) / len(own) for seed, own in values.items()}


def split_means(
    runs: Iterable[RunRecord], metric: str, without: Sequence[str], fallen: Collection[str]
) -> dict[tuple[Any, Any], float]:
    """(seed, split) -> value. without: keys that rows differ in, of which no pair could agree."""
    values: dict[tuple[Any, Any], list[float]] = {}
    for run in runs:
        value = run.metrics.get(metric, math.nan)
        if math.isfinite(value) and run.folder not in fallen:
            texts = tuple(pair for pair in run.texts if not is_covered(pair[0], without))
            values.setdefault((run.seed, (run.repeat, texts)), []).append(value)
    return {pair: math.fsum(own) / len(own) for pair, own in values.items()}
