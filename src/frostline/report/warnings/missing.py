"""Warnings of missing seeds, folds, cells and metrics, and of collapsed runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from frostline.report.completeness import MissingRuns
from frostline.report.grid import Grid, Key
from frostline.report.read.runs import RunRecord, format_pairs, format_value
from frostline.report.warnings.warning import ReportWarning, format_count


def missing_runs(grid: Grid, missing: Mapping[tuple[Key, Key], MissingRuns]) -> Iterator[ReportWarning]:
    """Warn of empty cells, and of cells without seeds or folds that other cells have or their study asks for."""
    empty, incomplete = [], []
    for row in grid.rows:
        for col in grid.cols:
            name, of_cell = format_pairs(grid.shown, (*row, *col)), missing.get((row, col))
            if of_cell is None:
                empty.append(name)
            elif names := [*(f"seed {format_value(seed)}" for seed in of_cell.seeds), *of_cell.folds]:
                incomplete.append(f"{name}: {', '.join(names)}")
    if empty:
        yield ReportWarning(f"{format_count(len(empty), 'cell')} without a complete run", empty)
    if incomplete:
        what = f"{format_count(len(incomplete), 'cell')} without runs that other cells have or the study asks for"
        yield ReportWarning(what, incomplete)


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
