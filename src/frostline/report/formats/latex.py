r"""A table in LaTeX, for \usepackage{booktabs}; warnings are comments above it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from frostline.report.cells import Cell
from frostline.report.formats.words import change, level, lines, titles
from frostline.report.read.runs import told
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


def latex(table: ReportTable) -> str:
    head = [*table.row_keys, *titles(table)]
    body = [
        _line([*map(escaped, map(told, row)), *map(_cell, cells)])
        for row, cells in zip(table.rows, lines(table), strict=True)
    ]
    text = [f"% {doubt.told()}" for doubt in table.warnings]
    columns = "l" * len(table.row_keys) + "r" * (len(head) - len(table.row_keys))
    text += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", _line(map(escaped, head)), r"\midrule", *body]
    text += [r"\bottomrule", r"\end{tabular}", ""]
    metric = [f"Metric: {table.metrics[0]}."] if len(table.metrics) == 1 and table.col_keys else []
    text += [rf"\par\footnotesize {escaped(' '.join([*metric, *table.notes]))}"]
    return "\n".join(text) + "\n"


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return ""
    text = escaped("; ".join(filter(None, [level(cell), change(cell)])))
    return rf"\textbf{{{text}}}" if cell.is_better else text


def escaped(text: str) -> str:
    return MARKS.sub(lambda found: SPECIAL[found.group()], text)


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
