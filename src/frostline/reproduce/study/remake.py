"""Reproduce a study, and compare its results with the committed ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from frostline.console import log
from frostline.errors import Problem, UserError
from frostline.report.read.results_csv import read_results
from frostline.report.read.runs import RunRecord
from frostline.report.read.yaml_sections import UnreadableError
from frostline.report.statistics.few_seeds import few_seeds_note
from frostline.reproduce.study.cells import check_limits
from frostline.reproduce.study.compare import compare_results, filter_runs
from frostline.reproduce.study.make import make_runs
from frostline.reproduce.study.outcome import collect_runs, incomplete_runs, write_results
from frostline.reproduce.study.runs import Limits, StudyRuns
from frostline.reproduce.study.study import FILE, RESULTS
from frostline.reproduce.study.study_yaml import StudyReader


def is_study(folder: Path) -> bool:
    return (folder / FILE).is_file()


def reproduce_study(folder: Path, limits: Limits, write: bool, tolerance: float) -> bool:
    """Execute the runs within the limits; return whether all are complete and equal to the committed results.

    write: into the folder of the study instead of reproduced/. Committed runs that are not repeated are retained.

    Raises:
        UserError: with all problems of study.yaml and its runs, before the first run.
    """
    reader = StudyReader(folder)
    study = reader.study()
    check_limits(study, limits)
    runs, committed = StudyRuns(study, reader.problems, limits), _committed_runs(folder / RESULTS)
    if note := few_seeds_note(len(runs.seeds), len(study.arms)):
        log(f"{note}; the tables of the study are made from {RESULTS}, which has no predictions")
    if lines := runs.unequal_budgets():
        log("\n".join(lines))
    into = folder if write else Path("reproduced") / study.name
    records: list[RunRecord] = []
    for _ in make_runs(runs):
        records = collect_runs(runs, runs.cells if write else runs.requested)
        if records:
            write_results(runs, [*_others(committed, records), *records] if write else records, into)
    log(f"{len(records)} runs{f' in {into / RESULTS}' if records else ''}")
    incomplete = incomplete_runs(runs)
    if write and not limits and not incomplete and _others(committed, records):
        write_results(runs, records, into)  # without runs that the study no longer has
    for line in incomplete:
        print(f"not complete: {line}")
    if not committed:
        return not incomplete
    reproduced = read_results(str(into / RESULTS)) if records else []  # with numbers rounded as in the committed file
    lines, equal = compare_results(filter_runs(committed, limits), filter_runs(reproduced, limits), tolerance)
    print("\n".join(lines))
    return equal and not incomplete


def _committed_runs(file: Path) -> list[RunRecord]:
    if not file.exists():
        return []
    try:
        return read_results(str(file))
    except UnreadableError as error:
        raise UserError(Problem(str(file), str(error), "restore it from git, or delete it"), "study") from error


def _others(committed: Sequence[RunRecord], records: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the committed runs that are not among the records, such as those of another machine."""
    ids = {run.id for run in records}
    return [run for run in committed if run.id not in ids]
