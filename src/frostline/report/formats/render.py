"""A report in one of the formats."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from frostline.report.build import Report

FUNCTIONS = {
    "markdown": "markdown.as_markdown",
    "latex": "latex.as_latex",
    "csv": "flat.as_csv",
    "json": "flat.as_json",
}
HTML = "html"
FORMATS = (*FUNCTIONS, HTML)


def format_report(form: str, report: Report) -> str:
    """Return the report in one of FORMATS."""
    if form == HTML:
        from frostline.report.html.document import html_page

        return html_page(report)
    module, _, function = FUNCTIONS[form].partition(".")
    formatter = getattr(importlib.import_module(f"frostline.report.formats.{module}"), function)
    return str(formatter(report.table))
