"""From folders to a study: the runs that are asked for, and the table of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from frostline.errors import Problem, UserError
from frostline.report.captions import table_notes
from frostline.report.grid import Grid, make_grid
from frostline.report.per_text import compare_texts
from frostline.report.query import Query
from frostline.report.read.results_csv import ENDING
from frostline.report.read.run_folders import read_runs
from frostline.report.read.runs import CHOSEN, COMPLETE, RunRecord, format_pairs
from frostline.report.statistics.collapse import find_collapsed
from frostline.report.table import ReportTable, make_table
from frostline.report.warnings.budgets import RATE, unequal_budgets
from frostline.report.warnings.failed import deduplicate, missing_records, missing_results
from frostline.report.warnings.hidden_factors import hidden_factors
from frostline.report.warnings.missing import collapsed_runs, missing_runs, missing_values
from frostline.report.warnings.provenance import provenance
from frostline.report.warnings.warning import ReportWarning


@dataclass(frozen=True)
class Report:
    """grid: the complete runs that are asked for, each once. collapsed: the folders of those that have collapsed.

    others: runs that left no result and may belong.
    """

    asked: Query
    grid: Grid
    collapsed: frozenset[str]
    table: ReportTable
    others: Sequence[RunRecord] = ()

    @property
    def runs(self) -> list[RunRecord]:
        """Cell by cell, in the order of the table."""
        return [run for row in self.grid.rows for col in self.grid.cols for run in self.grid.cell(row, col)]


def build_report(paths: Sequence[str], asked: Query, known: Sequence[Problem] = ()) -> Report:
    """known: problems that have been found before, told with those found here.

    Raises:
        UserError: no complete run is there, or none has what is asked for.
    """
    problems = [*known, *_places(paths)]
    runs = read_runs([path for path in paths if not list(_places([path]))])
    complete = [run for run in runs if run.state == COMPLETE]
    if complete:
        problems += asked.problems(complete)
    elif not problems:
        problems = list(_nothing(paths, runs))
    if not problems and not any(map(asked.wants, complete)):
        what = "no run has all of it at once"
        problems = [Problem("--where", what, "leave one of the conditions out")]
    if problems:
        raise UserError(problems, subject="command")
    return _answered(runs, complete, asked)


def _places(paths: Sequence[str]) -> Iterator[Problem]:
    for path in paths:
        if path.endswith(ENDING) and not Path(path).is_dir():
            if not Path(path).is_file():
                yield Problem(path, "is no file", "give the results.csv of a study")
        elif not Path(path).is_dir():
            yield Problem(path, "is no folder", "give that of a run, of a study, or of all runs")


def _nothing(paths: Sequence[str], runs: Sequence[RunRecord]) -> Iterator[Problem]:
    """What there is instead of a complete run."""
    if not runs:
        yield Problem(", ".join(paths), "holds no run", "give a folder below which there is a result.json")
    for doubt in missing_results(runs):
        yield Problem(", ".join(paths), f"no complete run: {doubt.told()}", "mend what failed, or give another folder")


def _answered(runs: Sequence[RunRecord], complete: Sequence[RunRecord], asked: Query) -> Report:
    kept, doubled = deduplicate(complete)
    chosen = [run for run in kept if asked.wants(run)]
    wanted = asked.wanted(chosen)
    pooled = make_grid(chosen, asked.rows, asked.cols, wanted)
    fell = find_collapsed(pooled.at.values())
    fallen_folders = frozenset(run.folder for run in fell)
    shown = make_grid(chosen, asked.row_keys, asked.cols, wanted)
    made = make_table(shown, asked, fallen_folders)
    differences, unknown = compare_texts(pooled, asked.baseline) if asked.texts else ([], [])
    others = [run for run in runs if run.state != COMPLETE and _may_belong(run, asked)]
    doubts = [
        *missing_results(others),
        *doubled,
        *missing_runs(pooled),
        *missing_values(chosen, asked.metrics),
        *collapsed_runs(fell),
        *hidden_factors(pooled),
        *unequal_budgets(pooled, _tried(kept, asked)),
        *missing_records(chosen),
        *provenance(chosen),
        *(_gapless(made) if asked.ceiling else _unpaired(made, asked)),
        *unknown,
    ]
    made = dataclasses.replace(made, warnings=doubts, texts=differences)
    made = dataclasses.replace(made, notes=table_notes(made))
    return Report(asked, pooled, fallen_folders, made, others)


def _may_belong(run: RunRecord, asked: Query) -> bool:
    """Whether a run without a result would stand in the table; if nothing is known of it, it may."""
    known = {key: texts for key, texts in asked.where.items() if key in run.choices or key in run.config}
    return dataclasses.replace(asked, where=known).wants(run)


def _tried(kept: Sequence[RunRecord], asked: Query) -> Grid:
    """All runs of the folders but for their rate and seed, which a choice among rates leaves one of."""
    where = {key: texts for key, texts in asked.where.items() if key not in (RATE, CHOSEN, "seed")}
    alike = dataclasses.replace(asked, where=where)
    return make_grid(filter(alike.wants, kept), asked.rows, asked.cols)


def _unpaired(made: ReportTable, asked: Query) -> Iterator[ReportWarning]:
    lacking = [cell for cell in made.each() if asked.baseline and not cell.is_baseline and cell.difference is None]
    if lacking:
        keys = (*made.row_keys, *made.col_keys)
        cells = [f"{format_pairs(keys, (*cell.row, *cell.col))}: {cell.metric}" for cell in lacking]
        yield ReportWarning("no seed and split in common with the baseline", cells)


def _gapless(made: ReportTable) -> Iterator[ReportWarning]:
    """Where there is nothing to have a share of."""
    lacking = [cell for cell in made.each() if not cell.told.n]
    if lacking:
        keys = (*made.row_keys, *made.col_keys)
        cells = [f"{format_pairs(keys, (*cell.row, *cell.col))}: {cell.metric}" for cell in lacking]
        yield ReportWarning(
            "no share: the ceiling's row is absent, or not better in each seed than the baseline's", cells
        )
