"""One cell of a table: the summary of its runs, and their difference from the baseline."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from frostline.report.completeness import MissingRuns
from frostline.report.grid import Key
from frostline.report.read.runs import RunRecord, is_covered
from frostline.report.statistics import paired
from frostline.report.statistics.intervals import Summary, summarize
from frostline.report.statistics.paired import PairedDifference
from frostline.results.metric_names import is_better, metric_range


@dataclass(frozen=True)
class TableCell:
    """A metric of the runs of a row and a column.

    values: seed -> value, averaged over the splits of the seed, without collapsed runs. runs, seeds: how many there
    are, with collapsed runs. summary: of the values. summary_with_collapsed: of all runs. p: after Holm's correction
    over the table. wanted: the number of seeds that the cell should have. missing_folds: of the seeds that it has.
    mixed: config key that the table does not show -> the number of its values among the runs.
    """

    row: Key
    col: Key
    metric: str
    values: Mapping[Any, float]
    runs: int
    seeds: int
    collapsed: int
    summary: Summary
    summary_with_collapsed: Summary
    wanted: int = 0
    missing_folds: int = 0
    mixed: Mapping[str, int] = field(default_factory=dict)
    difference: PairedDifference | None = None
    difference_with_collapsed: float | None = None
    p: float | None = None
    is_baseline: bool = False

    @property
    def lacks_runs(self) -> bool:
        """Whether seeds or folds are missing."""
        return self.seeds < self.wanted or self.missing_folds > 0

    @property
    def is_better(self) -> bool:
        """Whether it is significantly better than the baseline, in the direction of the metric."""
        if self.difference is None or self.p is None or self.p >= paired.LEVEL:
            return False
        return is_better(self.metric, self.difference.mean, 0.0)


def make_cell(
    row: Key,
    col: Key,
    metric: str,
    runs: Sequence[RunRecord],
    collapsed: Collection[str],
    missing: MissingRuns | None = None,
    mixed: Mapping[str, int] | None = None,
) -> TableCell:
    """Summarize the runs of a cell. collapsed: the folders of collapsed runs. mixed: as in `TableCell`."""
    finite = [run for run in runs if math.isfinite(run.metrics.get(metric, math.nan))]
    counted = [run for run in finite if run.folder not in collapsed]
    values, all_values = seed_means(counted, metric), seed_means(finite, metric)
    within = metric_range(metric)
    return TableCell(
        row,
        col,
        metric,
        values,
        runs=len(finite),
        seeds=len(all_values),
        collapsed=len(finite) - len(counted),
        summary=summarize(list(values.values()), within),
        summary_with_collapsed=summarize(list(all_values.values()), within),
        wanted=missing.wanted if missing else 0,
        missing_folds=len(missing.folds) if missing else 0,
        mixed=mixed or {},
    )


def seed_means(runs: Iterable[RunRecord], metric: str) -> dict[Any, float]:
    """Return seed -> the mean over the folds and other splits of the seed, which are one repeated measurement."""
    values: dict[Any, list[float]] = {}
    for run in runs:
        values.setdefault(run.seed, []).append(run.metrics[metric])
    return {seed: math.fsum(repeats) / len(repeats) for seed, repeats in values.items()}


def split_means(
    runs: Iterable[RunRecord], metric: str, row_keys: Sequence[str], collapsed: Collection[str]
) -> dict[tuple[Any, Any], float]:
    """Return (seed, split) -> value. row_keys are no part of the split, because rows differ in them."""
    values: dict[tuple[Any, Any], list[float]] = {}
    for run in runs:
        value = run.metrics.get(metric, math.nan)
        if math.isfinite(value) and run.folder not in collapsed:
            values.setdefault(split_of(run, row_keys), []).append(value)
    return {pair: math.fsum(repeats) / len(repeats) for pair, repeats in values.items()}


def split_of(run: RunRecord, row_keys: Sequence[str]) -> tuple[Any, Any]:
    """Return the seed of a run, and what else determines its texts, without the keys in which rows differ."""
    return run.seed, (run.repeat, tuple(pair for pair in run.texts if not is_covered(pair[0], row_keys)))
