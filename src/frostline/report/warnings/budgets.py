"""Warnings of rows with unequal budgets: epochs, batch size, number of learning rates tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from frostline.report.grid import Grid, Key
from frostline.report.read.runs import RunRecord, Value, format_pairs, format_value
from frostline.report.warnings.warning import ReportWarning, format_count

BUDGET_KEYS = ("trainer.max_epochs", "dataset.batch_size")
LEARNING_RATE = "optimizer.lr"
STEPS = "cost/steps"


def unequal_budgets(grid: Grid, all_rates: Grid) -> Iterator[ReportWarning]:
    """Warn of rows with different budgets.

    all_rates: the complete runs of the same rows and columns at all learning rates. Rows in which nothing is trained
    by gradient steps, such as those of another program, have no budget.
    """
    for key in (key for key in BUDGET_KEYS if key not in grid.shown):
        yield from _compare_rows(grid, f"rows differ in {key}", partial(_values_of, key))
    if all(STEPS in run.metrics for runs in grid.at.values() for run in runs if is_trained(run)):
        yield from _compare_rows(grid, "rows differ in optimizer steps", _steps_of)
    if LEARNING_RATE not in grid.shown and "seed" not in grid.shown:
        what = f"rows differ in the number of learning rates ({LEARNING_RATE}) that were tried"
        yield from _compare_rows(all_rates, what, _count_rates, grid)


def _compare_rows(
    grid: Grid, what: str, describe: Callable[[Sequence[RunRecord]], str], shown: Grid | None = None
) -> Iterator[ReportWarning]:
    """Warn once for all columns that have the same differences. shown: the rows and columns to compare."""
    shown = shown or grid
    columns: dict[tuple[str, ...], list[str]] = {}
    for col in shown.cols:
        groups: dict[str, list[Key]] = {}
        for row in shown.rows:
            if runs := [run for run in grid.cell(row, col) if is_trained(run)]:
                groups.setdefault(describe(runs), []).append(row)
        if len(groups) > 1:
            rows = tuple(f"{value} in {_row_names(grid, same)}" for value, same in groups.items())
            columns.setdefault(rows, []).append(format_pairs(grid.col_keys, col))
    for rows, cols in columns.items():
        where = f" in {' and '.join(cols)}" if grid.col_keys else ""
        yield ReportWarning(f"{what}{where}", rows)


def _row_names(grid: Grid, rows: Sequence[Key]) -> str:
    return " and ".join(format_pairs(grid.row_keys, row) for row in rows)


def _values_of(key: str, runs: Sequence[RunRecord]) -> str:
    values: dict[Value, None] = dict.fromkeys(run.value(key) for run in runs)
    return " or ".join(sorted(map(format_value, values)))


def _steps_of(runs: Sequence[RunRecord]) -> str:
    steps = sorted(int(run.metrics[STEPS]) for run in runs)
    return f"{steps[0]:,}" if steps[0] == steps[-1] else f"{steps[0]:,} to {steps[-1]:,}"


def _count_rates(runs: Sequence[RunRecord]) -> str:
    return format_count(len({run.value(LEARNING_RATE) for run in runs}), "learning rate")


def is_trained(run: RunRecord) -> bool:
    """Return whether any parameter of the run is trained."""
    if len(run.config) > 1 and LEARNING_RATE not in run.config:
        return False
    return run.value("trainer.max_epochs") != 0 and run.metrics.get("parameters/ever_trainable") != 0
