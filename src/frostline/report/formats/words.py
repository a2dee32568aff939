"""A cell in words and numbers, as markdown and LaTeX have it."""

from __future__ import annotations

from frostline.report.cells import TableCell
from frostline.report.read.runs import format_pairs
from frostline.report.statistics.paired import format_p
from frostline.report.table import ReportTable


def format_number(value: float, beside: float | None = None) -> str:
    """Three decimals where that tells something: `0.463`, `12.4`, `4,369,795`; as many as the number beside it has."""
    size = abs(value if beside is None else beside)
    return f"{value:,.{0 if size >= 1000 else 1 if size >= 10 else 3}f}"


def format_summary(cell: TableCell, plus_minus: str = "±") -> str:
    """`0.463 ± 0.005 [0.451, 0.475], n=3`; of a single seed no more than its value."""
    told = cell.told
    if told.mean is None:
        return f"none, {format_seeds(cell)}"
    text = format_number(told.mean)
    if told.std is not None and told.low is not None and told.high is not None:
        std, low, high = (format_number(value, beside=told.mean) for value in (told.std, told.low, told.high))
        text += f" {plus_minus} {std} [{low}, {high}]"
    return f"{text}, {format_seeds(cell)}"


def format_seeds(cell: TableCell) -> str:
    """`n=3`, `n=2 of 3, 1 collapsed`."""
    if not cell.collapsed:
        return f"n={cell.told.n}"
    return f"n={cell.told.n} of {cell.seeds}, {cell.collapsed} collapsed"


def format_difference(cell: TableCell) -> str:
    """`Δ +0.020 [0.011, 0.030], p=0.031`; of the baseline itself, and without pairs, nothing."""
    one = cell.difference
    if one is None:
        return ""
    text = f"Δ {format_signed(one.mean)}"
    if one.low is not None and one.high is not None:
        text += f" [{format_signed(one.low)}, {format_signed(one.high)}]"
    return text if cell.p is None else f"{text}, {format_p(cell.p)}"


def format_signed(value: float) -> str:
    return ("+" if value >= 0 else "-") + format_number(abs(value))


def column_titles(table: ReportTable) -> list[str]:
    """Over the columns of cells: the column's values, and the metric where there are several or no columns."""
    names = []
    for col in table.cols:
        for metric in table.metrics:
            parts = [format_pairs(table.col_keys, col), metric if len(table.metrics) > 1 or not table.col_keys else ""]
            names.append(" ".join(filter(None, parts)))
    return names


def cells_by_row(table: ReportTable) -> list[list[TableCell | None]]:
    """Row by row; None where there is no run."""
    places = [(col, metric) for col in table.cols for metric in table.metrics]
    return [[table.cells.get((row, *place)) for place in places] for row in table.rows]
