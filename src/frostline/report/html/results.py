"""The table, its caption and the warnings as HTML."""

from __future__ import annotations

from frostline.report.cells import TableCell
from frostline.report.formats.words import (
    cells_by_row,
    column_titles,
    extra_texts,
    format_difference,
    format_mean,
    format_seeds,
    format_uncertainty,
)
from frostline.report.html.markup import Markup, element, join_markup
from frostline.report.read.runs import format_value
from frostline.report.table import ReportTable
from frostline.report.warnings.warning import MAX_NAMED, ReportWarning


def table_markup(table: ReportTable) -> Markup:
    """Return the table in a box that scrolls if the page is narrower, and its notes."""
    heads = [element("th", name, scope="col") for name in (*table.row_keys, *table.extra)]
    heads += [element("th", name, scope="col", class_="number") for name in column_titles(table)]
    body = [
        element(
            "tr",
            *(_row_name(at, value) for at, value in enumerate(row)),
            *(element("td", text) for text in extra_texts(table, row)),
            *(_cell_markup(cell, table) for cell in cells),
        )
        for row, cells in zip(table.rows, cells_by_row(table), strict=True)
    ]
    metrics, keys = ", ".join(table.metrics), ", ".join((*table.row_keys, *table.col_keys))
    caption = element("caption", f"{metrics} by {keys}", id="results-caption")
    head, rows = element("thead", element("tr", *heads)), element("tbody", *body)
    markup = element("table", caption, head, rows, data_sortable=True)
    box = element("div", markup, class_="scroll", tabindex=0, role="region", aria_labelledby="results-caption")
    return join_markup(box, *(element("p", note, class_="note") for note in table.notes))


def _row_name(at: int, value: object) -> Markup:
    """Return a cell of the row keys; the first is the head of the row."""
    sort_key = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    tag, scope = ("th", "row") if at == 0 else ("td", None)
    return element(tag, format_value(value), scope=scope, data_v=sort_key)


def _cell_markup(cell: TableCell | None, table: ReportTable) -> Markup:
    if cell is None or cell.summary.mean is None:
        return element("td", f"none, {format_seeds(cell)}" if cell else "", class_="number")
    parts = [element("b", format_mean(cell)), Markup(" "), element("small", format_uncertainty(cell, table))]
    if difference := format_difference(cell):
        parts += [Markup("<br>"), element("strong" if cell.is_better else "small", difference)]
    return element("td", *parts, class_="number", data_v=repr(cell.summary.mean))


def warnings_markup(warnings: list[ReportWarning]) -> Markup:
    if not warnings:
        return element("p", "There are no warnings.")
    return element("ul", *(element("li", *_warning_markup(warning)) for warning in warnings), class_="warnings")


def _warning_markup(warning: ReportWarning) -> list[Markup | str]:
    """Return the sentence, and a list of all concerned items to open if there are many."""
    if len(warning.concerned) <= MAX_NAMED:
        return [str(warning)]
    summary = element("summary", f"all {len(warning.concerned)}")
    items = element("ul", *(element("li", item) for item in warning.concerned))
    return [warning.shortened(), element("details", summary, items)]
