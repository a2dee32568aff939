r"""A table in LaTeX, which needs \usepackage{booktabs}; warnings are comments above it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from frostline.report.cells import TableCell
from frostline.report.formats.words import cells_by_row, column_titles, extra_texts, format_cell
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
    titles = [*table.row_keys, *table.extra, *column_titles(table)]
    body = [
        _latex_row(
            [
                *map(escape_latex, [*map(format_value, row), *extra_texts(table, row)]),
                *(_latex_cell(cell, table) for cell in cells),
            ]
        )
        for row, cells in zip(table.rows, cells_by_row(table), strict=True)
    ]
    lines = [f"% {warning.shortened()}" for warning in table.warnings]
    columns = "l" * len(table.row_keys) + "r" * (len(titles) - len(table.row_keys))
    lines += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", _latex_row(map(escape_latex, titles)), r"\midrule"]
    lines += [*body, r"\bottomrule", r"\end{tabular}", ""]
    metric = [f"Metric: {table.metrics[0]}."] if len(table.metrics) == 1 and table.col_keys else []
    lines += [rf"\par\footnotesize {escape_latex(' '.join([*metric, *table.notes]))}"]
    return "\n".join(lines) + "\n"


def _latex_cell(cell: TableCell | None, table: ReportTable) -> str:
    if cell is None:
        return ""
    text = escape_latex(format_cell(cell, table))
    return rf"\textbf{{{text}}}" if cell.is_better else text


def escape_latex(text: str) -> str:
    return MARKS.sub(lambda match: SPECIAL[match.group()], text)


def _latex_row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
