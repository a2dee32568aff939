"""What the runs of a study came to: results.csv, tables and figures."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from frostline.console import log
from frostline.report.read import results_csv as results
from frostline.report.read import run_folders as reading
from frostline.report.read.runs import ARM, CHOSEN, COMPLETE, RunRecord
from frostline.reproduce.study.attempts import Attempt, Attempts
from frostline.reproduce.study.cells import Cell
from frostline.reproduce.study.study import RESULTS
from frostline.results.atomic_files import write_text


def collected(attempts: Attempts, cells: Sequence[Cell]) -> list[RunRecord]:
    """Their complete runs, cell by cell, the choices `arm` and `chosen` among those of a run."""
    return [run for cell in cells for run in _of(attempts, cell)]


def lacking(attempts: Attempts) -> list[str]:
    """What is wanted and not there."""
    unknown = [f"{cell}" for cell in attempts.wanted if attempts.chosen(cell) is None]
    found = attempts.seeded(attempts.wanted, attempts.seeds)
    return [*unknown, *(f"{one.cell}, seed {one.seed}: {one.folder}" for one in found if not one.complete)]


def _of(attempts: Attempts, cell: Cell) -> Iterator[RunRecord]:
    choice, seeds = attempts.chosen(cell), attempts.study.seeds
    seeded = attempts.seeded([cell], seeds)
    tried = [one for one in attempts.tried(cell) if one.choice != choice or one.seed not in seeds]
    for attempt in [*tried, *seeded]:
        if attempt.complete:
            yield _told(attempt, attempt in seeded)


def _told(attempt: Attempt, chosen: bool) -> RunRecord:
    [run] = reading.read_runs([str(attempt.folder)])
    assert run.state == COMPLETE
    told = {ARM: attempt.cell.arm.name, CHOSEN: "yes" if chosen else "no"}
    return dataclasses.replace(run, choices={**told, **run.choices})


def write(attempts: Attempts, runs: list[RunRecord], into: Path) -> None:
    """results.csv, and from it whatever tables and figures can be had."""
    into.mkdir(parents=True, exist_ok=True)
    write_text(into / RESULTS, results.results_as_csv(runs))
    study = attempts.study
    for name, words in study.tables.items():
        _say("report", [str(into / RESULTS), *words, "--into", str(into / name)])
    for name, words in study.figures.items():
        _say("figures", [str(into / RESULTS), *words, "--into", str(into / name)])


def _say(verb: str, words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "frostline", verb, *words], capture_output=True, text=True)
    if done.returncode:
        log(f"frostline {verb} {' '.join(words)}: {done.stderr.strip()}")
