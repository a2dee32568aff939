"""The table as a picture: a score and its interval for each row, a panel for each column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.cells import make_cell
from frostline.report.figures.figure import Figure, MissingFigure, arm_label, file_name
from frostline.report.grid import Key
from frostline.report.statistics.intervals import Summary

ROWS, COLS = 40, 6  # that find room


@dataclass(frozen=True)
class ScoresFigure(Figure):
    """rows, cols: their labels. kinds: of each row the value of its last key, which has a look of its own; groups:
    those of the others, which stand together.

    told: of each column of each row, over its seeds; None where there is no run, or all have collapsed.
    """

    metric: str
    rows: Sequence[str]
    cols: Sequence[str]
    kinds: Sequence[str]
    groups: Sequence[str]
    told: Sequence[Sequence[Summary | None]]


def score_figures(study: Report) -> Iterator[ScoresFigure | MissingFigure]:
    grid = study.grid
    cols = [arm_label(list(zip(grid.col_keys, col, strict=True))) if grid.col_keys else "" for col in grid.cols]
    named = [list(zip(grid.row_keys, row, strict=True)) for row in grid.rows]
    rows, kinds, groups = (
        [arm_label(one[part]) for one in named] for part in (slice(None), slice(-1, None), slice(-1))
    )
    why = _hindrance(len(rows), len(cols))
    for metric in study.asked.metrics:
        if why:
            yield MissingFigure(f"{metric}, row by row", why)
            continue
        told = [[_told(study, row, col, metric) for col in grid.cols] for row in grid.rows]
        says = f"Mean {metric} and its 95% interval over seeds, of each row and column of the table."
        yield ScoresFigure(file_name("scores", metric), metric, says, metric, rows, cols, kinds, groups, told)


def _hindrance(rows: int, cols: int) -> str:
    if rows < 2:
        return "there is one row alone"
    if rows > ROWS or cols > COLS:
        return f"{rows} rows and {cols} columns are more than find room; ask for fewer"
    return ""


def _told(study: Report, row: Key, col: Key, metric: str) -> Summary | None:
    told = make_cell(row, col, metric, study.grid.cell(row, col), study.collapsed).told
    return told if told.n else None
