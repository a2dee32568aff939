"""The runs of a study: a search over learning rates at some seeds, then runs with the selected one at all seeds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from frostline.config.budgets import is_trained, unequal_budgets
from frostline.config.checks.run_folders import folder_problems
from frostline.config.jobs import Job, compose_jobs, default_composer
from frostline.errors import Problem, UserError
from frostline.reproduce.study.cells import Cell, format_override, study_cells
from frostline.reproduce.study.study import Study
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder
from frostline.results.selection import best_candidate, candidates

LEARNING_RATE = "optimizer.lr"
Limits = Mapping[str, Sequence[str]]  # key -> the values to which a study is limited by --only


@dataclass(frozen=True)
class StudyRun:
    """A run of a cell. override: the value from the search, "" if the cell has no search."""

    cell: Cell
    override: str
    seed: int
    job: Job

    @property
    def folder(self) -> Path:
        """The run folder; that of an external run has the id of the composed job in its name."""
        if not self.cell.arm.script:
            return self.job.folder
        words = [self.cell.arm.name, *self.cell.values.values(), f"s{self.seed}", self.job.id[:8]]
        return self.job.folder.parent / "-".join(re.sub(r"[^\w.]+", "_", word) for word in words)

    @property
    def is_complete(self) -> bool:
        return RunFolder(self.folder).result.exists()

    @property
    def has_ended(self) -> bool:
        return self.is_complete or RunFolder(self.folder).failure.exists()


class StudyRuns:
    """All runs of a study, each composed once, when it is needed.

    cells: of the whole study. requested: the cells within the limits. seeds: the seeds within the limits.

    Raises:
        UserError: with all problems of study.yaml (`known`) and of its runs.
    """

    def __init__(self, study: Study, known: Sequence[Problem] = (), limits: Limits | None = None) -> None:
        self.study, self.cells = study, study_cells(study)
        self.requested = [cell for cell in self.cells if cell.matches(limits or {})]
        self.seeds = [seed for seed in study.seeds if str(seed) in (limits or {}).get("seed", [str(seed)])]
        self._jobs: dict[tuple[str, ...], Job] = {}
        self._composer = default_composer()
        self._first_seed = study.rates.seeds[0]
        lines = [self._line(cell, "", self._first_seed) for cell in self.cells]
        self._compose(lines, known)
        jobs = [(cell, self._jobs[line]) for cell, line in zip(self.cells, lines, strict=True) if not cell.arm.script]
        if problems := [*_duplicates(jobs), *folder_problems(list({job.id: job for _, job in jobs}.values()))]:
            raise UserError(problems, "study")
        self._search_space = {str(cell): list(self._candidates(cell)) for cell in self.cells}
        self._compose([line for cell in self.requested for line in self._search_lines(cell)])

    def search_space(self, cell: Cell) -> list[str]:
        """Return the overrides of the search of a cell, none if nothing is searched."""
        return self._search_space[str(cell)]

    def compose_run(self, cell: Cell, override: str, seed: int) -> StudyRun:
        """Return the run of a cell with an override of the search ("" for none) and a seed."""
        line = self._line(cell, override, seed)
        self._compose([line])
        return StudyRun(cell, override, seed, self._jobs[line])

    def search_runs(self, cell: Cell) -> list[StudyRun]:
        """Return the runs of the search of a cell: each override with each seed of the search."""
        self._compose(self._search_lines(cell))
        seeds = self.study.rates.seeds
        return [self.compose_run(cell, override, seed) for override in self.search_space(cell) for seed in seeds]

    def selected_override(self, cell: Cell) -> str | None:
        """Return the override of the search with the best mean validation score over the seeds of the search.

        Of equal ones it is the smallest number. An override with a run that failed is not selected. "" if nothing is
        searched; None while a run of the search is missing, and if no override has finite scores.
        """
        if not self.search_space(cell):
            return ""
        return best_candidate(self.study.rates.best, self._search_scores(cell))

    def describe_selection(self, cell: Cell) -> str:
        """Return what was selected for a cell and on which scores; "" if nothing was."""
        selected, metric = self.selected_override(cell), self.study.rates.best
        if not selected:
            return ""
        means = candidates(self._search_scores(cell))
        others = [f"{override} {mean.score:.4f}" for override, mean in means.items() if override != selected]
        seeds = f"{means[selected].seeds} seed{'s' if means[selected].seeds > 1 else ''}"
        line = f"{cell}: {selected} has the best mean {metric} over {seeds}, {means[selected].score:.4f}"
        return f"{line} ({', '.join(others)})" if others else line

    def _search_scores(self, cell: Cell) -> dict[str, dict[object, float]]:
        """Return override -> seed -> validation score, nan of a run that failed; empty while a run is missing."""
        runs = self.search_runs(cell)
        if not all(run.has_ended for run in runs):
            return {}
        scores: dict[str, dict[object, float]] = {}
        for run in runs:
            score = self._validation_score(run) if run.is_complete else math.nan
            scores.setdefault(run.override, {})[run.seed] = score
        return scores

    def seed_runs(self, cells: Sequence[Cell], seeds: Sequence[int]) -> list[StudyRun]:
        """Return the runs with the selected override and each seed, of the cells whose search has a result."""
        selected = [(cell, override) for cell in cells if (override := self.selected_override(cell)) is not None]
        self._compose([self._line(cell, override, seed) for cell, override in selected for seed in seeds])
        return [self.compose_run(cell, override, seed) for cell, override in selected for seed in seeds]

    def unequal_budgets(self) -> list[str]:
        """Return lines that say which of the requested arms are trained unequally; none if all are trained equally."""
        searched = [run for cell in self.requested for run in self.search_runs(cell) if not cell.arm.script]
        return unequal_budgets([run.job for run in searched], names=[run.cell.arm.name for run in searched])

    def _validation_score(self, run: StudyRun) -> float:
        metrics: Mapping[str, float] = read_json(RunFolder(run.folder).result)["metrics"]
        return metrics.get(self.study.rates.best, math.nan)

    def _candidates(self, cell: Cell) -> Iterator[str]:
        """Yield the values of the arm's own search, or the learning rates of a cell that is trained by gradients."""
        if cell.arm.tries:
            key, values = cell.arm.tries
            yield from (format_override(key, value) for value in values)
            return
        config = self._jobs[self._line(cell, "", self._first_seed)].config
        if is_trained(config):
            default = config["optimizer"]["lr"]
            yield from (f"{LEARNING_RATE}={float(f'{default * factor:.3g}'):g}" for factor in self.study.rates.times)

    def _search_lines(self, cell: Cell) -> list[tuple[str, ...]]:
        seeds = self.study.rates.seeds
        return [self._line(cell, override, seed) for override in self.search_space(cell) for seed in seeds]

    def _line(self, cell: Cell, override: str, seed: int) -> tuple[str, ...]:
        return (*cell.overrides, *([override] if override else []), f"seed={seed}")

    def _compose(self, lines: Sequence[tuple[str, ...]], known: Sequence[Problem] = ()) -> None:
        new = [line for line in dict.fromkeys(lines) if line not in self._jobs]
        if not new and not known:
            return
        jobs, problems = compose_jobs([list(line) for line in new], self._composer)
        if problems or known:
            raise UserError([*known, *problems], "study")
        self._jobs |= dict(zip(new, jobs, strict=True))


def _duplicates(jobs: Sequence[tuple[Cell, Job]]) -> Iterator[Problem]:
    """Yield a problem for each cell with the same run as another cell, unless their searches differ."""
    first_cells: dict[str, Cell] = {}
    for cell, job in jobs:
        first = cell if cell.arm.tries else first_cells.setdefault(job.id, cell)
        if first is not cell:
            yield Problem(f"arms.{cell.arm.name}", f"{cell} is the same run as {first}", "leave one of them out")
