"""frostline report PATH… [--rows KEY,…] [--cols KEY,…] [--metric NAME,…]: a table of the runs below any folders.

PATH may be the results.csv of a study, too: its runs, and of each of which `arm` it is and whether it is `chosen`.
KEY is a config key such as optimizer.lr, or a group such as freezing (the rows, without another); NAME a metric of
result.json such as test/accuracy (without another test/f1_macro), cost/seconds or parameters/total.

  --where KEY=VALUE,…     only such runs; may be given again
  --baseline KEY=VALUE,…  differences to that row, paired by seed and split, tested and Holm-corrected
  --ceiling KEY=VALUE,…   not scores but shares: 0 at the baseline, 1 at that row
  --per-seed              a row for each seed
  --texts                 compare with the baseline text by text too, from predictions.parquet: McNemar's test
  --format FORM           markdown, latex, csv, json, or html: a page of its own, with figures and each run
  --into FILE             write to a file, and not to the screen

Each cell has mean, standard deviation and 95% interval over its seeds. What is missing among the runs, or does not
belong, is named under the table: absent seeds, failed runs, other commits or texts, keys that are not shown.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from frostline import options as typed
from frostline.errors import Problem, UserError
from frostline.options import Options
from frostline.results.atomic_files import write_text

FORMS = {
    "markdown": "markdown.as_markdown",
    "latex": "latex.as_latex",
    "csv": "flat.as_csv",
    "json": "flat.as_json",
}
PAGE = "html"


def main(argv: list[str]) -> int:
    """Raises UserError, with all that cannot be answered at once."""
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    from frostline.report.build import build_report
    from frostline.report.query import Query

    words = read(argv)
    told = {"rows": words.given["--rows"], "metrics": words.given["--metric"]}
    asked = Query(
        **{name: values for name, values in told.items() if values},  # what is not told is as usual
        cols=words.given["--cols"],
        where=words.pairs("--where"),
        baseline={key: values[0] for key, values in words.pairs("--baseline").items()},
        ceiling={key: values[0] for key, values in words.pairs("--ceiling").items()},
        per_seed=typed.PER_SEED in words.switches,
        texts=typed.TEXTS in words.switches,
    )
    form = words.last("--format", "markdown")
    made = build_report(words.paths, asked, words.problems)
    _write(_text(form, made), words.last("--into", ""))
    if form == "csv":  # which has no place for them
        for doubt in made.table.warnings:
            print(f"warning: {doubt.told()}", file=sys.stderr)
    return 0


def read(words: Iterable[str]) -> Options:
    """What was typed, with what is wrong in it."""
    found = typed.read("report", words, *typed.FLAGS["report"])
    found.problems += _wrong(found)
    return found


def _wrong(words: Options) -> Iterator[Problem]:
    yield from typed.unknown("--format", "form", words.given["--format"], [*FORMS, PAGE])
    for place in words.given["--into"]:
        yield from typed.unwritable("--into", place, folder=False)


def _text(form: str, study: Any) -> str:
    if form == PAGE:
        from frostline.report.html.document import html_page

        return html_page(study)
    module, _, function = FORMS[form].partition(".")
    found = getattr(importlib.import_module(f"frostline.report.formats.{module}"), function)
    return str(found(study.table))


def _write(text: str, into: str) -> None:
    """Raises UserError where the file cannot be written."""
    if not into:
        sys.stdout.write(text)
        return
    path = Path(into)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        problem = Problem("--into", f"{into} cannot be written: {error.strerror}", "give another place")
        raise UserError(problem, subject="command") from error
    print(f"report: {into}")
