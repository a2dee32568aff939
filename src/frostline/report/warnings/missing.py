"""Seeds, folds and whole cells that others have, and values that a run should have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from frostline.report.grid import Grid
from frostline.report.read.runs import RunRecord, format_pairs, format_value
from frostline.report.warnings.warning import ReportWarning, format_count

Repeat = tuple[Any, Any]  # seed, and fold or draw of the data set


def missing_runs(grid: Grid) -> Iterator[ReportWarning]:
    """Of a grid in which neither seeds nor folds are rows or columns of their own, unless as one of its keys."""
    seeds = {run.seed for runs in grid.at.values() for run in runs} if "seed" not in grid.shown else set()
    repeats = _repeats(grid)
    empty, lacking = [], []
    for row in grid.rows:
        for col in grid.cols:
            runs, name = grid.cell(row, col), format_pairs(grid.shown, (*row, *col))
            if not runs:
                empty.append(name)
            elif missing := [*_seeds(runs, seeds), *_splits(runs, repeats, grid.shown)]:
                lacking.append(f"{name}: {', '.join(missing)}")
    if empty:
        yield ReportWarning(f"{format_count(len(empty), 'cell')} without a complete run", empty)
    if lacking:
        yield ReportWarning(f"{format_count(len(lacking), 'cell')} without runs that others have", lacking)


def _seeds(runs: Sequence[RunRecord], seeds: set[Any]) -> list[str]:
    return [f"seed {format_value(seed)}" for seed in sorted(seeds - {run.seed for run in runs}, key=str)]


def _repeats(grid: Grid) -> dict[Any, set[Repeat]]:
    """Of each data set, every seed with every fold or draw of it that there is."""
    found: dict[Any, set[Repeat]] = {}
    for runs in grid.at.values():
        for run in runs:
            found.setdefault(_texts(run), set()).add(_repeat(run, grid.shown))
    return found


def _texts(run: RunRecord) -> Any:
    return run.choices.get("dataset"), run.texts


def _repeat(run: RunRecord, shown: Sequence[str]) -> Repeat:
    return ("" if "seed" in shown else run.seed), tuple(pair for pair in run.repeat if pair[0] not in shown)


def _splits(runs: Sequence[RunRecord], repeats: dict[Any, set[Repeat]], shown: Sequence[str]) -> list[str]:
    """Folds that a seed lacks which this cell has otherwise."""
    seeds, own = {_repeat(run, shown)[0] for run in runs}, {_repeat(run, shown) for run in runs}
    missing = set().union(*(repeats[_texts(run)] for run in runs)) - own
    named = sorted(
        (str(seed), format_pairs(*zip(*pairs, strict=True))) for seed, pairs in missing if seed in seeds and pairs
    )
    return [f"seed {seed} at {split}" if seed else split for seed, split in named]


def missing_values(runs: Sequence[RunRecord], metrics: Sequence[str]) -> Iterator[ReportWarning]:
    """Complete runs that have no number for a metric of the table."""
    for metric in metrics:
        lacking = [run.folder for run in runs if metric not in run.metrics]
        if lacking:
            yield ReportWarning(f"{format_count(len(lacking))} without {metric}", lacking)
        odd = [run for run in runs if not math.isfinite(run.metrics.get(metric, 0.0))]
        if odd:
            said = [f"{run.folder} ({run.metrics[metric]})" for run in odd]
            yield ReportWarning(f"{format_count(len(odd))} whose {metric} is no finite number and left out", said)


def collapsed_runs(runs: Sequence[RunRecord]) -> Iterator[ReportWarning]:
    """Runs that have collapsed."""
    if runs:
        what = f"{format_count(len(runs))} collapsed: no better than a guess that looks at no text, where siblings are;"
        what += " counted apart, and left out of means and tests"
        told_of = [f"{run.folder} (test/accuracy {run.metrics['test/accuracy']:.3f})" for run in runs]
        yield ReportWarning(what, told_of)
