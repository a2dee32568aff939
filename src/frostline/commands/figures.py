"""`frostline figures`: draw figures of the runs below the given folders."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from frostline import options
from frostline.errors import Problem, UserError
from frostline.report.parsers import figures_parser


def main(argv: list[str]) -> int:
    """Write the figures and print their paths, then the reason for each figure that is not drawn.

    Raises:
        UserError: with all problems of the command and of the runs.
    """
    given, problems = figures_parser().parse_all(argv)
    from frostline.report.build import build_report
    from frostline.report.figures.draw import canvas
    from frostline.report.figures.every import all_figures
    from frostline.report.query import query_of

    report = build_report(given.paths, query_of(given), [*problems, *_figures_problems(given, canvas.FORMATS)])
    canvas.require_matplotlib()
    figures, missing = all_figures(report)
    folder = _make_folder(given.into or "figures")
    for figure in figures:
        for form in given.format or ["svg"]:
            print(canvas.write_figure(figure, form, folder))
    for reason in missing:
        print(reason)
    return 0


def _figures_problems(given: Namespace, formats: tuple[str, ...]) -> Iterator[Problem]:
    yield from options.no_paths("figures", given.paths)
    yield from options.keyless("--where", given.where)
    yield from options.unknown("--format", "format", given.format, formats)
    if given.into:
        yield from options.unwritable("--into", given.into, folder=True)


def _make_folder(target: str) -> Path:
    """Make the folder of the figures.

    Raises:
        UserError: it cannot be made.
    """
    path = Path(target)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = Problem("--into", f"{target} cannot be made: {error.strerror}", "give another path")
        raise UserError(problem, "command") from error
    return path
