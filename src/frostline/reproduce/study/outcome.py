"""The results of a study: results.csv, tables and figures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from frostline.console import log
from frostline.report.read.results_csv import results_as_csv
from frostline.report.read.run_folders import in_study, read_folder
from frostline.report.read.runs import COMPLETE, RunRecord
from frostline.reproduce.study.cells import Cell
from frostline.reproduce.study.runs import StudyRun, StudyRuns
from frostline.reproduce.study.study import RESULTS
from frostline.results.atomic_files import write_text
from frostline.results.study_record import RecordedCell, update_record


def collect_runs(runs: StudyRuns, cells: Sequence[Cell]) -> list[RunRecord]:
    """Return the complete runs of the cells, with `arm` and `chosen` among their choices."""
    return [record for cell in cells for record in _collect_cell(runs, cell)]


def incomplete_runs(runs: StudyRuns) -> list[str]:
    """Return a line for each requested run that is not complete; a cell whose search has no result is one line."""
    unselected = [f"{cell}" for cell in runs.requested if runs.selected_override(cell) is None]
    selected = runs.seed_runs(runs.requested, runs.seeds)
    return [*unselected, *(f"{run.cell}, seed {run.seed}: {run.folder}" for run in selected if not run.is_complete)]


def _collect_cell(runs: StudyRuns, cell: Cell) -> Iterator[RunRecord]:
    override, seeds = runs.selected_override(cell), runs.study.seeds
    selected = runs.seed_runs([cell], seeds)
    others = [run for run in runs.search_runs(cell) if run.override != override or run.seed not in seeds]
    for run in [*others, *selected]:
        if run.is_complete:
            yield _read_record(run, run in selected, seeds)


def _read_record(run: StudyRun, selected: bool, seeds: Sequence[int]) -> RunRecord:
    record = read_folder(str(run.folder), {file.name for file in run.folder.iterdir()})
    assert record.state == COMPLETE
    return in_study(record, run.cell.arm.name, selected, seeds)


def record_choices(runs: StudyRuns) -> None:
    """Write the arm of each requested run, and whether it is chosen, into the folder of the study's runs.

    A run is chosen as soon as the search of its cell has a result, whether or not the run is complete.
    """
    by_folder: dict[Path, dict[str, RecordedCell]] = {}
    for cell in runs.requested:
        searched, selected = runs.search_runs(cell), runs.seed_runs([cell], runs.study.seeds)
        chosen = {run.folder: False for run in searched} | {run.folder: True for run in selected}
        for folder, is_chosen in chosen.items():
            recorded = by_folder.setdefault(folder.parent, {}).setdefault(str(cell), RecordedCell(cell.arm.name, {}))
            recorded.runs[folder.name] = is_chosen
    known = [str(cell) for cell in runs.cells]
    for parent, cells in by_folder.items():
        update_record(parent, runs.study.seeds, cells, known)


def write_results(runs: StudyRuns, records: list[RunRecord], into: Path) -> None:
    """Write results.csv, and the tables and figures that can be made from it."""
    into.mkdir(parents=True, exist_ok=True)
    write_text(into / RESULTS, results_as_csv(records))
    for name, words in runs.study.tables.items():
        _run_subcommand("report", [str(into / RESULTS), *words, "--into", str(into / name)])
    for name, words in runs.study.figures.items():
        _run_subcommand("figures", [str(into / RESULTS), *words, "--into", str(into / name)])


def _run_subcommand(name: str, words: list[str]) -> None:
    """Run a subcommand; if it fails, log the reason and continue."""
    process = subprocess.run([sys.executable, "-P", "-m", "frostline", name, *words], capture_output=True, text=True)
    if process.returncode:
        log(f"frostline {name} {' '.join(words)}: {process.stderr.strip()}")
