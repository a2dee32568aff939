"""Warnings of missing seeds, folds, cells and metrics, and of collapsed runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from frostline.report.grid import Grid
from frostline.report.read.runs import RunRecord, format_pairs, format_value
from frostline.report.warnings.warning import ReportWarning, format_count

Repeat = tuple[Any, Any]  # seed, and fold or other split of the data set


def missing_runs(grid: Grid) -> Iterator[ReportWarning]:
    """Warn of empty cells, and of cells without seeds or folds that other cells have."""
    seeds = {run.seed for runs in grid.at.values() for run in runs} if "seed" not in grid.shown else set()
    repeats = _repeats_by_dataset(grid)
    empty, incomplete = [], []
    for row in grid.rows:
        for col in grid.cols:
            runs, name = grid.cell(row, col), format_pairs(grid.shown, (*row, *col))
            if not runs:
                empty.append(name)
            elif missing := [*_missing_seeds(runs, seeds), *_missing_folds(runs, repeats, grid.shown)]:
                incomplete.append(f"{name}: {', '.join(missing)}")
    if empty:
        yield ReportWarning(f"{format_count(len(empty), 'cell')} without a complete run", empty)
    if incomplete:
        what = f"{format_count(len(incomplete), 'cell')} without runs that other cells have"
        yield ReportWarning(what, incomplete)


def _missing_seeds(runs: Sequence[RunRecord], seeds: set[Any]) -> list[str]:
    return [f"seed {format_value(seed)}" for seed in sorted(seeds - {run.seed for run in runs}, key=str)]


def _repeats_by_dataset(grid: Grid) -> dict[Any, set[Repeat]]:
    """Return data set -> all pairs of seed and fold that occur in the grid."""
    repeats: dict[Any, set[Repeat]] = {}
    for runs in grid.at.values():
        for run in runs:
            repeats.setdefault(_dataset_of(run), set()).add(_repeat_of(run, grid.shown))
    return repeats


def _dataset_of(run: RunRecord) -> Any:
    return run.choices.get("dataset"), run.texts


def _repeat_of(run: RunRecord, shown: Sequence[str]) -> Repeat:
    return ("" if "seed" in shown else run.seed), tuple(pair for pair in run.repeat if pair[0] not in shown)


def _missing_folds(runs: Sequence[RunRecord], repeats: dict[Any, set[Repeat]], shown: Sequence[str]) -> list[str]:
    """Return the missing folds of the seeds that the cell has."""
    present = {_repeat_of(run, shown) for run in runs}
    seeds = {seed for seed, _ in present}
    missing = set().union(*(repeats[_dataset_of(run)] for run in runs)) - present
    names = sorted(
        (str(seed), format_pairs(*zip(*pairs, strict=True))) for seed, pairs in missing if seed in seeds and pairs
    )
    return [f"seed {seed} at {fold}" if seed else fold for seed, fold in names]


def missing_values(runs: Sequence[RunRecord], metrics: Sequence[str]) -> Iterator[ReportWarning]:
    """Warn of complete runs without a metric of the table, or with a value that is not finite."""
    for metric in metrics:
        without = [run.folder for run in runs if metric not in run.metrics]
        if without:
            yield ReportWarning(f"{format_count(len(without))} without {metric}", without)
        infinite = [run for run in runs if not math.isfinite(run.metrics.get(metric, 0.0))]
        if infinite:
            names = [f"{run.folder} ({run.metrics[metric]})" for run in infinite]
            yield ReportWarning(f"{format_count(len(names))} whose {metric} is not finite; they are left out", names)


def collapsed_runs(runs: Sequence[RunRecord]) -> Iterator[ReportWarning]:
    """Warn of collapsed runs."""
    if runs:
        what = f"{format_count(len(runs))} collapsed: no better than a guess without the texts, although other seeds"
        what += " are better; they are counted separately and left out of means and tests"
        yield ReportWarning(what, [f"{run.folder} (test/accuracy {run.metrics['test/accuracy']:.3f})" for run in runs])
