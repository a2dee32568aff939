"""The table as a figure: a score with its interval for each row, a panel for each column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.cells import make_cell
from frostline.report.figures.figure import Figure, MissingFigure, arm_label, file_name
from frostline.report.figures.looks import Look, looks_of
from frostline.report.grid import Key
from frostline.report.statistics.intervals import Summary

MAX_ROWS, MAX_COLS = 40, 6


@dataclass(frozen=True)
class ScoresFigure(Figure):
    """Scores by row and column.

    rows, cols: their labels. looks: of the rows. groups: the values of all keys of a row but the last; a gap separates
    groups. summaries: (rows, cols) over seeds; None without
    a run, or if all runs collapsed.
    """

    metric: str
    rows: Sequence[str]
    cols: Sequence[str]
    looks: Sequence[Look]
    groups: Sequence[str]
    summaries: Sequence[Sequence[Summary | None]]


def score_figures(report: Report) -> Iterator[ScoresFigure | MissingFigure]:
    """Yield one figure for each metric."""
    grid = report.grid
    cols = [arm_label(list(zip(grid.col_keys, col, strict=True))) if grid.col_keys else "" for col in grid.cols]
    pairs = [list(zip(grid.row_keys, row, strict=True)) for row in grid.rows]
    rows, groups = ([arm_label(row[part]) for row in pairs] for part in (slice(None), slice(-1)))
    looks = looks_of(grid)
    row_looks = [next(looks[row, col] for col in grid.cols if (row, col) in looks) for row in grid.rows]
    why = _why_not(len(rows), len(cols))
    for metric in report.query.metrics:
        if why:
            yield MissingFigure(f"{metric}, row by row", why)
            continue
        summaries = [[_summary_of(report, row, col, metric) for col in grid.cols] for row in grid.rows]
        caption = f"Mean {metric} and its 95% interval over seeds (Student's t), for each row and column of the table."
        yield ScoresFigure(
            file_name("scores", metric), metric, caption, metric, rows, cols, row_looks, groups, summaries
        )


def _why_not(rows: int, cols: int) -> str:
    if rows < 2:
        return "there is only one row"
    if rows > MAX_ROWS or cols > MAX_COLS:
        return f"{rows} rows and {cols} columns are too many; select fewer"
    return ""


def _summary_of(report: Report, row: Key, col: Key, metric: str) -> Summary | None:
    summary = make_cell(row, col, metric, report.grid.cell(row, col), report.collapsed).summary
    return summary if summary.n else None
