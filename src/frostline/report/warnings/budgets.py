"""Rows that were not given the same: epochs, texts a step, rates tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from frostline.report.grid import Grid, Key
from frostline.report.read.runs import RunRecord, Value, format_pairs, format_value
from frostline.report.warnings.warning import ReportWarning, format_count

GIVEN = ("trainer.max_epochs", "dataset.batch_size")
RATE = "optimizer.lr"


def unequal_budgets(grid: Grid, tried: Grid) -> Iterator[ReportWarning]:
    """tried: all complete runs of the folders in the same rows and columns, those at other rates too.

    Rows in which nothing learns by steps, as those of another program that has no rate, need no budget.
    """
    for key in (key for key in GIVEN if key not in grid.shown):
        yield from _unmatched(grid, f"the rows have not the same {key}", partial(_values, key))
    if RATE not in grid.shown:
        yield from _unmatched(tried, f"the rows have not tried as many rates ({RATE})", _rates, grid)


def _unmatched(
    grid: Grid, what: str, told_of: Callable[[Sequence[RunRecord]], str], shown: Grid | None = None
) -> Iterator[ReportWarning]:
    shown = shown or grid
    said: dict[tuple[str, ...], list[str]] = {}
    for col in shown.cols:
        groups: dict[str, list[Key]] = {}
        for row in shown.rows:
            if runs := [run for run in grid.cell(row, col) if is_trained(run)]:
                groups.setdefault(told_of(runs), []).append(row)
        if len(groups) > 1:
            rows = tuple(f"{value} in {_rows(grid, own)}" for value, own in groups.items())
            said.setdefault(rows, []).append(format_pairs(grid.col_keys, col))
    for rows, cols in said.items():
        where = f" in {' and '.join(cols)}" if grid.col_keys else ""
        yield ReportWarning(f"{what}{where}", rows)


def _rows(grid: Grid, rows: Sequence[Key]) -> str:
    return " and ".join(format_pairs(grid.row_keys, row) for row in rows)


def _values(key: str, runs: Sequence[RunRecord]) -> str:
    found: dict[Value, None] = dict.fromkeys(run.value(key) for run in runs)
    return " or ".join(sorted(map(format_value, found)))


def _rates(runs: Sequence[RunRecord]) -> str:
    return format_count(len({run.value(RATE) for run in runs}), "rate")


def is_trained(run: RunRecord) -> bool:
    if len(run.config) > 1 and RATE not in run.config:
        return False
    return run.value("trainer.max_epochs") != 0 and run.metrics.get("parameters/ever_trainable") != 0
