"""A table in markdown, its notes and warnings below."""

from __future__ import annotations

from frostline.report.cells import TableCell
from frostline.report.formats.words import cells_by_row, column_titles, format_difference, format_summary
from frostline.report.read.runs import format_value
from frostline.report.table import ReportTable


def as_markdown(table: ReportTable) -> str:
    head = [*table.row_keys, *column_titles(table)]
    rows = [
        [*map(format_value, row), *map(_cell, cells)]
        for row, cells in zip(table.rows, cells_by_row(table), strict=True)
    ]
    marks = ["---"] * len(table.row_keys) + ["--:"] * (len(head) - len(table.row_keys))
    text = [_line([_escaped(name) for name in head]), _line(marks), *(_line(list(map(_escaped, row))) for row in rows)]
    if len(table.metrics) == 1 and table.col_keys:
        text += ["", f"Metric: {table.metrics[0]}."]
    text += ["", *table.notes]
    if table.warnings:
        text += ["", "Warnings:", "", *(f"- {doubt.told()}" for doubt in table.warnings)]
    return "\n".join(text) + "\n"


def _cell(cell: TableCell | None) -> str:
    if cell is None:
        return ""
    text = "; ".join(filter(None, [format_summary(cell), format_difference(cell)]))
    return f"**{text}**" if cell.is_better else text


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
