"""Warnings of searches that ended too early: a best learning rate at the edge of its grid, a best epoch that is the
last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from frostline.report.grid import Grid
from frostline.report.read.runs import RunRecord, Value, format_pairs, format_value
from frostline.report.warnings.budgets import LEARNING_RATE, is_trained
from frostline.report.warnings.warning import ReportWarning
from frostline.results.metric_names import DEFAULT_MONITOR
from frostline.results.selection import best_candidate


def rates_at_edges(all_rates: Grid) -> Iterator[ReportWarning]:
    """Warn of cells whose best learning rate on validation is the lowest or the highest that was tried.

    all_rates: the complete runs at all learning rates and seeds, which are neither rows nor columns.
    """
    names = []
    for row in all_rates.rows:
        for col in all_rates.cols:
            scores = _scores_by_rate([run for run in all_rates.cell(row, col) if is_trained(run)])
            metric = _monitor_of(all_rates.cell(row, col))
            best = best_candidate(metric, scores) if len(scores) > 1 else None
            if best is not None and best in (min(scores), max(scores)):
                end = "lowest" if best == min(scores) else "highest"
                cell = format_pairs(all_rates.shown, (*row, *col)) or "all runs"
                names.append(f"{cell}: {format_value(best)}, the {end} of {len(scores)}")
    if names:
        yield ReportWarning(f"the best learning rate ({LEARNING_RATE}) is at the edge of its grid: widen it", names)


def _scores_by_rate(runs: Sequence[RunRecord]) -> dict[float, dict[Value, float]]:
    metric, scores = _monitor_of(runs), dict[float, dict[Value, float]]()
    for run in runs:
        rate = run.value(LEARNING_RATE)
        if isinstance(rate, int | float) and metric in run.metrics:
            scores.setdefault(rate, {})[run.seed, run.repeat] = run.metrics[metric]
    return scores


def _monitor_of(runs: Sequence[RunRecord]) -> str:
    monitors = [run.value("trainer.monitor") for run in runs]
    return next((str(monitor) for monitor in monitors if monitor), DEFAULT_MONITOR)


def last_epochs(grid: Grid) -> Iterator[ReportWarning]:
    """Warn of cells in which the best epoch is the last one in most runs that could have had another."""
    names = []
    for row in grid.rows:
        for col in grid.cols:
            runs = [run for run in grid.cell(row, col) if _selects_epoch(run)]
            last = sum(run.metrics["best/epoch"] >= run.value("trainer.max_epochs") for run in runs)
            if last * 2 > len(runs):
                cell = format_pairs(grid.shown, (*row, *col)) or "all runs"
                names.append(f"{cell}: in {last} of {len(runs)} runs")
    if names:
        yield ReportWarning("the best epoch is the last: train longer", names)


def _selects_epoch(run: RunRecord) -> bool:
    """Return whether the best of several validated epochs was selected."""
    epochs, every = run.value("trainer.max_epochs"), run.value("trainer.check_val_every_n_epoch") or 1
    if not isinstance(epochs, int) or not is_trained(run) or "best/epoch" not in run.metrics:
        return False
    return run.value("trainer.monitor") is not None and epochs > every
