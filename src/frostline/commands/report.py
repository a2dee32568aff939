"""`frostline report`: print a table of the runs below the given folders."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from frostline import options
from frostline.errors import Problem, UserError
from frostline.report.formats.render import FORMATS
from frostline.report.parsers import report_parser
from frostline.results.atomic_files import write_text


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
    _write(report.render(form), given.into)
    if form == "csv":
        for warning in report.table.warnings:
            print(f"warning: {warning.shortened()}", file=sys.stderr)
    return 0


def _report_problems(given: Namespace) -> Iterator[Problem]:
    yield from options.no_paths("report", given.paths)
    for flag in ("where", "baseline", "ceiling"):
        yield from options.keyless(f"--{flag}", getattr(given, flag))
    yield from options.unknown("--format", "format", given.format, FORMATS)
    if given.into:
        yield from options.unwritable("--into", given.into, folder=False)


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
