"""`frostline report`: print a table of the runs below the given folders."""

from __future__ import annotations

import importlib
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from frostline import options
from frostline.errors import Problem, UserError
from frostline.report.parsers import report_parser
from frostline.results.atomic_files import write_text

if TYPE_CHECKING:
    from frostline.report.build import Report

FORMATS = {
    "markdown": "markdown.as_markdown",
    "latex": "latex.as_latex",
    "csv": "flat.as_csv",
    "json": "flat.as_json",
}
HTML = "html"


def main(argv: list[str]) -> int:
    """Print or write the report; the warnings of a csv go to standard error.

    Raises:
        UserError: with all problems of the command and of the runs.
    """
    given, problems = report_parser().parse_all(argv)
    from frostline.report.build import build_report
    from frostline.report.query import query_of

    report = build_report(given.paths, query_of(given), [*problems, *_report_problems(given)])
    form = (given.format or ["markdown"])[-1]
    _write(_render(form, report), given.into)
    if form == "csv":
        for warning in report.table.warnings:
            print(f"warning: {warning.shortened()}", file=sys.stderr)
    return 0


def _report_problems(given: Namespace) -> Iterator[Problem]:
    yield from options.no_paths("report", given.paths)
    for flag in ("where", "baseline", "ceiling"):
        yield from options.keyless(f"--{flag}", getattr(given, flag))
    yield from options.unknown("--format", "format", given.format, [*FORMATS, HTML])
    if given.into:
        yield from options.unwritable("--into", given.into, folder=False)


def _render(form: str, report: Report) -> str:
    if form == HTML:
        from frostline.report.html.document import html_page

        return html_page(report)
    module, _, function = FORMATS[form].partition(".")
    formatter = getattr(importlib.import_module(f"frostline.report.formats.{module}"), function)
    return str(formatter(report.table))


def _write(text: str, target: str | None) -> None:
    """Write to the screen, or to a file.

    Raises:
        UserError: the file cannot be written.
    """
    if target is None:
        sys.stdout.write(text)
        return
    path = Path(target)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        problem = Problem("--into", f"{target} cannot be written: {error.strerror}", "give another path")
        raise UserError(problem, "command") from error
    print(f"report: {target}")
