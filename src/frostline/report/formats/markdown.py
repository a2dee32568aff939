"""A table in Markdown, with its caption and warnings below."""

from __future__ import annotations

from frostline.report.cells import TableCell
from frostline.report.formats.words import cells_by_row, column_titles, extra_texts, format_cell
from frostline.report.read.runs import format_value
from frostline.report.table import ReportTable


def as_markdown(table: ReportTable) -> str:
    titles = [*table.row_keys, *table.extra, *column_titles(table)]
    alignment = ["---"] * len(table.row_keys) + ["--:"] * (len(titles) - len(table.row_keys))
    lines = [_table_line([_escape(title) for title in titles]), _table_line(alignment)]
    for row, cells in zip(table.rows, cells_by_row(table), strict=True):
        texts = [*map(format_value, row), *extra_texts(table, row), *(_cell_text(cell, table) for cell in cells)]
        lines.append(_table_line(list(map(_escape, texts))))
    if len(table.metrics) == 1 and table.col_keys:
        lines += ["", f"Metric: {table.metrics[0]}."]
    lines += ["", *table.notes]
    if table.warnings:
        lines += ["", "Warnings:", "", *(f"- {warning.shortened()}" for warning in table.warnings)]
    return "\n".join(lines) + "\n"


def _cell_text(cell: TableCell | None, table: ReportTable) -> str:
    if cell is None:
        return ""
    text = format_cell(cell, table)
    return f"**{text}**" if cell.is_better else text


def _escape(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def _table_line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
