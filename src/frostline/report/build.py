"""Build a report: the runs that a query selects, their table and its warnings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from frostline.errors import Problem, UserError
from frostline.report.captions import table_notes
from frostline.report.cells import TableCell
from frostline.report.completeness import find_missing, seed_order
from frostline.report.crossed_tests import CrossedTests
from frostline.report.data_notes import data_notes
from frostline.report.grid import Grid, make_grid
from frostline.report.per_text import compare_texts
from frostline.report.query import Query
from frostline.report.read.results_csv import SUFFIX
from frostline.report.read.run_folders import read_runs
from frostline.report.read.runs import CHOSEN, COMPLETE, PRUNED, RunRecord, format_pairs
from frostline.report.selection import selection_notes
from frostline.report.statistics.collapse import find_collapsed
from frostline.report.table import ReportTable, make_table
from frostline.report.warnings.budgets import LEARNING_RATE, unequal_budgets
from frostline.report.warnings.failed import deduplicate, missing_records, missing_results
from frostline.report.warnings.hidden_factors import hidden_factors
from frostline.report.warnings.missing import collapsed_runs, missing_runs, missing_values
from frostline.report.warnings.provenance import provenance
from frostline.report.warnings.search import last_epochs, rates_at_edges
from frostline.report.warnings.truncation import truncated_texts
from frostline.report.warnings.warning import ReportWarning


@dataclass(frozen=True, repr=False)
class Report:
    """The complete runs of a query, each once, and their table. It prints as `frostline report` prints it.

    collapsed: the folders of collapsed runs. incomplete: runs without a result that the query may select.
    """

    query: Query
    grid: Grid
    collapsed: frozenset[str]
    table: ReportTable
    incomplete: Sequence[RunRecord] = ()

    @property
    def runs(self) -> list[RunRecord]:
        """The runs cell by cell, in the order of the table."""
        return [run for row in self.grid.rows for col in self.grid.cols for run in self.grid.cell(row, col)]

    def render(self, form: str = "markdown") -> str:
        """Return the report as markdown, latex, csv, json or html."""
        from frostline.report.formats.render import format_report

        return format_report(form, self)

    def __repr__(self) -> str:
        return self.render().rstrip()

    def _repr_markdown_(self) -> str:
        return self.render()


def build_report(paths: Sequence[str], query: Query, known: Sequence[Problem] = ()) -> Report:
    """Read the runs at or below the paths and build the report.

    known: problems of the command line, raised together with those of the runs.

    Raises:
        UserError: there is no complete run, or the query cannot be answered.
    """
    problems = [*known, *path_problems(paths)]
    runs = read_runs([path for path in paths if not list(path_problems([path]))])
    complete = [run for run in runs if run.state == COMPLETE]
    if complete:
        problems += query.find_problems(complete)
    elif not problems:
        problems = list(_no_run_problems(paths, runs))
    if not problems and not any(map(query.selects, complete)):
        problems = [Problem("--where", "no run meets all conditions", "leave one of the conditions out")]
    if problems:
        raise UserError(problems, subject="command")
    return _make_report(runs, complete, query)


def path_problems(paths: Sequence[str]) -> Iterator[Problem]:
    """Yield a problem for each path that does not exist, or is no folder and no csv file."""
    for path in paths:
        if path.endswith(SUFFIX) and not Path(path).is_dir():
            if not Path(path).is_file():
                yield Problem(path, "is no file", "give the results.csv of a study")
        elif not Path(path).is_dir():
            yield Problem(path, "is no folder", "give the folder of a run, of a study, or of all runs")


def _no_run_problems(paths: Sequence[str], runs: Sequence[RunRecord]) -> Iterator[Problem]:
    """Describe what the paths contain instead of a complete run."""
    if not runs:
        yield Problem(", ".join(paths), "contains no run", "give a folder below which there is a result.json")
    for warning in missing_results(runs):
        what = f"no complete run: {warning.shortened()}"
        yield Problem(", ".join(paths), what, "repeat the runs that failed, or give another folder")


def _make_report(runs: Sequence[RunRecord], complete: Sequence[RunRecord], query: Query) -> Report:
    unique, duplicates = deduplicate(complete)
    unique.sort(key=lambda run: (seed_order(run.seed), run.folder))  # the same for run folders and results.csv
    selected = [run for run in unique if query.selects(run)]
    order = query.order(selected)
    grid = make_grid(selected, query.rows, query.cols, order)
    collapsed = find_collapsed(grid.at.values())
    collapsed_folders = frozenset(run.folder for run in collapsed)
    incomplete = [run for run in runs if run.state != COMPLETE and _may_be_selected(run, query)]
    started = [run for run in incomplete if run.state != PRUNED]
    tests = CrossedTests()
    shown = make_grid(selected, query.row_keys, query.cols, order)
    table = make_table(shown, query, collapsed_folders, tests, started)
    by_text = compare_texts(grid, query.baseline, tests.predictions) if query.texts else ([], [])
    text_differences, text_warnings = by_text
    tried = _all_learning_rates(unique, query)
    warnings = [
        *missing_results(incomplete),
        *duplicates,
        *missing_runs(grid, find_missing(grid, started, query.where.get("seed", ()))),
        *missing_values(selected, query.metrics),
        *collapsed_runs(collapsed),
        *hidden_factors(grid, query.extra),
        *unequal_budgets(grid, tried),
        *rates_at_edges(tried),
        *last_epochs(grid),
        *missing_records(selected),
        *provenance(selected),
        *truncated_texts(selected),
        *(_without_gap(table) if query.ceiling else _without_pairs(table, query)),
        *tests.warnings(),
        *text_warnings,
    ]
    table = dataclasses.replace(table, warnings=warnings, texts=text_differences)
    chosen = list(selection_notes(grid, tried)) if CHOSEN in query.where and not _shows_rates(query) else []
    table = dataclasses.replace(table, notes=[*table_notes(table), *chosen, *data_notes(selected)])
    return Report(query, grid, collapsed_folders, table, incomplete)


def _may_be_selected(run: RunRecord, query: Query) -> bool:
    """Return whether a run without a result may belong to the table; conditions on unknown keys are ignored."""
    known = {key: texts for key, texts in query.where.items() if key in run.choices or key in run.config}
    return dataclasses.replace(query, where=known).selects(run)


def _all_learning_rates(runs: Sequence[RunRecord], query: Query) -> Grid:
    """Return a grid with the runs of all learning rates and seeds, of which a selection shows one."""
    where = {key: texts for key, texts in query.where.items() if key not in (LEARNING_RATE, CHOSEN, "seed")}
    wider = dataclasses.replace(query, where=where)
    rows, cols = ([key for key in keys if key not in (LEARNING_RATE, "seed")] for keys in (query.rows, query.cols))
    return make_grid(filter(wider.selects, runs), rows, cols)


def _shows_rates(query: Query) -> bool:
    return bool({LEARNING_RATE, "seed"} & {*query.rows, *query.cols})


def _without_pairs(table: ReportTable, query: Query) -> Iterator[ReportWarning]:
    cells = [cell for cell in table.each() if query.baseline and not cell.is_baseline and cell.difference is None]
    if cells:
        yield ReportWarning("no seed and split in common with the baseline", _cell_names(table, cells))


def _without_gap(table: ReportTable) -> Iterator[ReportWarning]:
    """Warn of cells where the gap has no size."""
    cells = [cell for cell in table.each() if not cell.summary.n]
    if cells:
        what = "no share: the row of the ceiling is missing, or not better in each seed than that of the baseline"
        yield ReportWarning(what, _cell_names(table, cells))


def _cell_names(table: ReportTable, cells: Sequence[TableCell]) -> list[str]:
    keys = (*table.row_keys, *table.col_keys)
    return [f"{format_pairs(keys, (*cell.row, *cell.col))}: {cell.metric}" for cell in cells]
