"""The runs of a study: at the rates that are tried, and at the chosen one with all seeds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from frostline.config import jobs as command
from frostline.config.checks.outline import outline
from frostline.config.checks.run_folders import folder_problems
from frostline.config.checks.source import capabilities
from frostline.config.jobs import Job
from frostline.errors import Problem, UserError
from frostline.models.interfaces import Capability
from frostline.reproduce.study.cells import Cell, cells, word
from frostline.reproduce.study.study import Described
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder
from frostline.results.metric_names import is_better

RATE = "optimizer.lr"
Limits = Mapping[str, Sequence[str]]  # key -> the values that a part of the study has of it


@dataclass(frozen=True)
class Attempt:
    """One run to be. choice: the override that is chosen for the cell, "" where there is nothing to choose."""

    cell: Cell
    choice: str
    seed: int
    job: Job

    @property
    def folder(self) -> Path:
        """Of a script's runs, which are none of the program's own, one that the job's id is in."""
        if not self.cell.arm.script:
            return self.job.folder
        words = [self.cell.arm.name, *self.cell.place.values(), f"s{self.seed}", self.job.id[:8]]
        return self.job.folder.parent / "-".join(re.sub(r"[^\w.]+", "_", one) for one in words)

    @property
    def complete(self) -> bool:
        return RunFolder(self.folder).result.exists()

    @property
    def ended(self) -> bool:
        return self.complete or RunFolder(self.folder).failure.exists()


class Attempts:
    """Composed when they are asked for, each once. cells: of the whole study; wanted: those within the limits.

    Raises:
        UserError: with all that is wrong with the runs of the study.
    """

    def __init__(self, study: Described, known: Sequence[Problem] = (), limits: Limits | None = None) -> None:
        self.study, self.cells = study, cells(study)
        self.wanted = [cell for cell in self.cells if cell.has(limits or {})]
        self.seeds = [seed for seed in study.seeds if str(seed) in (limits or {}).get("seed", [str(seed)])]
        self._jobs: dict[tuple[str, ...], Job] = {}
        self._composer = command.default_composer()
        usual = [self._line(cell, "", study.rates.seed) for cell in self.cells]
        self._compose(usual, known)
        own = [(cell, self._jobs[line]) for cell, line in zip(self.cells, usual, strict=True) if not cell.arm.script]
        if problems := [*_same(own), *folder_problems(list({job.id: job for _, job in own}.values()))]:
            raise UserError(problems, "study")
        self._choices = {str(cell): list(self._of(cell)) for cell in self.cells}
        self._compose([line for cell in self.wanted for line in self._lines_tried(cell)])

    def choices(self, cell: Cell) -> list[str]:
        """Return the overrides that are tried for a cell, none where there is nothing to choose."""
        return self._choices[str(cell)]

    def attempt(self, cell: Cell, choice: str, seed: int) -> Attempt:
        """Return the run of a cell with an override, "" for none, and a seed."""
        line = self._line(cell, choice, seed)
        self._compose([line])
        return Attempt(cell, choice, seed, self._jobs[line])

    def tried(self, cell: Cell) -> list[Attempt]:
        """At the one seed, everything that there is to choose from."""
        seed = self.study.rates.seed
        self._compose(self._lines_tried(cell))
        return [self.attempt(cell, choice, seed) for choice in self._choices[str(cell)]]

    def chosen(self, cell: Cell) -> str | None:
        """The override with the best score of validation, of what was tried.

        None while something is to be tried, and where all that was has failed: else a run that failed has no say.
        """
        tried = self.tried(cell)
        if not tried:
            return ""
        if not all(attempt.ended for attempt in tried):
            return None
        scores = {attempt.choice: self._score(attempt) for attempt in tried if attempt.complete}
        known = {choice: score for choice, score in scores.items() if math.isfinite(score)}
        best = next(iter(known), None)
        for choice, score in known.items():
            if best is not None and is_better(self.study.rates.best, score, known[best]):
                best = choice
        return best

    def seeded(self, found: Sequence[Cell], seeds: Sequence[int]) -> list[Attempt]:
        """Of the cells whose choice is known, all seeds."""
        known = [(cell, choice) for cell in found if (choice := self.chosen(cell)) is not None]
        self._compose([self._line(cell, choice, seed) for cell, choice in known for seed in seeds])
        return [self.attempt(cell, choice, seed) for cell, choice in known for seed in seeds]

    def _score(self, attempt: Attempt) -> float:
        metrics: Mapping[str, float] = read_json(RunFolder(attempt.folder).result)["metrics"]
        return metrics.get(self.study.rates.best, math.nan)

    def _of(self, cell: Cell) -> Iterator[str]:
        """What there is to choose from: nothing where nothing learns by steps."""
        if cell.arm.tries:
            key, values = cell.arm.tries
            yield from (word(key, value) for value in values)
            return
        config = self._jobs[self._line(cell, "", self.study.rates.seed)].config
        solved = Capability.FIT in capabilities(config["head"]["_target_"])
        learning = outline(config).trainable_kinds
        if config["trainer"]["max_epochs"] and learning != set() and not (solved and learning == {"head"}):
            usual = config["optimizer"]["lr"]
            yield from (f"{RATE}={float(f'{usual * factor:.3g}'):g}" for factor in self.study.rates.times)

    def _lines_tried(self, cell: Cell) -> list[tuple[str, ...]]:
        return [self._line(cell, choice, self.study.rates.seed) for choice in self._choices[str(cell)]]

    def _line(self, cell: Cell, choice: str, seed: int) -> tuple[str, ...]:
        return (*cell.words, *([choice] if choice else []), f"seed={seed}")

    def _compose(self, lines: Sequence[tuple[str, ...]], known: Sequence[Problem] = ()) -> None:
        new = [line for line in dict.fromkeys(lines) if line not in self._jobs]
        if not new and not known:
            return
        found, problems = command.compose_jobs([list(line) for line in new], self._composer)
        if problems or known:
            raise UserError([*known, *problems], "study")
        self._jobs |= dict(zip(new, found, strict=True))


def _same(found: Sequence[tuple[Cell, Job]]) -> Iterator[Problem]:
    """Arms of which one is a run of the other, unless they differ in what is chosen for them."""
    owners: dict[str, Cell] = {}
    for cell, job in found:
        owner = cell if cell.arm.tries else owners.setdefault(job.id, cell)
        if owner is not cell:
            yield Problem(f"arms.{cell.arm.name}", f"{cell} is the same run as {owner}", "leave one of them out")
