r"""A table in LaTeX, for \usepackage{booktabs}; warnings are comments above it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from frostline.report.cells import TableCell
from frostline.report.formats.words import cells_by_row, column_titles, format_difference, format_summary
from frostline.report.read.runs import format_value
from frostline.report.table import ReportTable

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "Δ": r"$\Delta$",
    "<": r"$<$",
    ">": r"$>$",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}
MARKS = re.compile("|".join(map(re.escape, SPECIAL)))


def as_latex(table: ReportTable) -> str:
    head = [*table.row_keys, *column_titles(table)]
    body = [
        _line([*map(escape_latex, map(format_value, row)), *map(_cell, cells)])
        for row, cells in zip(table.rows, cells_by_row(table), strict=True)
    ]
    text = [f"% {doubt.told()}" for doubt in table.warnings]
    columns = "l" * len(table.row_keys) + "r" * (len(head) - len(table.row_keys))
    text += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", _line(map(escape_latex, head)), r"\midrule", *body]
    text += [r"\bottomrule", r"\end{tabular}", ""]
    metric = [f"Metric: {table.metrics[0]}."] if len(table.metrics) == 1 and table.col_keys else []
    text += [rf"\par\footnotesize {escape_latex(' '.join([*metric, *table.notes]))}"]
    return "\n".join(text) + "\n"


def _cell(cell: TableCell | None) -> str:
    if cell is None:
        return ""
    text = escape_latex("; ".join(filter(None, [format_summary(cell), format_difference(cell)])))
    return rf"\textbf{{{text}}}" if cell.is_better else text


def escape_latex(text: str) -> str:
    return MARKS.sub(lambda found: SPECIAL[found.group()], text)


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
