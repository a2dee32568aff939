"""The text of a cell in markdown, LaTeX and HTML."""

from __future__ import annotations

from frostline.report.cells import TableCell
from frostline.report.grid import Key
from frostline.report.read.runs import format_pairs
from frostline.report.statistics.paired import format_p
from frostline.report.table import ReportTable
from frostline.report.warnings.warning import format_count

MIXED_KEYS = 2  # up to so many are named in a cell


def format_number(value: float, like: float | None = None) -> str:
    """Format with three decimals below 10, one below 1,000, else none; or with as many decimals as `like` has."""
    size = abs(value if like is None else like)
    return f"{value:,.{0 if size >= 1000 else 1 if size >= 10 else 3}f}"


def format_mean(cell: TableCell) -> str:
    """Return `0.463`, or `none` if all runs collapsed."""
    return "none" if cell.summary.mean is None else format_number(cell.summary.mean)


def format_uncertainty(cell: TableCell, table: ReportTable) -> str:
    """Return `± 0.005`, with the interval `[0.451, 0.475]` on request, and n if it is not that of the caption.

    A cell that lacks runs, or that averages runs with different values of a key, always says so.
    """
    summary, words = cell.summary, []
    if summary.mean is not None and summary.std is not None:
        words.append(f"± {format_number(summary.std, like=summary.mean)}")
        if table.interval and summary.low is not None and summary.high is not None:
            low, high = (format_number(value, like=summary.mean) for value in (summary.low, summary.high))
            words.append(f"[{low}, {high}]")
    marks = [*([] if table.is_usual(cell) else [format_seeds(cell)]), *_mixed(cell)]
    return " ".join([*words, f"({'; '.join(marks)})"] if marks else words)


def format_seeds(cell: TableCell) -> str:
    """Return `n=3`, `3 of 5 seeds` if seeds are missing, or `n=2 of 3, 1 collapsed`."""
    words = []
    if cell.collapsed:
        words.append(f"n={cell.summary.n} of {cell.seeds}, {cell.collapsed} collapsed")
    if cell.seeds < cell.wanted:
        words.append(f"{cell.seeds} of {format_count(cell.wanted, 'seed')}")
    if cell.missing_folds:
        words.append(f"{format_count(cell.missing_folds, 'fold')} missing")
    return "; ".join(words) or f"n={cell.summary.n}"


def _mixed(cell: TableCell) -> list[str]:
    """Return `2 values of optimizer.lr`; of more than two keys, the first and the number of the others."""
    words = [f"{number} values of {key}" for key, number in cell.mixed.items()]
    return [*words[:1], f"and of {len(words) - 1} other keys"] if len(words) > MIXED_KEYS else words


def format_cell(cell: TableCell, table: ReportTable) -> str:
    """Return `0.463 ± 0.005`, followed by the difference from the baseline if there is one."""
    summary = " ".join(filter(None, [format_mean(cell), format_uncertainty(cell, table)]))
    return "; ".join(filter(None, [summary, format_difference(cell)]))


def format_difference(cell: TableCell) -> str:
    """Return `Δ +0.020 [0.011, 0.030], p=0.031`; empty for the baseline itself and without pairs."""
    difference = cell.difference
    if difference is None:
        return ""
    text = f"Δ {format_signed(difference.mean)}"
    if difference.low is not None and difference.high is not None:
        text += f" [{format_signed(difference.low)}, {format_signed(difference.high)}]"
    return text if cell.p is None else f"{text}, {format_p(cell.p)}"


def format_signed(value: float) -> str:
    return ("+" if value >= 0 else "-") + format_number(abs(value))


def column_titles(table: ReportTable) -> list[str]:
    """Return the titles: the values of the column, and the metric if there are several or no column keys."""
    titles = []
    for col in table.cols:
        for metric in table.metrics:
            words = [format_pairs(table.col_keys, col), metric if len(table.metrics) > 1 or not table.col_keys else ""]
            titles.append(" ".join(filter(None, words)))
    return titles


def extra_texts(table: ReportTable, row: Key) -> list[str]:
    """Return the texts of a row in the columns of `--extra`."""
    return [texts[row] for texts in table.extra.values()]


def cells_by_row(table: ReportTable) -> list[list[TableCell | None]]:
    """Return the cells row by row; None where there is no run."""
    columns = [(col, metric) for col in table.cols for metric in table.metrics]
    return [[table.cells.get((row, *column)) for column in columns] for row in table.rows]
