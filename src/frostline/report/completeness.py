"""Find the seeds and folds that cells of a grid lack although other cells have them or their study asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frostline.report.grid import Grid, Key
from frostline.report.read.runs import RunRecord, Value, format_pairs, names_value

Repeat = tuple[Any, Any]  # seed, and fold or other split of the data set


@dataclass(frozen=True)
class MissingRuns:
    """seeds, folds: which are missing. wanted: the number of seeds that the cell should have."""

    seeds: Sequence[Value] = ()
    folds: Sequence[str] = ()
    wanted: int = 0


def find_missing(
    grid: Grid, incomplete: Iterable[RunRecord] = (), seeds: Sequence[str] = ()
) -> dict[tuple[Key, Key], MissingRuns]:
    """Return what each cell with runs missing.

    A cell should have the seeds that any other cell has, that its study asks for, and of its own runs without a result.
    If the rows or columns are seeds, none is missing. incomplete: runs without a result. seeds: the only ones that the
    query accepts; all if empty.
    """
    by_seed = "seed" not in grid.shown
    everywhere = {run.seed for runs in grid.at.values() for run in runs}
    started = _seeds_by_cell(grid, incomplete)
    repeats = _repeats_by_dataset(grid)
    missing_runs: dict[tuple[Key, Key], MissingRuns] = {}
    for at, runs in grid.at.items():
        asked = {seed for run in runs for seed in run.study_seeds if _accepted(seed, seeds)}
        wanted = everywhere | asked | started.get(at, set()) if by_seed else set()
        lacking = sorted(wanted - {run.seed for run in runs}, key=seed_order)
        missing_runs[at] = MissingRuns(lacking, _missing_folds(runs, repeats, grid.shown), len(wanted))
    return missing_runs


def _accepted(seed: Value, texts: Sequence[str]) -> bool:
    return not texts or any(names_value(seed, text) for text in texts)


def seed_order(seed: Value) -> tuple[bool, float, str]:
    """Return the sort key of a seed: numbers by size, then all else."""
    number = isinstance(seed, int | float)
    return not number, float(seed) if number else 0.0, str(seed)


def _seeds_by_cell(grid: Grid, incomplete: Iterable[RunRecord]) -> dict[tuple[Key, Key], set[Value]]:
    seeds: dict[tuple[Key, Key], set[Value]] = {}
    for run in incomplete:
        if run.seed is not None:
            row, col = (tuple(run.value(key) for key in keys) for keys in (grid.row_keys, grid.col_keys))
            seeds.setdefault((row, col), set()).add(run.seed)
    return seeds


def _repeats_by_dataset(grid: Grid) -> dict[Any, set[Repeat]]:
    """Return data set -> all pairs of seed and fold that occur in the grid."""
    repeats: dict[Any, set[Repeat]] = {}
    for runs in grid.at.values():
        for run in runs:
            repeats.setdefault(_dataset_of(run), set()).add(_repeat_of(run, grid.shown))
    return repeats


def _dataset_of(run: RunRecord) -> Any:
    return run.choices.get("dataset"), run.texts


def _repeat_of(run: RunRecord, shown: Sequence[str]) -> Repeat:
    return ("" if "seed" in shown else run.seed), tuple(pair for pair in run.repeat if pair[0] not in shown)


def _missing_folds(runs: Sequence[RunRecord], repeats: Mapping[Any, set[Repeat]], shown: Sequence[str]) -> list[str]:
    """Return the missing folds of the seeds that the cell has."""
    present = {_repeat_of(run, shown) for run in runs}
    seeds = {seed for seed, _ in present}
    missing = set().union(*(repeats[_dataset_of(run)] for run in runs)) - present
    names = sorted(
        (str(seed), format_pairs(*zip(*pairs, strict=True))) for seed, pairs in missing if seed in seeds and pairs
    )
    return [f"seed {seed} at {fold}" if seed else fold for seed, fold in names]
