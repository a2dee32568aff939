"""The table, its notes, and the warnings."""

from __future__ import annotations

from frostline.report.cells import TableCell
from frostline.report.formats.words import cells_by_row, column_titles, format_difference, format_seeds, format_summary
from frostline.report.html.markup import Markup, element, join_markup
from frostline.report.read.runs import format_value
from frostline.report.table import ReportTable
from frostline.report.warnings.warning import MOST, ReportWarning


def table_markup(table: ReportTable) -> Markup:
    """In a box of its own, which scrolls where the page is narrower."""
    heads = [element("th", name, scope="col") for name in table.row_keys]
    heads += [element("th", name, scope="col", class_="number") for name in column_titles(table)]
    body = [
        element("tr", *(_name(at, value) for at, value in enumerate(row)), *map(_cell, cells))
        for row, cells in zip(table.rows, cells_by_row(table), strict=True)
    ]
    metrics = ", ".join(table.metrics)
    caption = element("caption", f"{metrics} by {', '.join((*table.row_keys, *table.col_keys))}", id="results-caption")
    made = element(
        "table", caption, element("thead", element("tr", *heads)), element("tbody", *body), data_sortable=True
    )
    box = element("div", made, class_="scroll", tabindex=0, role="region", aria_labelledby="results-caption")
    return join_markup(box, *(element("p", note, class_="note") for note in table.notes))


def _name(at: int, value: object) -> Markup:
    """The first cell of a row is its head."""
    sort = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    return element("th" if at == 0 else "td", format_value(value), scope="row" if at == 0 else None, data_v=sort)


def _cell(cell: TableCell | None) -> Markup:
    if cell is None or cell.told.mean is None:
        return element("td", f"none, {format_seeds(cell)}" if cell else "", class_="number")
    mean, _, rest = format_summary(cell).partition(" ")
    own = mean.rstrip(",")
    parts = [element("b", own), Markup(" "), element("small", rest)]
    if differs := format_difference(cell):
        parts += [Markup("<br>"), element("strong" if cell.is_better else "small", differs)]
    return element("td", *parts, class_="number", data_v=repr(cell.told.mean))


def warnings_markup(doubts: list[ReportWarning]) -> Markup:
    if not doubts:
        return element("p", "Nothing is missing, and nothing does not belong.")
    return element("ul", *(element("li", *_warning(doubt)) for doubt in doubts), class_="warnings")


def _warning(doubt: ReportWarning) -> list[Markup | str]:
    """All who are concerned, behind a click where they are many."""
    if len(doubt.concerned) <= MOST:
        return [str(doubt)]
    summary = element("summary", f"all {len(doubt.concerned)}")
    every = element("ul", *(element("li", one) for one in doubt.concerned))
    return [doubt.told(), element("details", summary, every)]
