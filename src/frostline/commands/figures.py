"""frostline figures PATH… [--rows KEY,…] [--cols KEY,…] [--metric NAME,…]: what the runs below any folders show, drawn.

KEY and NAME are as in frostline report; there is one arm for each row and column.

  --where KEY=VALUE,…     only such runs; may be given again
  --into FOLDER           where files go; without it, figures
  --format FORM,…         svg, png or pdf; without it, svg

Drawn is what the runs hold enough for: the table, row by row; score against parameters that learned, texts encoded and
seconds, with the Pareto front; plans; curves over epochs and training-set sizes, with 95% bands; home against shifted
domains; confusion matrices; reliability; vectors before and after, where `frostline vectors` has left them; WiSE-FT's
mixtures. What is not drawn is told, with the reason. Needs frostline[report].
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from frostline import options as typed
from frostline.errors import Problem, UserError
from frostline.options import Options


def main(argv: list[str]) -> int:
    """Raises UserError, with all that cannot be drawn at once."""
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    from frostline.report.build import build_report
    from frostline.report.figures.draw import canvas
    from frostline.report.figures.every import all_figures
    from frostline.report.query import Query

    words = typed.read("figures", argv, *typed.FLAGS["figures"])
    words.problems += _wrong(words, canvas.FORMATS)
    told: dict[str, Any] = {"rows": words.given["--rows"], "metrics": words.given["--metric"]}
    asked = Query(
        **{name: values for name, values in told.items() if values},
        cols=words.given["--cols"],
        where=words.pairs("--where"),
    )
    study = build_report(words.paths, asked, words.problems)
    canvas.require_matplotlib()
    drawn, absent = all_figures(study)
    folder = _folder(words.last("--into", "figures"))
    for figure in drawn:
        for form in words.given["--format"] or ["svg"]:
            print(canvas.write_figure(figure, form, folder))
    for one in absent:
        print(one)
    return 0


def _wrong(words: Options, forms: tuple[str, ...]) -> Iterator[Problem]:
    yield from typed.unknown("--format", "form", words.given["--format"], forms)
    for place in words.given["--into"]:
        yield from typed.unwritable("--into", place, folder=True)


def _folder(into: str) -> Path:
    """Raises UserError where it cannot be made."""
    path = Path(into)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = Problem("--into", f"{into} cannot be made: {error.strerror}", "give another place")
        raise UserError(problem, subject="command") from error
    return path
